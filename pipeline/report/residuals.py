"""Where there are no classes: how far the answers are from the truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.data.dataset import Split
from pipeline.report import words
from pipeline.report.chart import Axis, Series, chart, span
from pipeline.report.markup import Html, element, facts, join, number, table
from pipeline.scores import Errors

_POINTS = 500  # drawn
_WORST = 10  # listed
_SHARES = {"lowest": 0, "5%": 5, "25%": 25, "median": 50, "75%": 75, "95%": 95, "highest": 100}

Floats = npt.NDArray[np.float64]


def residuals(errors: Errors, split: Split) -> Html:
    """The answers over the truth, how far they are from it, and the worst of them."""
    truth, said = errors.truth.astype(np.float64), errors.answers.astype(np.float64)
    found = errors.as_dict()
    figures = [
        ("mean squared error", words.number(found["cost"])),
        ("its root", words.number(found["root_mean_square"])),
        ("mean absolute error", words.number(found["mean_absolute"])),
        ("of the variance explained", None if found["explained"] is None else f"{found['explained']:.1%}"),
    ]
    quantiles = np.percentile(said - truth, list(_SHARES.values()))
    return join(
        [
            facts(figures, "figures"),
            element("h3", "Residuals"),
            element("div", _cloud(truth, said, errors.target), class_="charts"),
            table(
                "Answer less truth: a twentieth of all lies below the number under 5%, and so on.",
                ("", *_SHARES),
                [("residual", *(number(words.number(each)) for each in quantiles))],
            ),
            element("h3", "Worst answers"),
            _worst(truth, said, errors.target, split),
        ]
    )


def _cloud(truth: Floats, said: Floats, target: str) -> Html:
    shown = np.linspace(0, len(truth) - 1, min(len(truth), _POINTS)).astype(int)
    ends = span([*truth[shown], *said[shown]])
    points = [(float(truth[index]), float(said[index])) for index in shown]
    titles = [f"row {index}: {target} {truth[index]:g}, answer {said[index]:.4g}" for index in shown]
    title = f"Answers over true {target} of {len(shown)} test rows; right answers lie on the diagonal"
    axes = Axis(f"true {target}", *ends), Axis("answer", *ends)
    return chart(title, *axes, [Series("test", points, titles, line=False)], diagonal=True)


def _worst(truth: Floats, said: Floats, target: str, split: Split) -> Html:
    rows = []
    for index in np.argsort(-np.abs(said - truth), kind="stable")[:_WORST].tolist():
        figures = [f"{truth[index]:g}", f"{said[index]:.4g}", f"{said[index] - truth[index]:+.4g}"]
        rows.append((f"row {index}", *map(number, (*figures, *(f"{value:g}" for value in split.samples[index])))))
    header = ("", target, "answer", "residual", *split.input.preprocessing()["features"])
    return table("The test rows that are answered worst", header, rows)
