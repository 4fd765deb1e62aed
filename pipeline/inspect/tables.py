"""Tables as text, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
Columns = dict[str, Callable[[Any], str]]  # how the values of each are written for reading


@dataclass(frozen=True)
class Table:
    """Rows with the same columns, and maybe more that JSON alone has."""

    title: str
    columns: Columns
    rows: Sequence[Row]
    notes: Sequence[str] = ()

    def as_text(self, limit: int | None = None) -> str:
        """Return the table for reading, numbers to the right; of its rows the first `limit`."""
        cells = [[show(row[name]) for name, show in self.columns.items()] for row in self.rows[:limit]]
        columns = list(zip(self.columns, *cells, strict=True))
        right = [all(type(row[name]) in (int, float) for row in self.rows) for name in self.columns]
        widths = [max(map(len, column)) for column in columns]
        lines = [
            "  ".join(
                cell.rjust(width) if to_right else cell.ljust(width)
                for cell, width, to_right in zip(line, widths, right, strict=True)
            )
            for line in zip(*columns, strict=True)
        ]
        notes = [*self.notes, *([f"and {len(self.rows) - len(cells):,} more"] if len(cells) < len(self.rows) else [])]
        return "\n".join([self.title, "", *(line.rstrip() for line in lines), *([""] if notes else []), *notes])

    def as_csv(self) -> str:
        """Return the table as CSV: numbers in full, shapes as in 20x1x5x5."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_cell(row[name]) for name in self.columns] for row in self.rows)
        return text.getvalue()

    def as_json(self) -> list[dict[str, Any]]:
        """Return the rows as what JSON can hold."""
        return [dict(row) for row in self.rows]


def number(value: float) -> str:
    """Return a number for reading, in four digits."""
    return f"{value:.4g}"


def count(value: int) -> str:
    """Return a number of things for reading."""
    return f"{value:,}"


def percent(value: float) -> str:
    """Return a share for reading."""
    return f"{value:.2%}"


def _cell(value: Any) -> Any:
    """Return a value as it stands in a cell: a shape as 20x1x5x5, several things with semicolons between them."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}={_cell(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ("; " if any(isinstance(each, list | tuple) for each in value) else "x").join(
            str(_cell(each)) for each in value
        )
    return value
