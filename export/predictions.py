"""What was predicted for a file, and how that is written: CSV or JSON lines, to stdout or a file that one can resume."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, TextIO

from fluidline.errors import FluidlineError, UsageError
from fluidline.files import PARTIAL, resumable_file

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


class Rows:
    """A table that is being written."""

    def __init__(self, stream: TextIO, form: str, top: int) -> None:
        self._stream, self._top, self._columns = stream, top, _columns(top)
        self._to_line = _csv_line if form == "csv" else _json_line

    def write_header(self) -> None:
        """Write the line that begins a CSV file; JSON lines have none."""
        if self._to_line is _csv_line:
            self._stream.write(_header(self._columns))

    def write(self, predictions: Iterable[Prediction]) -> None:
        """Write a row for each prediction, and hand them to the system: so they outlive this process."""
        self._stream.writelines(self._to_line(self._columns, _cells(each, self._top)) for each in predictions)
        self._stream.flush()


@contextmanager
def open_rows(out: str, form: str, top: int, resume: bool = False) -> Iterator[Rows]:
    """Open the table `out` for predictions with `top` labels each; '-' is stdout.

    A regular file is written as OUT.partial, which becomes `out` when the context ends well. With `resume` the rows that
    OUT.partial has, or else `out`, come first. File names that are not UTF-8 keep their bytes in CSV, and are escaped in
    JSON, as Python's surrogateescape has them. Raises UsageError where `out` cannot be gone on with.
    """
    path = Path(out)
    if out == STDOUT or (path.exists() and not path.is_file() and not path.is_dir()):  # /dev/null or a pipe, say
        if resume:
            raise UsageError(f"--resume goes on with a file, and --out is {out}")
        with _as_text(sys.stdout.fileno() if out == STDOUT else path) as stream:
            rows = Rows(stream, form, top)
            rows.write_header()
            yield rows
    elif path.is_dir():
        raise FluidlineError(f"cannot write {path}: it is a folder (name a file in it)")
    else:
        with resumable_file(path) as part, _locked(part):
            if resume and not part.stat().st_size and path.exists():
                shutil.copyfile(path, part)
            end = _end_of_rows(part, form, top) if resume else 0
            os.truncate(part, end)
            with _as_text(part, "a") as stream:
                rows = Rows(stream, form, top)
                if not end:
                    rows.write_header()
                yield rows


@contextmanager
def _locked(part: Path) -> Iterator[None]:
    """Make the file where it is not there, and hold it against another command that would write it."""
    with open(part, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FluidlineError(
                f"{part} is being written by another predict (wait, or choose another --out)"
            ) from None
        yield


def read_done(out: str, form: str) -> set[str]:
    """Return the files that a table to be resumed has rows for."""
    path = Path(out)
    part = path.with_name(path.name + PARTIAL)
    found = next((file for file in (part, path) if file.is_file() and file.stat().st_size), None)
    if found is None:
        return set()
    rows = _rows_of(found, form)
    return {name for name, _ in (islice(rows, 1, None) if form == "csv" else rows)}


def _end_of_rows(part: Path, form: str, top: int) -> int:
    """Return where the last whole row ends, in bytes. Raises UsageError where the columns are not those of `top`."""
    end = 0
    for _, record in _rows_of(part, form):
        if form == "csv" and not end and record != _header(_columns(top)):
            raise UsageError(f"--resume: {part} has other columns, {record.strip()} (leave --resume out to begin anew)")
        end += len(record.encode("utf-8", "surrogateescape"))
    return end


def _rows_of(file: Path, form: str) -> Iterator[tuple[str, str]]:
    """Yield the first cell and the text of each whole row, a header included, up to what is torn."""
    import csv  # only to resume

    with open(file, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        for record in _records(stream, form):
            try:
                name = next(csv.reader([record]))[0] if form == "csv" else str(json.loads(record)["file"])
            except (csv.Error, ValueError, KeyError, TypeError, IndexError):
                return
            yield name, record


def _records(stream: TextIO, form: str) -> Iterator[str]:
    """Yield the rows that are whole: a quoted cell of CSV may hold ends of lines."""
    record = ""
    for line in stream:
        record += line
        if record.endswith("\n") and (form == "jsonl" or record.count('"') % 2 == 0):
            yield record
            record = ""


def _as_text(file: int | Path, mode: Literal["w", "a"] = "w") -> TextIO:
    owned = not isinstance(file, int)
    return open(file, mode, encoding="utf-8", errors="surrogateescape", newline="", closefd=owned)


def _columns(top: int) -> list[str]:
    ranks = ["", *(f"_{rank}" for rank in range(2, top + 1))]
    return ["file", *(name + rank for rank in ranks for name in ("label", "probability")), "error"]


def _header(columns: list[str]) -> str:
    return ",".join(columns) + "\n"


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
