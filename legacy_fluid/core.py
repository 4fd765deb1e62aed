"""`fluid.core`: the 2.6.2 core under the names that fluid 1.8 gave it."""

import functools
import os
import zlib  # noqa: F401  must come before paddle: libpaddle exports an inflate of its own that breaks a later import

# The core tells on stderr which executor it runs, which no program of fluid printed. Warnings stay.
os.environ.setdefault("GLOG_minloglevel", "1")

from collections.abc import Callable
from typing import Any

from paddle.base import core as _core
from paddle.base.core import *  # noqa: F403


def __getattr__(name: str) -> object:
    return getattr(_core, name)


def get_cuda_device_count() -> int:
    """Number of CUDA devices; 0 where paddle was built without CUDA."""
    return _core.get_cuda_device_count() if _core.is_compiled_with_cuda() else 0


def raises_enforce_not_met(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let what the core refuses meanwhile be an EnforceNotMet, as all of it was in 1.8.

    The core of 2.6 raises ValueError, RuntimeError and others instead; the error is one of these, too.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if isinstance(error, _core.EnforceNotMet) or not _is_of_core(error):
                raise
            told = _both(type(error))(*error.args).with_traceback(error.__traceback__)
        raise told  # out here, where it takes the place of the other instead of following it

    return call


def _is_of_core(error: Exception) -> bool:
    """Whether the core refused something; it tells where in its own source."""
    return "(at /paddle/" in str(error)


@functools.cache
def _both(kind: type[Exception]) -> type[Exception]:
    return type("EnforceNotMet", (_core.EnforceNotMet, kind), {"__module__": _core.EnforceNotMet.__module__})


VarBase = _core.eager.Tensor


class BackwardStrategy:
    """How `backward` adds up gradients.

    Attributes:
        sort_sum_gradient: add them in the order of the forward pass. The 2.6 core has one order, and this no effect.
    """

    def __init__(self) -> None:
        self.sort_sum_gradient = False


_core.LoDTensor.__name__ = "LoDTensor"  # 2.6 calls it Tensor, as nobody did then
