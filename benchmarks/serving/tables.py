"""The report as Markdown, which also reads well on a terminal, and as a picture."""

from __future__ import annotations

from pathlib import Path

from benchmarks.figures import Row, busy_notes, draw_bars, machine, table
from benchmarks.serving.contenders import OURS
from benchmarks.serving.results import Course, Report

TARGETS = {1: 1.5, 16: 2.0, 64: 2.0}  # by clients, of the ratio to the best peer
TAIL_TARGETS = {64: 0.5}  # and of p99 to the lowest peer's

_COLOURS = ("#0072B2", "#D55E00", "#999999")


def markdown(report: Report) -> str:
    """Return the tables: requests/s with ratios, then tails, what a request costs, the servers, and what to beware of."""
    sections = ["# Serving", _facts(report)]
    if report.courses:
        sections += [
            "## Requests/s\n\n" + table(_rate_rows(report)),
            "## p99, ms\n\n" + table(_tail_rows(report)),
            "## Processor time of the server, us a request\n\n" + table(_cpu_rows(report)),
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
        titles = sorted(course.laps, key=_titles(report).index)
        note = f"\u00d7{course.ratio.median:.2f} the best" if course.peers else ""
        draw_bars(
            axes,
            f"{course.form}, {course.clients} clients",
            titles,
            [course.spread(title, "rate") for title in titles],
            _COLOURS,
            [note if title == OURS else "" for title in titles],
        )
    figure.suptitle(f"Requests/s\n{machine(report.environment)}, the load among them", fontsize=11)
    figure.savefig(path)


def _facts(report: Report) -> str:
    protocol = report.protocol
    return (
        f"{machine(report.environment)}, which the load shares; {protocol['model']}; {protocol['rounds']} rounds in turns"
        f" after one to warm up, slices of {protocol['seconds']:g} s."
    )


def _titles(report: Report) -> list[str]:
    return [server.title for server in report.servers]


def _rate_rows(report: Report) -> list[Row]:
    rows: list[Row] = [
        ("form", "clients", *_titles(report), "ratio to the best", "lowest to highest", "target", "reached")
    ]
    for course in report.courses:
        verdict = ("", "", "", "")
        if course.peers:
            target = TARGETS.get(course.clients)
            verdict = (
                f"**{course.ratio.median:.2f}**",
                course.ratio.span(".2f"),
                *_verdict(target, course.ratio.median, 1),
            )
        rows.append((course.form, str(course.clients), *_medians(report, course, "rate", ",.0f"), *verdict))
    return rows


def _tail_rows(report: Report) -> list[Row]:
    rows: list[Row] = [
        ("form", "clients", *_titles(report), "share of the lowest", "lowest to highest", "target", "reached")
    ]
    for course in report.courses:
        verdict = ("", "", "", "")
        if course.peers:
            target = TAIL_TARGETS.get(course.clients)
            verdict = (
                f"**{course.tail.median:.2f}**",
                course.tail.span(".2f"),
                *_verdict(target, course.tail.median, -1),
            )
        rows.append((course.form, str(course.clients), *_medians(report, course, "p99_ms", ".2f"), *verdict))
    return rows


def _cpu_rows(report: Report) -> list[Row]:
    rows: list[Row] = [("form", "clients", *_titles(report))]
    rows += [
        (course.form, str(course.clients), *_medians(report, course, "cpu_us", ".0f")) for course in report.courses
    ]
    return rows


def _medians(report: Report, course: Course, what: str, number: str) -> list[str]:
    """Return the median of each server in a course."""
    return [
        f"{course.spread(title, what).median:{number}}" if title in course.laps else "" for title in _titles(report)
    ]


def _verdict(target: float | None, reached: float, sign: int) -> Row:
    if target is None:
        return "", ""
    return f"{target:g}", "yes" if sign * reached >= sign * target else "no"


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
