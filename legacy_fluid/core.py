"""`fluid.core`: the 2.6.2 core under the names that fluid 1.8 gave it."""

import os
import zlib  # noqa: F401  must come before paddle: libpaddle exports an inflate of its own that breaks a later import

# The core tells on stderr which executor it runs, which no program of fluid printed. Warnings stay.
os.environ.setdefault("GLOG_minloglevel", "1")

from paddle.base import core as _core
from paddle.base.core import *  # noqa: F403


def __getattr__(name: str) -> object:
    return getattr(_core, name)


def get_cuda_device_count() -> int:
    """Number of CUDA devices; 0 where paddle was built without CUDA."""
    return _core.get_cuda_device_count() if _core.is_compiled_with_cuda() else 0


VarBase = _core.eager.Tensor


class BackwardStrategy:
    """How `backward` adds up gradients.

    Attributes:
        sort_sum_gradient: add them in the order of the forward pass. The 2.6 core has one order, and this no effect.
    """

    def __init__(self) -> None:
        self.sort_sum_gradient = False


_core.LoDTensor.__name__ = "LoDTensor"  # 2.6 calls it Tensor, as nobody did then
