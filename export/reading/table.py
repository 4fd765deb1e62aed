"""Rows of numbers out of a text file: CSV with commas, semicolons or tabs, or columns that blanks part; a header or none."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from fluidline.errors import DataError

_DELIMITERS = (",", ";", "\t")


class Row(NamedTuple):
    """A row by its number, from 1 on, without header and empty lines: its numbers, or why there are none."""

    number: int
    values: list[float]
    error: str = ""


def read_rows(path: Path, count: int, features: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the rows of a table with the `count` numbers that a model takes, in the order of its `features`.

    Under a header, columns are found by these names, wherever they are and whatever else there is. Where either has no
    names, the columns are as many as the model takes, in its order, or one more, the last: what it was to learn. Raises
    DataError where the file is no such table; a row that cannot be read says so itself.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as lines:
            records = _records(lines)
            first = next(records, None)
            if first is None:
                raise DataError(f"{path} is empty (name a table of {count} columns of numbers)")
            header = [] if all(map(_is_number, first)) else first
            places = _places(path, first, header, count, features)
            for number, cells in enumerate(records if header else chain([first], records), start=1):
                yield _row(number, cells, places, features or header, len(first))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no table of numbers: {error} (name a CSV file)") from error
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()} (name a table that can be read)") from error


def _records(lines: Iterator[str]) -> Iterator[list[str]]:
    """Yield the cells of each line that has some."""
    filled = (line for line in lines if line.strip())
    first = next(filled, "")
    delimiter = next((delimiter for delimiter in _DELIMITERS if delimiter in first), None)
    parts = (
        csv.reader(chain([first], filled), delimiter=delimiter) if delimiter else map(str.split, chain([first], filled))
    )
    for cells in parts:
        if cells:
            yield [cell.strip() for cell in cells]


def _places(path: Path, first: list[str], header: list[str], count: int, features: Sequence[str]) -> list[int]:
    """Return where the numbers stand that the model takes."""
    if header and features:
        if missing := [name for name in features if name not in header]:
            raise DataError(
                f"{path} lacks columns that the model was trained on: {', '.join(missing)} (it has: {', '.join(header)})"
            )
        return [header.index(name) for name in features]
    if len(first) not in (count, count + 1):
        raise DataError(
            f"{path} has {len(first)} columns, and the model takes {count} (with a target after them or none)"
        )
    return list(range(count))


def _row(number: int, cells: list[str], places: list[int], names: Sequence[str], width: int) -> Row:
    if len(cells) != width:
        return Row(number, [], f"{len(cells)} cells, and the first row has {width}")
    values = []
    for index, place in enumerate(places):
        if not _is_number(cells[place]):
            column = names[index] if names else f"column {place + 1}"
            return Row(
                number, [], f"{column} is {cells[place]!r}, not a number" if cells[place] else f"{column} is empty"
            )
        values.append(float(cells[place]))
    return Row(number, values)


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
