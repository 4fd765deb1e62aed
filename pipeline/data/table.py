"""Tables of numbers: a row for each sample, the last column what is to be foretold by the others."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fluidline.errors import DataError
from pipeline.data.dataset import Dataset, Split
from pipeline.data.files import opened

SUFFIXES = (".data", ".csv")
TRAIN_SHARE = 0.8
TARGET = "target"  # what the last column is called where the file has no names

Row = tuple[int, Sequence[str]]  # the number of a line, counted from 1, and its cells


@dataclass(frozen=True)
class TableInput:
    """Rows of float64 numbers with targets float32 [N]; a graph is given (number - offset) * scale of each column."""

    features: tuple[str, ...]
    offset: tuple[float, ...]
    scale: tuple[float, ...]

    name = "x"

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.features),)

    def check(self, samples: npt.NDArray[Any], truth: npt.NDArray[Any]) -> None:
        if samples.dtype != np.float64 or samples.shape[1:] != self.shape:
            raise TypeError(f"rows are {samples.dtype} {samples.shape}, not float64 [N, {len(self.features)}]")
        if truth.dtype != np.float32 or truth.shape != samples.shape[:1]:
            raise TypeError(f"targets are {truth.dtype} {truth.shape}, not float32 [{len(samples)}]")

    def normalise(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        return ((samples - self.offset) * self.scale).astype(np.float32)

    def preprocessing(self) -> dict[str, Any]:
        return {"features": list(self.features), "offset": list(self.offset), "scale": list(self.scale)}

    def as_trained(self, preprocessing: Mapping[str, Any]) -> TableInput:
        features, offset, scale = (tuple(preprocessing[key]) for key in ("features", "offset", "scale"))
        if features != self.features:
            raise DataError(
                f"the table has the columns {', '.join(self.features)}, and the model was trained on"
                f" {', '.join(features)} (give --data with those)"
            )
        return TableInput(features, offset, scale)


def read_table(path: Path) -> Dataset:
    """Read a table: its cells are divided by commas, or else by blanks, and its first line may name the columns.

    The first four fifths of the rows are to train with, the rest to test with. The columns are brought around 0 and to
    a width of 1 by mean, least and largest of the rows to train with. Raises DataError where a cell is no number, a row
    is of another length than the first, or there are not enough of them.
    """
    with opened(path) as file:
        rows = _rows(path, file.read())
    width = len(rows[0][1])
    names = _names(path, rows[0])
    numbers = np.array([_numbers(path, row, width, names) for row in rows[bool(names) :]])
    count = int(len(numbers) * TRAIN_SHARE)
    if not count or width < 2:
        raise DataError(
            f"{path} has {len(numbers)} rows of {width} numbers, and at least 2 of 2 are needed"
            " (a row for each sample, its last number what is to be foretold)"
        )
    columns = names or [*(f"x{number}" for number in range(1, width)), TARGET]
    samples, targets = numbers[:, :-1], numbers[:, -1].astype(np.float32)
    form = _form(columns[:-1], samples[:count])
    train, test = (Split(samples[part], targets[part], form) for part in (slice(count), slice(count, None)))
    return Dataset(f"the table {path}", train, test, None, (), columns[-1])


def _form(features: Sequence[str], samples: npt.NDArray[np.float64]) -> TableInput:
    width = samples.max(axis=0) - samples.min(axis=0)
    scale = np.divide(1, width, where=width > 0, out=np.zeros_like(width))  # a column of one value tells nothing
    return TableInput(tuple(features), tuple(samples.mean(axis=0).tolist()), tuple(scale.tolist()))


def _rows(path: Path, content: bytes) -> list[Row]:
    """Return the lines that are not blank, cut into cells."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text: byte {error.start} is not UTF-8 (save it as UTF-8)") from error
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise DataError(f"{path} is empty (a row for each sample is needed, its last number what is to be foretold)")
    if "," not in rows[0][1]:
        return [(number, line.split()) for number, line in rows]
    return [(number, [cell.strip() for cell in next(csv.reader([line]))]) for number, line in rows]


def _names(path: Path, first: Row) -> list[str]:
    """Return the names of the columns where the first line is made of such, none where there is a number in it."""
    _, cells = first
    if any(_number(cell) is not None for cell in cells):
        return []
    if twice := {name for name in cells if cells.count(name) > 1 or not name}:
        raise DataError(f"{path} does not name each column once: {', '.join(map(repr, sorted(twice)))} (rename them)")
    return list(cells)


def _numbers(path: Path, row: Row, width: int, names: Sequence[str]) -> list[float]:
    line, cells = row
    if len(cells) != width:
        raise DataError(f"{path}, line {line}: {len(cells)} cells, and the first line has {width} (mend the line)")
    numbers = []
    for column, cell in enumerate(cells):
        number = _number(cell)
        if number is None or not math.isfinite(number):
            name = f" ({names[column]})" if names else ""
            raise DataError(
                f"{path}, line {line}, column {column + 1}{name}: '{cell}' is no number"
                " (every cell must be one: fill it in, or leave the line out)"
            )
        numbers.append(number)
    return numbers


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
