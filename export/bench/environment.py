"""What the figures are measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

import fluidline


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment() -> dict[str, Any]:
    """Return the machine, how busy it is, and the versions of what is not a backend: those are in their rows."""
    return {
        "cpu_model": _field(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine(),
        "cpu_cores": cores(),
        "gpus": [_field(file, "Model") for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))],
        "load_average_1_min": round(os.getloadavg()[0], 2),
        "os": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "fluidline": fluidline.__version__,
    }


def _field(file: Path, name: str) -> str | None:
    """Return the value of the first line `name: value` of a file, None where there is none."""
    if not file.exists():
        return None
    pairs = (line.partition(":") for line in file.read_text(errors="replace").splitlines())
    return next((value.strip() for key, _, value in pairs if key.strip() == name), None)
