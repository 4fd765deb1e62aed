"""The report as a picture: latency and throughput over batch size."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

from export.bench.report import Report

# Colours that colour-blind readers can tell apart (Okabe and Ito), and markers for those who print in grey.
_STYLES = (("#0072B2", "o"), ("#E69F00", "s"), ("#009E73", "D"), ("#CC79A7", "^"), ("#D55E00", "v"), ("#56B4E9", "P"))


def draw(report: Report, path: Path) -> None:
    """Write bench.png: median and p99 latency, and throughput, of each measured backend; all axes are logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.4), dpi=130, layout="constrained")
    latency, throughput = figure.subplots(1, 2)
    _set_up(latency, "Latency of a call, ms (dotted: p99)", report)
    _set_up(throughput, "Throughput, images/s", report)
    for result, (colour, marker) in zip(report.measured, cycle(_STYLES), strict=False):
        style = {"color": colour, "marker": marker, "markersize": 5, "linewidth": 1.8}
        batches = [timing.batch for timing in result.timings]
        latency.plot(batches, [timing.p50_ms for timing in result.timings], label=result.name, **style)
        latency.plot(batches, [timing.p99_ms for timing in result.timings], color=colour, linestyle=":", linewidth=1.2)
        throughput.plot(batches, [timing.throughput_images_per_s for timing in result.timings], **style)
    threads = report.protocol["threads"]
    figure.suptitle(
        f"{report.model} (run {report.run}) on {report.environment['cpu_model']},"
        f" {threads} {'thread' if threads == 1 else 'threads'}"
    )
    figure.legend(loc="outside lower center", ncols=len(report.measured), frameon=False)
    figure.savefig(path)


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
