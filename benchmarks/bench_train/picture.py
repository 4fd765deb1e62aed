"""The report as a picture: images/s of each contender, a panel a model."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bench_train.results import Report
from benchmarks.figures import draw_bars, machine

_COLOURS = {"ours": "#0072B2", "torch": "#D55E00", "paddle": "#999999", "fluid": "#cccccc"}


def draw(report: Report, path: Path) -> None:
    """Write a PNG: bars of the medians with lines from the lowest to the highest, and how many times slower a rival is."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(6, 4 * len(report.races)), 3.4), dpi=130, layout="constrained")
    for axes, race in zip(figure.subplots(1, len(report.races), squeeze=False)[0], report.races, strict=True):
        ratios = {comparison.rival.contender.name: comparison.ratio.median for comparison in race.comparisons}
        names = [entry.contender.name for entry in race.entries]
        draw_bars(
            axes,
            f"{race.model}, images/s",
            [entry.title for entry in race.entries],
            [entry.rate for entry in race.entries],
            [_COLOURS[name] for name in names],
            [f"ours: \u00d7{ratios[name]:.2f}" if name in ratios else "" for name in names],
        )
    figure.suptitle(f"Training, batch {report.protocol['batch_size']}\n{machine(report.environment)}", fontsize=11)
    figure.savefig(path)
