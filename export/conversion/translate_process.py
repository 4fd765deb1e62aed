"""paddle2onnx in a process of its own: `translate_process.py PREFIX OUT OPSET [PASSED ON ...]` (see export.conversion.translate).

Run as a script it imports nothing of the project, and of paddle2onnx only the extension module: the package's front
would import Paddle, which takes two seconds and is not needed.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

EXTENSION = "paddle2onnx_cpp2py_export"


def main(prefix: str, out: str, opset: int, passed_on: list[str]) -> None:
    """Write what paddle2onnx makes of PREFIX.pdmodel and PREFIX.pdiparams."""
    parameters = f"{prefix}.pdiparams"
    content = load_extension().export(
        f"{prefix}.pdmodel",
        parameters if os.path.exists(parameters) else "",
        opset,
        True,  # raise the opset where an operator needs it
        False,  # verbose
        False,  # its checker: export.conversion.validate checks the finished file
        True,  # experimental operators
        False,  # its optimiser: export.conversion.simplify and export.conversion.fold are tested pass by pass
        {name: name for name in passed_on},  # custom operators
        "onnxruntime",
        "",  # calibration file
        "",  # external data file
        False,  # float16
    )
    Path(out).write_bytes(content)


def load_extension() -> Any:
    """Return paddle2onnx's extension module."""
    package = importlib.util.find_spec("paddle2onnx")
    spec = PathFinder.find_spec(EXTENSION, package.submodule_search_locations) if package else None
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("paddle2onnx is not installed (make setup)")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
