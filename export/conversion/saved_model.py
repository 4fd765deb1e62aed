"""A model out of files, and what tells an inference model from what else a program file may hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.conversion.paddle_model import PaddleModel
from fluidline.errors import DataError

_BACKWARD, _OPTIMIZE = 1, 2  # bits of an operator's role


@dataclass(frozen=True)
class SavedModel:
    """A model and the files that it was read from."""

    model: PaddleModel
    program_file: Path
    parameter_files: tuple[Path, ...]


def refuse_training(program: Any, file: Path, mend: str) -> None:
    """Raise DataError, with the `mend`, where a program is one that trains."""
    ops = [op for block in program.blocks for op in block.ops]
    training = [op.type for op in ops if op.has_attr("op_role") and op.attr("op_role") & (_BACKWARD | _OPTIMIZE)]
    training = list(dict.fromkeys(training + [op.type for op in ops if op.type.endswith("_grad")]))
    if training:
        shown = ", ".join(training[:4]) + (", ..." if len(training) > 4 else "")
        raise DataError(f"{file} is a training program, not an inference model (it has {shown}); {mend}")


def refuse_without_ends(file: Path, feeds: list[str], fetches: list[str], mend: str) -> None:
    """Raise DataError, with the `mend`, where a program does not say what goes in or what comes out."""
    if not feeds or not fetches:
        ends = "inputs and outputs" if not feeds and not fetches else "outputs" if feeds else "inputs"
        raise DataError(
            f"{file} is a program without declared {ends} (it has no {'feed' if not feeds else 'fetch'} operators, so "
            f"that it was not saved for inference); {mend}"
        )
