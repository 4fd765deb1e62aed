"""From a Paddle program to what paddle2onnx makes of it, in a process of its own: it can abort, or write nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

import onnx

from export.conversion.graph import read_model
from export.conversion.paddle_files import save_2x
from export.conversion.paddle_model import PaddleModel
from fluidline.errors import DataError, FluidlineError

_TIMEOUT = 600.0  # seconds; a ResNet-50 takes about one
_PROCESS = Path(__file__).with_name("translate_process.py")


def translate(
    model: PaddleModel, opset: int, passed_on: Collection[str] = (), timeout: float = _TIMEOUT
) -> onnx.ModelProto:
    """Return what paddle2onnx makes of `model`, with every parameter as a constant, none of its own optimisations.

    Operators of the types `passed_on` become nodes of the same name. The opset is raised where an operator needs it.
    Raises FluidlineError where paddle2onnx fails, writes nothing or does not end within `timeout` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="fluidline-") as folder:
        prefix, out = Path(folder) / "model", Path(folder) / "model.onnx"
        save_2x(model, prefix)
        command = [sys.executable, os.fspath(_PROCESS), os.fspath(prefix), os.fspath(out), str(opset), *passed_on]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
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
    for mark in ("[ERROR]", "not supported", "Error:"):
        if telling := [line for line in lines if mark in line]:
            return telling[0]
    return lines[-1] if lines else "it said nothing"
