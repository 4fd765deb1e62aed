"""Numbers nearer to zero than float32's smallest normal one, 1.2e-38, taken for zero while a program runs.

Processors compute with them many times slower. A training makes them without end: what Adam remembers of a gradient that
has become zero is halved every seven steps, and reaches them after some 800.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# glibc's fenv_t on x86-64: 28 bytes of the older unit, then SSE's control and status register.
_ENVIRONMENT = ctypes.c_uint32 * 8
_SSE = 7
_FLUSH = 1 << 15 | 1 << 6  # results that are subnormal, and operands


def _library() -> ctypes.CDLL | None:
    if sys.platform != "linux" or platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc":
        return None
    return ctypes.CDLL("libm.so.6")


_LIBM = _library()


@contextmanager
def flushed() -> Iterator[None]:
    """Let this thread, and those that are begun meanwhile, take subnormal numbers for zero; elsewhere than on Linux
    with an x86-64 processor and glibc, change nothing."""
    if _LIBM is None:
        yield
        return
    before, within = _ENVIRONMENT(), _ENVIRONMENT()
    _LIBM.fegetenv(before)
    within[:] = before[:]
    within[_SSE] |= _FLUSH
    _LIBM.fesetenv(within)
    try:
        yield
    finally:
        _LIBM.fesetenv(before)
