"""The table of a sweep: for the terminal, for sweep.md and for sweep.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from pipeline.sweep.record import Outcome, Sweep

# What is shown of an outcome, beside the varied options: field, header, form.
_COLUMNS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("best_pass", "best pass", str),
    ("train_cost", "train cost", "{:.4f}".format),
    ("train_accuracy", "train accuracy", "{:.2%}".format),
    ("valid_cost", "validation cost", "{:.4f}".format),
    ("valid_accuracy", "validation accuracy", "{:.2%}".format),
    ("test_cost", "test cost", "{:.4f}".format),
    ("test_accuracy", "test accuracy", "{:.2%}".format),
    ("seconds", "seconds", "{:.1f}".format),
)


def text(sweep: Sweep) -> str:
    """Return the table for a terminal, a line for each training, the best first."""
    return "\n".join("  ".join(cells).rstrip() for cells in _aligned(sweep))


def markdown(sweep: Sweep) -> str:
    """Return sweep.md: the table, how it is ranked, and the picture."""
    header, *rows = (f"| {' | '.join(cells)} |" for cells in _aligned(sweep))
    rule = f"|{'---|' * len(sweep.vary)}{'---:|' * len(_shown(sweep))}"
    parts = [f"# Sweep {sweep.name}", "\n".join([header, rule, *rows]), "![The curves compared](sweep.png)"]
    given = f": {words(sweep.options)}" if sweep.options else ""
    notes = [f"All else alike{given}.", f"Ranked by {sweep.ranked_by}; passes count from 0."]
    if sweep.waiting:
        notes.append(f"{len(sweep.waiting)} more to come.")
    return "\n\n".join([*parts, " ".join(notes)]) + "\n"


def csv_table(sweep: Sweep) -> str:
    """Return sweep.csv: a row for each training, with all digits."""
    out = io.StringIO()
    fields = [name for name in Outcome.__dataclass_fields__ if name not in ("run", "options")]
    writer = csv.DictWriter(out, ["run", *sweep.vary, *fields], lineterminator="\n")
    writer.writeheader()
    for outcome in sweep.trainings:
        facts = asdict(outcome)
        writer.writerow({**facts.pop("options"), **facts})
    return out.getvalue()


def words(options: Mapping[str, Any]) -> str:
    """Return the varied options of a training in words."""
    return ", ".join(f"{name} {value}" for name, value in options.items())


def summary(outcome: Outcome) -> str:
    """Return what a training came to in a few words."""
    if outcome.diverged is not None:
        return _diverged(outcome)
    split = "test" if outcome.valid_cost is None else "validation"
    accuracy = "" if outcome.accuracy is None else f", accuracy {outcome.accuracy:.2%}"
    return f"{split} cost {outcome.cost:.4f}{accuracy} in pass {outcome.best_pass}, {outcome.seconds:.1f} s"


def _aligned(sweep: Sweep) -> list[list[str]]:
    """Return the cells, header first, padded to the width of their column: options to the left, numbers to the right."""
    shown = _shown(sweep)
    rows = [[*sweep.vary, *(header for _, header, _ in shown)]]
    for outcome in sweep.trainings:
        cells = [form(value) if (value := getattr(outcome, name)) is not None else "" for name, _, form in shown]
        if outcome.diverged is not None:
            cells[0] = _diverged(outcome)
        rows.append([*map(str, outcome.options.values()), *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = "<" * len(sweep.vary) + ">" * len(shown)
    return [[f"{cell:{side}{width}}" for cell, side, width in zip(cells, sides, widths, strict=True)] for cells in rows]


def _shown(sweep: Sweep) -> list[tuple[str, str, Callable[[Any], str]]]:
    """Return the columns in which there is anything; the first is there always."""
    first, *rest = _COLUMNS
    return [first, *(row for row in rest if any(getattr(outcome, row[0]) is not None for outcome in sweep.trainings))]


def _diverged(outcome: Outcome) -> str:
    return f"diverged in pass {outcome.diverged}"
