"""`fluid.dygraph`: eager execution."""

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
    tracer,  # noqa: F401
)
from .backward_strategy import *  # noqa: F403
from .base import *  # noqa: F403
from .checkpoint import *  # noqa: F403
from .checkpoint import load_persistables, save_persistables  # noqa: F401  of 1.5
from .container import *  # noqa: F403
from .dygraph_to_static import ProgramTranslator
from .jit import *  # noqa: F403
from .layers import *  # noqa: F403
from .learning_rate_scheduler import *  # noqa: F403
from .nn import *  # noqa: F403
from .parallel import *  # noqa: F403
from .tracer import Tracer  # noqa: F401  found here, though not in fluid's __all__
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
