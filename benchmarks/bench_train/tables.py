"""The report as Markdown, which also reads well on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.bench_train.results import Climb, Comparison, Race, Report
from benchmarks.figures import Row, busy_notes, machine, table

START_S = 3.0  # what import and program building may take


def markdown(report: Report) -> str:
    """Return the tables: ratios first, then what they are made of, the way to an accuracy, and what to beware of."""
    sections = [
        "# Training speed",
        _facts(report),
        "## Ratios: ours to each rival, images/s\n\n" + table(_ratio_rows(report.races)),
        "## What each reaches\n\n" + table(_entry_rows(report.races)),
        "## Costs\n\n" + table(_cost_rows(report.races)),
    ]
    if report.climb:
        sections.append(
            f"## LeNet to {report.climb.goal:.2%} on the test images\n\n" + table(_climb_rows(report.climb))
        )
    sections.append("\n".join(f"- {note}" for note in _notes(report)))
    return "\n\n".join(sections) + "\n"


def _facts(report: Report) -> str:
    protocol = report.protocol
    threads = protocol["threads"] or "each library's own number of"
    return (
        f"{machine(report.environment)}; {threads} threads; batch"
        f" {protocol['batch_size']}; {protocol['rounds']} rounds in turns after one to warm up; {protocol['data']}."
    )


def _ratio_rows(races: Sequence[Race]) -> list[Row]:
    rows: list[Row] = [("model", "rival", "ratio, median", "lowest to highest", "target", "reached")]
    for race in races:
        for comparison in race.comparisons:
            ratio, target = comparison.ratio, comparison.target
            reached = "" if target is None else "yes" if ratio.median >= target else "no"
            rows.append(
                (
                    race.model,
                    comparison.rival.title,
                    f"**{ratio.median:.2f}**",
                    ratio.span(".2f"),
                    "" if target is None else f"{target:g}",
                    reached,
                )
            )
    return rows


def _entry_rows(races: Sequence[Race]) -> list[Row]:
    rows: list[Row] = [
        ("model", "", "images/s, median", "lowest to highest", "threads", "import, s", "building, s", "peak memory, MB")
    ]
    for race in races:
        for entry in race.entries:
            rate = entry.rate
            rows.append(
                (
                    race.model,
                    entry.title,
                    f"{rate.median:,.0f}",
                    rate.span(",.0f"),
                    str(entry.ready["threads"]),
                    f"{entry.ready['import_s']:.2f}",
                    f"{entry.ready['build_s']:.2f}",
                    f"{entry.laps[-1].peak_bytes / 1e6:.0f}",
                )
            )
    return rows


def _cost_rows(races: Sequence[Race]) -> list[Row]:
    rows: list[Row] = [("model", "rival", "first steps differ by", "last pass: ours, theirs", "alike")]
    for race in races:
        for comparison in race.comparisons:
            rows.append((race.model, comparison.rival.title, *_cost_cells(comparison)))
    return rows


def _cost_cells(comparison: Comparison) -> Row:
    ours, theirs = comparison.ours.laps[-1].cost, comparison.rival.laps[-1].cost
    return f"{comparison.first_difference:.1e}", f"{ours:.5f}, {theirs:.5f}", "yes" if comparison.alike else "**no**"


def _climb_rows(climb: Climb) -> list[Row]:
    rows: list[Row] = [("", "passes", "seconds of training", "with import and building, s", "accuracy after each pass")]
    for entry, row in zip(climb.entries, climb.as_dict()["entries"], strict=True):
        reached = row["seconds"] is not None
        rows.append(
            (
                entry.title,
                str(row["passes"]) if reached else "not reached",
                f"{row['seconds']:.1f}" if reached else "",
                f"{row['seconds'] + row['start_s']:.1f}" if reached else "",
                ", ".join(f"{accuracy:.2%}" for accuracy in row["accuracies"]),
            )
        )
    return rows


def _notes(report: Report) -> list[str]:
    notes = busy_notes(report.environment)
    notes += [
        f"{race.model}: **the costs of ours and {comparison.rival.title} do not fall alike**; the ratio means nothing."
        for race in report.races
        for comparison in race.comparisons
        if not comparison.alike
    ]
    for race in report.races:
        if race.ours.start_s > START_S:
            notes.append(f"{race.model}: import and building took {race.ours.start_s:.1f} s, above {START_S:g} s.")
    return [
        *notes,
        "A ratio is taken within each round, in which all learn the same batches; its median is over the rounds.",
        "The rivals are given the images as float32 arrays in memory; ours shuffles, gathers and normalises in its time.",
        "Memory counts all of the process: interpreter, libraries and data.",
    ]
