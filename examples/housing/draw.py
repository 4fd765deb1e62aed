"""Draws houses with the columns of the Boston housing data, whose prices follow a known law, into a file.

    python -m examples.housing.draw housing.data

The data themselves are not ours to ship. Each column has the range that it has there, drawn by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from fluidline.cli import main
from fluidline.files import write_text

ROWS = 506
TARGET = "MEDV"  # the price, in thousands of dollars
BASE, NOISE = 36.0, 3.0  # the price where all features are 0, and how far prices are off the law

Draw = Callable[[np.random.Generator, int], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Column:
    """A row of the table: what the price gains with each unit of the feature, and how the feature is drawn."""

    law: float
    draw: Draw


COLUMNS = {
    "CRIM": Column(-0.1, lambda draw, rows: draw.lognormal(-0.8, 2, rows).clip(0.006, 89)),  # crimes
    "ZN": Column(0.05, lambda draw, rows: draw.uniform(-160, 100, rows).clip(0)),  # land for large houses, %
    "INDUS": Column(0.02, lambda draw, rows: draw.uniform(0.5, 27.7, rows)),  # industry, %
    "CHAS": Column(2.7, lambda draw, rows: draw.binomial(1, 0.07, rows)),  # at the river, 1, or not
    "NOX": Column(-18.0, lambda draw, rows: draw.uniform(0.385, 0.871, rows)),  # nitrogen oxides
    "RM": Column(3.8, lambda draw, rows: draw.normal(6.3, 0.7, rows).clip(3.6, 8.8)),  # rooms
    "AGE": Column(0.01, lambda draw, rows: draw.uniform(2.9, 100, rows)),  # built before 1940, %
    "DIS": Column(-1.5, lambda draw, rows: draw.uniform(1.1, 12.1, rows)),  # miles to work
    "RAD": Column(0.3, lambda draw, rows: draw.choice([1, 2, 3, 4, 5, 6, 7, 8, 24], rows)),  # reach of highways
    "TAX": Column(-0.012, lambda draw, rows: draw.uniform(187, 711, rows)),
    "PTRATIO": Column(-0.95, lambda draw, rows: draw.uniform(12.6, 22, rows)),  # pupils of a teacher
    "B": Column(0.01, lambda draw, rows: draw.uniform(0.3, 396.9, rows)),
    "LSTAT": Column(-0.5, lambda draw, rows: draw.uniform(1.7, 38, rows)),  # people of lower status, %
}


def houses(seed: int = 0, rows: int = ROWS) -> npt.NDArray[np.float64]:
    """Return `rows` houses, [rows, 14], the price last; the same ones for a seed."""
    draw = np.random.default_rng(seed)
    features = np.stack([column.draw(draw, rows) for column in COLUMNS.values()], axis=1).round(4)
    prices = BASE + features @ [column.law for column in COLUMNS.values()] + draw.normal(0, NOISE, rows)
    return np.column_stack([features, prices.round(4)])


def write_houses(path: Path, seed: int = 0) -> None:
    """Write houses as a table, a line for each, their columns named in the first."""
    lines = [[*COLUMNS, TARGET], *([f"{number:g}" for number in row] for row in houses(seed))]
    write_text(path, "".join(" ".join(cell.rjust(9) for cell in line) + "\n" for line in lines))


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Draws other houses.")
def command(path: Path, seed: int) -> None:
    """Draw 506 houses into a file, as training data: python -m pipeline train --data FILE."""
    write_houses(path, seed)
    click.echo(f"wrote {path}: {ROWS} houses of {len(COLUMNS)} features and their {TARGET}")


if __name__ == "__main__":
    sys.exit(main(command))
