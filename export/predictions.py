"""What was predicted for a file or row, and how that is written: CSV or JSON lines, to stdout or a file that one can resume."""

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
from typing import Literal, NamedTuple, TextIO

from fluidline.errors import FluidlineError, UsageError
from fluidline.files import PARTIAL, resumable_file

STDOUT = "-"
FORMATS = ("csv", "jsonl")
_ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
# csv.writer would leave a lone carriage return unquoted where lines end in a newline.
_TO_QUOTE = re.compile('[",\r\n]')

Cell = str | float | None


class Prediction(NamedTuple):
    """The likeliest labels of a file or row and their probabilities, falling, or a value, or why there is neither."""

    name: str
    labels: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    value: float | None = None
    error: str = ""


@dataclass(frozen=True)
class Layout:
    """The columns of a table: what its rows are of, `file` or `row`, and how many labels each has, 0 for a value."""

    subject: str = "file"
    top: int = 1

    @property
    def columns(self) -> list[str]:
        ranks = ["", *(f"_{rank}" for rank in range(2, self.top + 1))]
        answers = [name + rank for rank in ranks for name in ("label", "probability")] if self.top else ["value"]
        return [self.subject, *answers, "error"]

    @property
    def number(self) -> str:
        """The format of its numbers: decimals of a probability, digits of a value."""
        return ".6f" if self.top else ".7g"

    def cells(self, prediction: Prediction) -> list[Cell]:
        """Return what a prediction's row has in the columns."""
        if not self.top:
            return [prediction.name, prediction.value, prediction.error or None]
        pairs = zip(prediction.labels, prediction.probabilities, strict=True)
        ranked: list[Cell] = [cell for pair in pairs for cell in pair] if prediction.labels else [None] * (2 * self.top)
        return [prediction.name, *ranked, prediction.error or None]


def format_of(out: str, chosen: str | None = None) -> str:
    """Return the chosen format, or the one that the ending of `out` names. Raises UsageError where it names none."""
    found = chosen or ("csv" if out == STDOUT else _ENDINGS.get(Path(out).suffix.lower()))
    if found is None:
        raise UsageError(f"--out {out}: the ending names no format (end it in .csv or .jsonl, or add --format)")
    return found


class Rows:
    """A table that is being written."""

    def __init__(self, stream: TextIO, form: str, layout: Layout) -> None:
        self._stream, self._layout, self._columns, self._number = stream, layout, layout.columns, layout.number
        self._to_line = _csv_line if form == "csv" else _json_line

    def write_header(self) -> None:
        """Write the line that begins a CSV file; JSON lines have none."""
        if self._to_line is _csv_line:
            self._stream.write(_header(self._columns))

    def write(self, predictions: Iterable[Prediction]) -> None:
        """Write a row for each prediction, and hand them to the system: so they outlive this process."""
        columns, number, cells = self._columns, self._number, self._layout.cells
        self._stream.writelines(self._to_line(columns, cells(each), number) for each in predictions)
        self._stream.flush()


@contextmanager
def open_rows(out: str, form: str, layout: Layout, resume: bool = False) -> Iterator[Rows]:
    """Open the table `out` for predictions; '-' is stdout.

    A regular file is written as OUT.partial, which becomes `out` when the context ends well. With `resume` the rows that
    OUT.partial has, or else `out`, come first. File names that are not UTF-8 keep their bytes in CSV, and are escaped in
    JSON, as Python's surrogateescape has them. Raises UsageError where `out` cannot be gone on with.
    """
    path = Path(out)
    if out == STDOUT or (path.exists() and not path.is_file() and not path.is_dir()):  # /dev/null or a pipe, say
        if resume:
            raise UsageError(f"--resume goes on with a file, and --out is {out}")
        with _as_text(sys.stdout.fileno() if out == STDOUT else path) as stream:
            rows = Rows(stream, form, layout)
            rows.write_header()
            yield rows
    elif path.is_dir():
        raise FluidlineError(f"cannot write {path}: it is a folder (name a file in it)")
    else:
        with resumable_file(path) as part, _locked(part):
            if resume and not part.stat().st_size and path.exists():
                shutil.copyfile(path, part)
            end = _end_of_rows(part, form, layout) if resume else 0
            os.truncate(part, end)
            with _as_text(part, "a") as stream:
                rows = Rows(stream, form, layout)
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
    """Return the names that a table to be resumed has rows for."""
    path = Path(out)
    part = path.with_name(path.name + PARTIAL)
    found = next((file for file in (part, path) if file.is_file() and file.stat().st_size), None)
    if found is None:
        return set()
    rows = _rows_of(found, form)
    return {name for name, _ in (islice(rows, 1, None) if form == "csv" else rows)}


def _end_of_rows(part: Path, form: str, layout: Layout) -> int:
    """Return where the last whole row ends, in bytes. Raises UsageError where the columns are not those of `layout`."""
    end = 0
    for _, record in _rows_of(part, form):
        if form == "csv" and not end and record != _header(layout.columns):
            raise UsageError(f"--resume: {part} has other columns, {record.strip()} (leave --resume out to begin anew)")
        end += len(record.encode("utf-8", "surrogateescape"))
    return end


def _rows_of(file: Path, form: str) -> Iterator[tuple[str, str]]:
    """Yield the first cell and the text of each whole row, a header included, up to what is torn."""
    import csv  # only to resume

    with open(file, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        for record in _records(stream, form):
            try:
                name = next(csv.reader([record]))[0] if form == "csv" else str(next(iter(json.loads(record).values())))
            except (csv.Error, ValueError, AttributeError, StopIteration, IndexError):
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


def _header(columns: list[str]) -> str:
    return ",".join(columns) + "\n"


def _csv_line(columns: list[str], cells: list[Cell], number: str) -> str:
    return ",".join([_csv_cell(cell, number) for cell in cells]) + "\n"


def _csv_cell(cell: Cell, number: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return format(cell, number)
    return '"' + cell.replace('"', '""') + '"' if _TO_QUOTE.search(cell) else cell


def _json_line(columns: list[str], cells: list[Cell], number: str) -> str:
    values = (float(format(cell, number)) if isinstance(cell, float) else cell for cell in cells)
    return json.dumps(dict(zip(columns, values, strict=True))) + "\n"
