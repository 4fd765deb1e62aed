"""From a Paddle program to ONNX as paddle2onnx makes it, in a process of its own: it can abort, hang or write nothing.

`python -m export.translate PREFIX OUT OPSET` is that process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx

from export.graph import read_model
from export.paddle_files import save_2x
from export.paddle_model import PaddleModel
from fluidline.errors import DataError, FluidlineError

_TIMEOUT = 600.0  # seconds; a ResNet-50 takes about ten
_ROOT = Path(__file__).parent.parent


def translate(model: PaddleModel, opset: int, timeout: float = _TIMEOUT) -> onnx.ModelProto:
    """Return what paddle2onnx makes of `model`, with every parameter as a constant, none of its own optimisations.

    The opset is raised where an operator needs it. Raises FluidlineError where paddle2onnx fails, writes nothing or
    does not end within `timeout` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="fluidline-") as folder:
        prefix, out = Path(folder) / "model", Path(folder) / "model.onnx"
        save_2x(model, prefix)
        command = [sys.executable, "-m", "export.translate", os.fspath(prefix), os.fspath(out), str(opset)]
        try:
            done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise FluidlineError(f"paddle2onnx did not end within {timeout:g} s (its process was stopped)") from error
        if done.returncode != 0:
            how = f"exit code {done.returncode}" if done.returncode > 0 else signal.Signals(-done.returncode).name
            raise FluidlineError(f"paddle2onnx failed ({how}): {_reason(done.stdout + done.stderr)}")
        try:
            return read_model(out)
        except DataError as error:
            log = _reason(done.stdout + done.stderr)
            raise FluidlineError(f"paddle2onnx reported success, but wrote no model: {log}") from error


def _reason(log: str) -> str:
    """Return the line of paddle2onnx's log that says what went wrong."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if "[ERROR]" in line or "Error:" in line or "not supported" in line]
    return (telling or lines or ["it said nothing"])[0 if telling else -1]


def _main(prefix: str, out: str, opset: str) -> None:
    import zlib  # noqa: F401  before paddle, whose library brings an inflate of its own

    import paddle2onnx

    paddle2onnx.export(
        f"{prefix}.pdmodel",
        f"{prefix}.pdiparams" if os.path.exists(f"{prefix}.pdiparams") else "",
        out,
        opset_version=int(opset),
        auto_upgrade_opset=True,
        verbose=False,
        enable_onnx_checker=False,  # export.validate checks the finished file
        enable_optimize=False,  # export.simplify and export.fold are tested pass by pass
    )


if __name__ == "__main__":
    _main(*sys.argv[1:])
