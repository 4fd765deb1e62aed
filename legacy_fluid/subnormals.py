"""Numbers nearer to zero than float32's smallest normal one, 1.2e-38, taken for zero while a program runs.

Processors compute with them many times slower. A training makes them without end: what Adam remembers of a gradient that
has become zero is halved every seven steps, and reaches them after some 800.
"""

from __future__ import annotations

import ctypes
import platform
import sys

# glibc's fenv_t on x86-64: 28 bytes of the older unit, then SSE's control and status register.
_ENVIRONMENT = ctypes.c_uint32 * 8
_SSE = 7
_FLUSH = 1 << 15 | 1 << 6  # results that are subnormal, and operands


def _library() -> ctypes.CDLL | None:
    if sys.platform != "linux" or platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc":
        return None
    return ctypes.CDLL("libm.so.6")


_LIBM = _library()


class flushed:
    """Let this thread, and those that are begun meanwhile, take subnormal numbers for zero within a `with`; elsewhere
    than on Linux with an x86-64 processor and glibc, change nothing. It may be entered again once it was left."""

    def __init__(self) -> None:
        self._before, self._within = _ENVIRONMENT(), _ENVIRONMENT()

    def __enter__(self) -> None:
        if _LIBM is not None:
            _LIBM.fegetenv(self._before)
            _LIBM.fegetenv(self._within)
            self._within[_SSE] |= _FLUSH
            _LIBM.fesetenv(self._within)

    def __exit__(self, *_: object) -> None:
        if _LIBM is not None:
            _LIBM.fesetenv(self._before)
