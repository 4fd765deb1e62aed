"""The report as Markdown, which also reads well on a terminal, and as a picture."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import Row, Spread, busy_notes, draw_bars, machine, table
from benchmarks.serving.contenders import OURS
from benchmarks.serving.results import Course, Report

TARGETS = {1: 1.5, 16: 2.0, 64: 2.0}  # by clients, of the ratio to the best peer
TAIL_TARGETS = {64: 0.5}  # and of p99 to the lowest peer's


class _Goal(NamedTuple):
    """What ours is held against the peers in, what is aimed at by clients, and which way."""

    title: str
    spread: Callable[[Course], Spread]
    targets: Mapping[int, float]
    is_reached: Callable[[float, float], bool]


_RATIO = _Goal("ratio to the best", lambda course: course.ratio, TARGETS, operator.ge)
_TAIL = _Goal("share of the lowest", lambda course: course.tail, TAIL_TARGETS, operator.le)
_GOAL_COLUMNS = ("lowest to highest", "target", "reached")
_COLOURS = ("#0072B2", "#D55E00", "#999999")


def markdown(report: Report) -> str:
    """Return the tables: requests/s with ratios, then tails, what a request costs, the servers, and what to beware of."""
    sections = ["# Serving", _facts(report)]
    if report.courses:
        sections += [
            "## Requests/s\n\n" + table(_course_rows(report, "rate", ",.0f", _RATIO)),
            "## p99, ms\n\n" + table(_course_rows(report, "p99_ms", ".2f", _TAIL)),
            "## Processor time of the server, us a request\n\n" + table(_course_rows(report, "cpu_us", ".0f")),
        ]
    sections.append("## Servers\n\n" + table(_server_rows(report)))
    if report.memory:
        sections.append("## Memory of fluidline over many requests\n\n" + table(_memory_rows(report)))
    sections.append("\n".join(f"- {note}" for note in _notes(report)))
    return "\n\n".join(sections) + "\n"


def draw(report: Report, path: Path) -> None:
    """Write a PNG: bars of the medians with lines from the lowest to the highest, a panel a form and number of clients."""
    from matplotlib.figure import Figure

    forms = list(dict.fromkeys(course.form for course in report.courses))
    columns = len(report.courses) // len(forms)
    figure = Figure(figsize=(3.4 * columns, 2.8 * len(forms)), dpi=110, layout="constrained")
    for axes, course in zip(figure.subplots(len(forms), columns, squeeze=False).flat, report.courses, strict=True):
        titles = [server.title for server in report.servers if server.title in course.laps]
        note = f"\u00d7{course.ratio.median:.2f} the best" if course.peers else ""
        draw_bars(
            axes,
            f"{course.form}, {course.clients} client" + "s" * (course.clients > 1),
            titles,
            [course.spread(title, "rate") for title in titles],
            _COLOURS,
            [note if title == OURS else "" for title in titles],
        )
    figure.suptitle(f"Requests/s\n{machine(report.environment)}, the load among them", fontsize=11)
    figure.savefig(path)


def _facts(report: Report) -> str:
    protocol = report.protocol
    rounds = f"{protocol['rounds']} rounds in turns after one to warm up, " if report.courses else ""
    return (
        f"{machine(report.environment)}, which the load shares; {protocol['model']}; {rounds}slices of"
        f" {protocol['seconds']:g} s."
    )


def _course_rows(report: Report, what: str, number: str, goal: _Goal | None = None) -> list[Row]:
    """Return the medians of each server, and how ours compare with the goal where there are peers."""
    if not any(course.peers for course in report.courses):
        goal = None
    titles = [server.title for server in report.servers]
    rows: list[Row] = [("form", "clients", *titles, *((goal.title, *_GOAL_COLUMNS) if goal else ()))]
    for course in report.courses:
        medians = [f"{course.spread(title, what).median:{number}}" if title in course.laps else "" for title in titles]
        rows.append((course.form, str(course.clients), *medians, *(_goal_cells(course, goal) if goal else ())))
    return rows


def _goal_cells(course: Course, goal: _Goal) -> Row:
    if not course.peers:
        return ("",) * (1 + len(_GOAL_COLUMNS))
    found, target = goal.spread(course), goal.targets.get(course.clients)
    verdict = ("", "") if target is None else (f"{target:g}", "yes" if goal.is_reached(found.median, target) else "no")
    return f"**{found.median:.2f}**", found.span(".2f"), *verdict


def _server_rows(report: Report) -> list[Row]:
    rows: list[Row] = [("server", "start to first answer, s", "memory in the end, MB")]
    rows += [(each.title, f"{each.cold_start_s:.2f}", f"{each.memory / 1e6:.0f}") for each in report.servers]
    return rows


def _memory_rows(report: Report) -> list[Row]:
    return [("requests", "memory, MB"), *((f"{count:,}", f"{size / 1e6:.1f}") for count, size in report.memory)]


def _notes(report: Report) -> list[str]:
    errors = [f"**{report.errors} answers were errors: their servers' figures mean nothing.**"] if report.errors else []
    return [
        *busy_notes(report.environment),
        *errors,
        "A figure is the median over the rounds, and so is a ratio, which is taken within a round.",
        "Before the race every server labelled every image, in every form, as the model itself does.",
        "Memory counts for each process of a server, also what they share.",
    ]
