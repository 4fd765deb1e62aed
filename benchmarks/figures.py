"""What the benchmarks share: figures with their spread, tables of them, bars, and a word on who else was at work."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from fluidline.files import atomic_file, write_json, write_text

BUSY_SHARE = 0.15  # of the processors, taken by others: above it, distrust the figures

Row = Sequence[str]


@dataclass(frozen=True)
class Spread:
    """Median, lowest and highest of several rounds."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))

    def span(self, number: str) -> str:
        """Return lowest to highest, formatted as `number` says."""
        return f"{self.lowest:{number}} to {self.highest:{number}}"


def machine(environment: Mapping[str, Any]) -> str:
    """Return the processor of `export.bench.environment` in words."""
    return f"{environment['cpu_model']}, {environment['cpu_cores']} cores"


def busy_notes(environment: Mapping[str, Any]) -> list[str]:
    """Return a warning where others took much of the processors in the meantime."""
    share = environment["other_cpu_share"]
    if share is None or share <= BUSY_SHARE:
        return []
    return [f"**Other processes took {share:.0%} of the processors meanwhile: measure again on a quiet machine.**"]


def table(rows: Sequence[Row]) -> str:
    """Return rows, of which the first is the header, as Markdown that reads well on a terminal."""
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def draw_bars(
    axes: Any, title: str, names: Sequence[str], rates: Sequence[Spread], colours: Sequence[str], notes: Sequence[str]
) -> None:
    """Draw a bar for each rate, with a line from its lowest to its highest; its median and its note stand above."""
    medians = [rate.median for rate in rates]
    spreads = [[rate.median - rate.lowest for rate in rates], [rate.highest - rate.median for rate in rates]]
    places = [name.replace(" ", "\n") for name in names]
    bars = axes.bar(places, medians, yerr=spreads, color=colours, capsize=4, ecolor="#444444")
    labels = [f"{median:,.0f}" + (f"\n{note}" if note else "") for median, note in zip(medians, notes, strict=True)]
    axes.bar_label(bars, labels, padding=3, fontsize=8)
    axes.set_title(title, loc="left", fontsize=11)
    axes.margins(y=0.2)
    axes.tick_params(axis="x", labelsize=8)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.spines[["top", "right"]].set_visible(False)


def publish(
    out: Path, name: str, facts: Mapping[str, Any], text: str, draw: Callable[[Path], None] | None = None
) -> None:
    """Write what the benchmark `name` came to as JSON, Markdown and, where it is drawn, PNG; and print the text."""
    write_json(out / f"{name}.json", facts)
    write_text(out / f"{name}.md", text)
    if draw is not None:
        with atomic_file(out / f"{name}.png") as picture:
            draw(picture)
    click.echo(text)
