"""Where a training computes."""

from __future__ import annotations

from typing import Any

from fluidline.errors import UsageError

DEVICES = ("cpu", "gpu")


def place(device: str) -> Any:
    """Return fluid's place for a device. Raises UsageError where this Paddle, or this machine, has none such."""
    import paddle

    import legacy_fluid as fluid

    if device == "cpu":
        return fluid.CPUPlace()
    if not fluid.core.is_compiled_with_cuda():
        raise UsageError(
            f"device gpu needs a Paddle that was built with CUDA, and this paddlepaddle {paddle.__version__} was not"
            f" (pip uninstall paddlepaddle, pip install paddlepaddle-gpu=={paddle.__version__}; or --device cpu)"
        )
    if not fluid.core.get_cuda_device_count():
        raise UsageError("device gpu: Paddle sees no GPU on this machine (look at nvidia-smi; or --device cpu)")
    return fluid.CUDAPlace(0)
