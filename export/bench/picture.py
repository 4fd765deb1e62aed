"""The report as a picture: latency and throughput over batch size."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

from export.bench.report import Report, Tuning
from export.bench.tuning import fastest

# Colours that colour-blind readers can tell apart (Okabe and Ito), and markers for those who print in grey.
_STYLES = (("#0072B2", "o"), ("#E69F00", "s"), ("#009E73", "D"), ("#CC79A7", "^"), ("#D55E00", "v"), ("#56B4E9", "P"))


def draw(report: Report, path: Path) -> None:
    """Write bench.png: median and p99 latency, and throughput, of each measured backend; all these axes are logarithmic.

    Below, where onnxruntime was tuned, the rate of each variant's fastest setting.
    """
    from matplotlib.figure import Figure

    rows = 2 if report.tuning else 1
    figure = Figure(figsize=(11, 3.2 + 2.4 * rows), dpi=130, layout="constrained")
    axes = figure.subplots(rows, 2, squeeze=False, height_ratios=(3, 1)[:rows])
    latency, throughput = axes[0]
    _set_up(latency, "Latency of a call, ms (dotted: p99)", report)
    _set_up(throughput, "Throughput, images/s", report)
    for result, (colour, marker) in zip(report.measured, cycle(_STYLES), strict=False):
        style = {"color": colour, "marker": marker, "markersize": 5, "linewidth": 1.8}
        batches = [timing.batch for timing in result.timings]
        latency.plot(batches, [timing.p50_ms for timing in result.timings], label=result.name, **style)
        latency.plot(batches, [timing.p99_ms for timing in result.timings], color=colour, linestyle=":", linewidth=1.2)
        throughput.plot(batches, [timing.throughput_images_per_s for timing in result.timings], **style)
    if report.tuning:
        _draw_tuning(axes[1], report.tuning)
    threads = report.protocol["threads"]
    figure.suptitle(
        f"{report.title} on {report.environment['cpu_model']}, {threads} {'thread' if threads == 1 else 'threads'}"
    )
    figure.legend(loc="outside lower center", ncols=len(report.measured), frameon=False)
    figure.savefig(path)


def _draw_tuning(axes: Any, tuning: Tuning) -> None:
    titles = {"latency": "onnxruntime CPU, one image a call, images/s", "throughput": "onnxruntime CPU, most images/s"}
    for (purpose, title), panel in zip(titles.items(), axes, strict=True):
        trials = [trial for trial in fastest(tuning) if trial.purpose == purpose]
        chosen = tuning.chosen[purpose]
        colours = [_STYLES[0][0] if trial.setting.file == chosen.file else "#b0b0b0" for trial in trials]
        bars = panel.barh([trial.variant for trial in trials], [trial.images_per_s for trial in trials], color=colours)
        panel.bar_label(bars, [f"{trial.images_per_s:,.0f}" for trial in trials], padding=3)
        panel.set_title(f"{title} (blue: chosen)", loc="left", fontsize=11)
        panel.invert_yaxis()
        panel.margins(x=0.15)
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        panel.spines[["top", "right"]].set_visible(False)


def _set_up(axes: Any, title: str, report: Report) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    batches = report.protocol["batches"]
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xscale("log", base=2)
    axes.set_xticks(batches, [str(batch) for batch in batches])
    axes.set_xlabel("batch size, images")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(True, color="#dddddd", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
