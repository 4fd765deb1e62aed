"""What a stage may use of the machine."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_model() -> str:
    """Return the processor's name."""
    return field(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine()


def vector_floats() -> int:
    """Return how many float32 numbers the processor's vector instructions take at once; 1 where it is not known."""
    flags = (field(Path("/proc/cpuinfo"), "flags") or "").split()
    return 16 if "avx512f" in flags else 8 if "avx2" in flags else 1


def cache_folder() -> Path:
    """Return the folder for what can be made again at any time; it need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "fluidline")


def field(file: Path, name: str) -> str | None:
    """Return the value of the first line `name: value` of a file of /proc, None where there is none."""
    try:
        with open(file, encoding="utf-8", errors="replace") as lines:
            pairs = (line.partition(":") for line in lines)
            return next((value.strip() for key, _, value in pairs if key.strip() == name), None)
    except OSError:
        return None
