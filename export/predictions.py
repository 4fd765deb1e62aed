"""What was predicted for a file, and how that is written: CSV or JSON lines, to a file that is whole or to stdout."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from fluidline.errors import FluidlineError, UsageError
from fluidline.files import atomic_file

STDOUT = "-"
FORMATS = ("csv", "jsonl")
_ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
# csv.writer would leave a lone carriage return unquoted where lines end in a newline.
_TO_QUOTE = re.compile('[",\r\n]')

Cell = str | float | None


@dataclass(frozen=True)
class Prediction:
    """The likeliest labels of a file and their probabilities, falling, or the reason why there are none."""

    file: str
    labels: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    error: str = ""


def format_of(out: str, chosen: str | None = None) -> str:
    """Return the chosen format, or the one that the ending of `out` names. Raises UsageError where it names none."""
    found = chosen or ("csv" if out == STDOUT else _ENDINGS.get(Path(out).suffix.lower()))
    if found is None:
        raise UsageError(f"--out {out}: the ending names no format (end it in .csv or .jsonl, or add --format)")
    return found


@contextmanager
def open_rows(out: str, form: str, top: int) -> Iterator[Callable[[Iterable[Prediction]], None]]:
    """Yield a function that writes predictions, `top` labels of each, as rows of `out`; '-' is stdout.

    A regular file appears when the context ends well, and otherwise stays what it was. File names that are not UTF-8
    keep their bytes in CSV, and are escaped in JSON, as Python's surrogateescape has them.
    """
    columns = _columns(top)
    to_line = _csv_line if form == "csv" else _json_line
    with _open(out) as stream:
        if form == "csv":
            stream.write(",".join(columns) + "\n")

        def write(predictions: Iterable[Prediction]) -> None:
            stream.writelines(to_line(columns, _cells(prediction, top)) for prediction in predictions)

        yield write


@contextmanager
def _open(out: str) -> Iterator[TextIO]:
    path = Path(out)
    if out == STDOUT:
        with _as_text(sys.stdout.fileno()) as stream:
            yield stream
    elif path.is_dir():
        raise FluidlineError(f"cannot write {path}: it is a folder (name a file in it)")
    elif path.exists() and not path.is_file():  # /dev/null or a pipe, say
        with _as_text(path) as stream:
            yield stream
    else:
        with atomic_file(path) as part, _as_text(part) as stream:
            yield stream


def _as_text(file: int | Path) -> TextIO:
    owned = not isinstance(file, int)
    return open(file, "w", encoding="utf-8", errors="surrogateescape", newline="", closefd=owned)


def _columns(top: int) -> list[str]:
    ranks = ["", *(f"_{rank}" for rank in range(2, top + 1))]
    return ["file", *(name + rank for rank in ranks for name in ("label", "probability")), "error"]


def _cells(prediction: Prediction, top: int) -> list[Cell]:
    pairs = zip(prediction.labels, prediction.probabilities, strict=True)
    ranked: list[Cell] = [cell for pair in pairs for cell in pair] if prediction.labels else [None] * (2 * top)
    return [prediction.file, *ranked, prediction.error or None]


def _csv_line(columns: list[str], cells: list[Cell]) -> str:
    return ",".join(map(_csv_cell, cells)) + "\n"


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.6f}"
    return '"' + cell.replace('"', '""') + '"' if _TO_QUOTE.search(cell) else cell


def _json_line(columns: list[str], cells: list[Cell]) -> str:
    values = (round(cell, 6) if isinstance(cell, float) else cell for cell in cells)
    return json.dumps(dict(zip(columns, values, strict=True))) + "\n"
