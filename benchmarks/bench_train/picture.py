"""The report as a picture: images/s of each contender, a panel a model."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bench_train.results import Report

_COLOURS = {"ours": "#0072B2", "torch": "#D55E00", "paddle": "#999999", "fluid": "#cccccc"}


def draw(report: Report, path: Path) -> None:
    """Write a PNG: bars of the medians with lines from the lowest to the highest, and how many times slower a rival is."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(6, 4 * len(report.races)), 3.4), dpi=130, layout="constrained")
    for axes, race in zip(figure.subplots(1, len(report.races), squeeze=False)[0], report.races, strict=True):
        rates = [entry.rate for entry in race.entries]
        medians = [rate.median for rate in rates]
        spreads = [[rate.median - rate.lowest for rate in rates], [rate.highest - rate.median for rate in rates]]
        colours = [_COLOURS[entry.contender.name] for entry in race.entries]
        titles = [entry.title.replace(" ", "\n") for entry in race.entries]
        bars = axes.bar(titles, medians, yerr=spreads, color=colours, capsize=4, ecolor="#444444")
        ratios = {comparison.rival.contender.name: comparison.ratio.median for comparison in race.comparisons}
        labels = [
            f"{median:,.0f}" + (f"\nours: \u00d7{ratios[name]:.2f}" if (name := entry.contender.name) in ratios else "")
            for median, entry in zip(medians, race.entries, strict=True)
        ]
        axes.bar_label(bars, labels, padding=3, fontsize=8)
        axes.set_title(f"{race.model}, images/s", loc="left", fontsize=11)
        axes.margins(y=0.2)
        axes.tick_params(axis="x", labelsize=8)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.spines[["top", "right"]].set_visible(False)
    environment, protocol = report.environment, report.protocol
    processor = f"{environment['cpu_model']}, {environment['cpu_cores']} cores"
    figure.suptitle(f"Training, batch {protocol['batch_size']}\n{processor}", fontsize=11)
    figure.savefig(path)
