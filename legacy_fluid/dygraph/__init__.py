"""`fluid.dygraph`: eager execution."""

from ..coverage import tell_absent
from . import (
    backward_strategy,
    base,
    checkpoint,
    container,
    dygraph_to_static,
    jit,
    layers,
    learning_rate_scheduler,
    nn,
    parallel,
    static_runner,
    tracer,
)
from .backward_strategy import *
from .base import *
from .checkpoint import *
from .checkpoint import load_persistables, save_persistables
from .container import *
from .dygraph_to_static import ProgramTranslator
from .jit import *
from .layers import *
from .learning_rate_scheduler import *
from .nn import *
from .parallel import *
from .static_runner import StaticModelRunner
from .tracer import Tracer
from .varbase_patch_methods import monkey_patch_varbase

__all__ = [
    *layers.__all__,
    *base.__all__,
    *container.__all__,
    *nn.__all__,
    *parallel.__all__,
    *checkpoint.__all__,
    *learning_rate_scheduler.__all__,
    *backward_strategy.__all__,
    *jit.__all__,
    "ProgramTranslator",
]

monkey_patch_varbase()

__getattr__ = tell_absent(__name__)
