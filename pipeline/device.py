"""Where a training computes, and with how many threads."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import os
import sys
from typing import Any

from fluidline.errors import UsageError
from fluidline.machine import cores

DEVICES = ("cpu", "gpu")

_THREADS = "OMP_NUM_THREADS"


def use_threads(count: int | None) -> None:
    """Let each operator compute with `count` threads; None leaves it to OMP_NUM_THREADS, and takes all cores without.

    Raises UsageError where Paddle was imported with another count than the one given: it reads it once.
    """
    if "paddle" in sys.modules:
        if count not in (None, threads()):
            raise UsageError(
                f"threads is {count}, and Paddle was imported with {threads()} (set {_THREADS}={count} before that)"
            )
        return
    os.environ[_THREADS] = str(count or os.environ.get(_THREADS) or cores())
    with contextlib.redirect_stderr(
        io.StringIO()
    ):  # it warns of any count but 1, with its own data parallelism in mind
        import legacy_fluid  # noqa: F401  which imports paddle


def threads() -> int:
    """Return with how many threads an operator computes, once Paddle was imported."""
    return int(os.environ.get(_THREADS, "1"))


def place(device: str) -> Any:
    """Return fluid's place for a device. Raises UsageError where this Paddle, or this machine, has none such."""
    import legacy_fluid as fluid

    if device == "cpu":
        return fluid.CPUPlace()
    if not fluid.core.is_compiled_with_cuda():
        version = importlib.metadata.version("paddlepaddle")
        raise UsageError(
            f"device gpu needs a Paddle that was built with CUDA, and this paddlepaddle {version} was not"
            f" (pip uninstall paddlepaddle, pip install paddlepaddle-gpu=={version}; or --device cpu)"
        )
    if not fluid.core.get_cuda_device_count():
        raise UsageError("device gpu: Paddle sees no GPU on this machine (look at nvidia-smi; or --device cpu)")
    return fluid.CUDAPlace(0)
