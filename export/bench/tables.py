"""The report as text: tables for a terminal, and the same in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from export.bench.report import Report, Result, Timing, Tuning
from export.bench.tuning import Trial, fastest

if TYPE_CHECKING:
    from export.bench.variants import Variant

_FEW_CALLS = 100
_BUSY_SHARE = 0.15


@dataclass(frozen=True)
class _Table:
    title: str
    rows: Sequence[Sequence[str]]  # the header first

    def aligned(self) -> list[list[str]]:
        """Return the cells, padded to the width of their column."""
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        return [
            [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]
            for cells in self.rows
        ]


def text(report: Report) -> str:
    """Return the report for a terminal."""
    sections = ["\n".join([_title(report), *_facts(report)])]
    for table in _tables(report):
        sections.append("\n".join([table.title, *("  " + "  ".join(cells).rstrip() for cells in table.aligned())]))
    sections.append("\n".join(f"- {note}" for note in _notes(report)))
    return "\n\n".join(sections)


def markdown(report: Report) -> str:
    """Return the report for bench.md, with the picture where there is one."""
    sections = [f"# {_title(report)}", "\n".join(f"- {fact}" for fact in _facts(report))]
    for table in _tables(report):
        header, *rows = (f"| {' | '.join(cells)} |" for cells in table.aligned())
        rule = f"|---|{'---:|' * (len(table.rows[0]) - 1)}"
        sections += [f"## {table.title}", "\n".join([header, rule, *rows])]
    if report.measured:
        sections.append("![Latency and throughput over batch size](bench.png)")
    sections.append("\n".join(f"- {note}" for note in _notes(report)))
    return "\n\n".join(sections) + "\n"


def _title(report: Report) -> str:
    return f"Benchmark of {report.title}"


def _facts(report: Report) -> list[str]:
    machine = report.environment
    return [
        f"machine: {machine['cpu_model']}, {machine['cpu_cores']} cores, load average {machine['load_average_1_min']}",
        f"threads of each backend: {report.protocol['threads']}",
        f"images: {report.protocol['images']}",
    ]


def _tables(report: Report) -> list[_Table]:
    measured = report.measured
    header = ["backend", "version", "model KiB", "cold start ms", "load ms", "peak MiB", "difference", "runs on"]
    tables = [_Table("Model, start and memory", [header, *map(_start_cells, measured)])]
    if measured:
        batches = [timing.batch for timing in measured[0].timings]
        for title, cell in (("Latency of a call in ms: p50 / p95 / p99", _latency), ("Throughput, images/s", _rate)):
            columns = [[str(batch) for batch in batches], *([cell(t) for t in result.timings] for result in measured)]
            header = ["batch", *(result.name for result in measured)]
            tables.append(_Table(title, [header, *zip(*columns, strict=True)]))
    return [*tables, *_tuning_tables(report.tuning)] if report.tuning else tables


def _tuning_tables(tuning: Tuning) -> list[_Table]:
    header = ["variant", "KiB", "difference", "same labels", "accuracy", "used"]
    tables = [_Table("Forms of model.onnx", [header, *map(_variant_cells, tuning.variants)])]
    header = ["", "variant", "optimisation", "threads", "calls", "batch", "p50 ms", "p99 ms", "images/s", "chosen"]
    rows = [_trial_cells(trial, tuning) for trial in fastest(tuning)]
    return [*tables, _Table("onnxruntime's fastest settings of each, on the processor", [header, *rows])]


def _variant_cells(variant: Variant) -> list[str]:
    if not variant.file_bytes:
        return [variant.name, "", "", "", "", "no"]
    return [
        variant.name,
        _number(variant.file_bytes / 1024),
        f"{variant.largest_difference:.1e}",
        f"{variant.agreement:.2%}",
        "" if variant.accuracy is None else f"{variant.accuracy:.2%}",
        "no" if variant.reason else "yes" if variant.exact else "on request",
    ]


def _trial_cells(trial: Trial, tuning: Tuning) -> list[str]:
    setting = trial.setting
    return [
        trial.purpose,
        trial.variant,
        setting.optimisation,
        *map(str, (setting.threads, setting.calls, setting.batch)),
        _number(trial.p50_ms),
        _number(trial.p99_ms),
        _number(trial.images_per_s),
        "yes" if tuning.chosen.get(trial.purpose) == setting else "",
    ]


def _start_cells(result: Result) -> list[str]:
    difference = "reference" if result.largest_difference is None else f"{result.largest_difference:.1e}"
    return [
        result.name,
        result.version or "",
        _number(result.model_bytes / 1024),
        *(_measure(value) for value in (result.cold_start_ms, result.load_ms, result.memory_peak_mib)),
        difference,
        ", ".join(result.providers),
    ]


def _measure(value: float | None) -> str:
    return "" if value is None else _number(value)


def _number(value: float) -> str:
    """Return three significant digits, or all digits before the point where there are more."""
    digits = next((digits for digits, limit in ((2, 10), (1, 100)) if abs(value) < limit), 0)
    return f"{value:,.{digits}f}"


def _latency(timing: Timing) -> str:
    cell = " / ".join(_number(value) for value in (timing.p50_ms, timing.p95_ms, timing.p99_ms))
    return cell + ("*" if timing.calls < _FEW_CALLS else " ")


def _rate(timing: Timing) -> str:
    return _number(timing.throughput_images_per_s)


def _notes(report: Report) -> list[str]:
    protocol = report.protocol
    notes = [f"{result.name} is not measured: {result.reason}" for result in report.backends if result.reason]
    if any(result.compared_to for result in report.backends):
        notes.append(
            "The answers of all are compared first, on the same images in every batch size: difference is the largest"
            f" absolute one to the reference (tolerance {protocol['tolerance']:g})."
        )
    elif report.measured:
        notes.append("Nothing else ran here that the answers could be compared with.")
    notes.append(f"A call {protocol['call']}.")
    notes.append(
        f"The backends take turns, in {protocol['rounds']} rounds: percentiles are over all calls, throughput is the"
        " median of the rounds. Cold start is from the start of the process to the first answer, load the model alone."
    )
    if any(timing.calls < _FEW_CALLS for result in report.measured for timing in result.timings):
        notes.append(f"(*) of fewer than {_FEW_CALLS} calls: the 99th percentile is little else than the slowest.")
    if report.tuning:
        notes += [
            f"{variant.name} is not used: {variant.reason}" for variant in report.tuning.variants if variant.reason
        ]
        notes.append(
            "Chosen is what predict and serve take on this machine: the fastest whose answers are the plain model's."
            " Threads are those of a call, calls go on side by side; a setting's rate is that of its fastest round."
        )
    share = report.environment["other_cpu_share"]
    if share is not None and share > _BUSY_SHARE:
        notes.append(f"Other processes took {share:.0%} of this machine's processors meanwhile: measure again later.")
    return notes
