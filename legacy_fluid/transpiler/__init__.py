"""`fluid.transpiler`: programs for several processes, of which one process is had here."""

from ..coverage import tell_absent
from . import collective, details
from .distribute_transpiler import DistributeTranspiler, DistributeTranspilerConfig
from .memory_optimization_transpiler import memory_optimize, release_memory
from .ps_dispatcher import HashName, RoundRobin

__all__ = [
    "DistributeTranspiler",
    "DistributeTranspilerConfig",
    "HashName",
    "RoundRobin",
    "memory_optimize",
    "release_memory",
]

__getattr__ = tell_absent(__name__)
