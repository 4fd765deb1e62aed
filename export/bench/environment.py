"""What the figures are measured on."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import fluidline
from fluidline.machine import cores, cpu_model, field


def environment() -> dict[str, Any]:
    """Return the machine, how busy it is, and the versions of what is not a backend: those are in their rows."""
    return {
        "cpu_model": cpu_model(),
        "cpu_cores": cores(),
        "gpus": [field(file, "Model") for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))],
        "load_average_1_min": round(os.getloadavg()[0], 2),
        "os": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "fluidline": fluidline.__version__,
    }


@contextmanager
def watched(environment: dict[str, Any]) -> Iterator[None]:
    """Add `other_cpu_share`: the part of the machine's processor time that other processes took in the block.

    Children count as our own once they have been waited for. None where there is no /proc/stat (it is Linux's).
    """
    start, before = time.monotonic(), _others_cpu_s()
    yield
    share = (_others_cpu_s() - before) / (time.monotonic() - start) / (os.cpu_count() or 1)
    environment["other_cpu_share"] = None if math.isnan(share) else round(max(0.0, share), 3)


def _others_cpu_s() -> float:
    """Return the processor time in s since boot that was neither idle nor our own; not a number where it is unknown."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return math.nan
    user, nice, system, _, _, *interrupts = (int(ticks) for ticks in stat.read_text().splitlines()[0].split()[1:8])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])
