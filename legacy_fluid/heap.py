"""Memory that a program frees stays the process's, for the next run.

Else glibc gives what a step of training frees back to the system at its end and asks for it again in the next one,
page by page: for LeNet 1,400 times a step, a tenth of its time. The environment variables that glibc reads for the same
have the last word.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys

# Names of glibc's environment variables -> the parameter of mallopt(3), and its value.
_SETTINGS = {
    "MALLOC_TRIM_THRESHOLD_": (-1, 256 * 2**20),  # bytes free at the end of the heap that are kept
    "MALLOC_MMAP_THRESHOLD_": (-3, 32 * 2**20),  # bytes from which on a block gets memory of its own; glibc's highest
    "MALLOC_ARENA_MAX": (-8, 1),  # heaps: what one thread frees, another can use
}


def keep_what_is_freed() -> None:
    """Set it up for this process, before the threads of Paddle begin; elsewhere than with glibc, do nothing."""
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        for name, setting in _SETTINGS.items():
            if name not in os.environ:
                mallopt(*setting)
