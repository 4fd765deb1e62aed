"""`fluid.dygraph.dygraph_to_static`: from a function's code to a program."""

from paddle.jit.dy2static.convert_call_func import convert_call

from . import program_translator
from .program_translator import ProgramTranslator, convert_function_with_cache, convert_to_static

__all__ = ["ProgramTranslator", "convert_function_with_cache", "convert_to_static"]
