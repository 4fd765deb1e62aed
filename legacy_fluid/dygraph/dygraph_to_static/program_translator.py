"""`fluid.dygraph.dygraph_to_static.program_translator`: ProgramTranslator, on the translator of 2.6.

That one reads a function's code and builds a program by calling what came of it in static mode, where layers append the
operators of 1.8. What it runs is lowered first, as the Executor's programs are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import paddle
from paddle.base.dygraph.base import switch_to_static_graph
from paddle.jit.dy2static import partial_program, utils
from paddle.jit.dy2static.program_translator import ASTStaticFunction, ConcreteProgram, convert_to_static
from paddle.utils import map_structure

from ... import core
from ...executor import Executor, scope_guard
from ...framework import Variable, _current_expected_place
from ...io import save_inference_model
from ...lowering import lower

__all__ = ["ProgramTranslator", "convert_function_with_cache"]

_log = logging.getLogger("fluid")


def convert_function_with_cache(dygraph_func: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that builds operators in static mode as `dygraph_func` runs them in eager mode."""
    return convert_to_static(dygraph_func)


class ProgramTranslator:
    """Turns functions of eager mode into programs; there is one of it.

    Attributes:
        enable_declarative: whether `declarative` functions become programs.
    """

    _lock = threading.Lock()
    _instance: ProgramTranslator | None = None
    enable_declarative: bool

    def __new__(cls) -> ProgramTranslator:
        with cls._lock:
            if cls._instance is None:
                cls._instance = object.__new__(cls)
                cls._instance._start()
        return cls._instance

    @classmethod
    def get_instance(cls) -> ProgramTranslator:
        """Return the translator."""
        return cls()

    @classmethod
    def reset(cls) -> None:
        """Forget all programs, and enable it."""
        if cls._instance is not None:
            cls._instance._start()

    def __init__(self) -> None:
        pass  # it is made once, in __new__

    def _start(self) -> None:
        self.enable_declarative = True
        self._functions: dict[Any, Any] = {}
        self._program_cache: list[Any] = []

    def enable(self, enable_declarative: bool) -> None:
        """Turn functions into programs, or leave them as they are."""
        if not isinstance(enable_declarative, bool):
            raise TypeError(f"enable_declarative is True or False, not {enable_declarative!r}")
        self.enable_declarative = enable_declarative

    def get_output(self, dygraph_func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run the program of a function; return its outputs as eager Variables."""
        if not self._is_on("get_output", dygraph_func):
            return dygraph_func(*args, **kwargs)
        static, args = self._static(dygraph_func, args)
        self._remember(static, args, kwargs)
        return static(*args, **kwargs)

    def get_func(self, dygraph_func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that builds operators in static mode as `dygraph_func` runs them in eager mode."""
        return convert_to_static(dygraph_func) if self._is_on("get_func", dygraph_func) else dygraph_func

    def get_program(self, dygraph_func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return the main program of a function, its startup program, its inputs and its outputs."""
        if not self._is_on("get_program", dygraph_func):
            return dygraph_func(*args, **kwargs)
        static, args = self._static(dygraph_func, args)
        program = self._remember(static, args, kwargs)
        return program.main_program, program.startup_program, _variables(program.inputs), _variables(program.outputs)

    def get_code(self, dygraph_func: Callable[..., Any]) -> str:
        """Return the code that a function becomes."""
        assert callable(dygraph_func), f"get_code takes a function, not {dygraph_func!r}"
        return self._static(dygraph_func, ())[0].code

    def save_inference_model(self, dirname: str, feed: list[int] | None = None, fetch: list[int] | None = None) -> None:
        """Write the program that was made last, as fluid.io.save_inference_model does.

        Args:
            feed, fetch: the numbers of the inputs and outputs to keep; all where None.
        """
        assert self._program_cache, "there is no program yet: call a declarative function first"
        program = self._program_cache[-1]
        scope = core.Scope()
        for parameter in program.parameters:
            scope.var(parameter.name).get_tensor()._share_data_with(parameter.get_tensor())
        inputs, outputs = _variables(program.inputs), _variables(program.outputs)
        names = [var.name for var in (inputs if not feed else [inputs[index] for index in feed])]
        kept = outputs if not fetch else [outputs[index] for index in fetch]
        with paddle.base.framework._dygraph_guard(None), scope_guard(scope):
            main = program.main_program.clone()
            targets = [main.global_block().var(var.name) for var in kept]
            save_inference_model(dirname, names, targets, Executor(_current_expected_place()), main)

    def get_program_cache(self) -> Any:
        """Return the programs that were made, the last one at the end."""
        return self._program_cache

    def _is_on(self, method: str, function: Any) -> bool:
        assert callable(function), f"{method} takes a function, not {function!r}"
        if not self.enable_declarative:
            _log.info("ProgramTranslator.%s leaves functions as they are, for it is not enabled", method)
        return self.enable_declarative

    def _static(self, function: Any, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Return the translated function, bound to the Layer in front of `args` where there is one, and the rest."""
        owner = getattr(function, "__self__", None)
        plain = getattr(function, "__func__", function)
        if owner is None and args and isinstance(args[0], paddle.nn.Layer):
            owner, args = args[0], args[1:]
        key = (plain, id(owner))
        if key not in self._functions:
            static = ASTStaticFunction(
                plain, build_strategy=paddle.static.BuildStrategy(), property=False, backend=None, full_graph=True
            )
            self._functions[key] = static if owner is None else static.__get__(owner, type(owner))
        return self._functions[key], args

    def _remember(self, static: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        program, _ = static.get_concrete_program(*args, **kwargs, is_train=static._is_train_mode())
        if program in self._program_cache:
            self._program_cache.remove(program)
        self._program_cache.append(program)
        return program


def _variables(values: Any) -> list[Any]:
    return [value for value in paddle.utils.flatten(values) if isinstance(value, Variable)]


# --- what the translator of 2.6 needs to know of fluid ----------------------------------------------------------------

_OURS = __name__.partition(".")[0]
_partial_program_from = partial_program.partial_program_from


def _lowered_partial_program_from(program: Any, from_method: bool = False) -> Any:
    return _partial_program_from(_lowered(program), from_method)


@switch_to_static_graph
def _lowered(program: Any) -> Any:
    main = lower(program.main_program)
    if main is program.main_program:
        return program
    block = main.global_block()

    def of_main(value: Any) -> Any:
        return block.var(value.name) if isinstance(value, Variable) else value

    return ConcreteProgram(
        inputs=[of_main(value) for value in program.inputs],
        outputs=None if program.outputs is None else map_structure(of_main, program.outputs),
        parameters=program.parameters,
        function=program.function,
        name_generator=program.name_generator,
        main_program=main,
        startup_program=program.startup_program,
        **program.kwargs,
    )


partial_program.partial_program_from = _lowered_partial_program_from
# Layers of fluid are called as they are, and their code not read.
utils.PADDLE_MODULE_PREFIX = (utils.PADDLE_MODULE_PREFIX, f"{_OURS}.")
utils.AS_NOT_INNER_FUNC_LIST.add(f"{_OURS}.dygraph.container.Sequential")
