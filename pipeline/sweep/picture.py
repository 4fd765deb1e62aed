"""sweep.png: the curves of all trainings of a sweep, compared."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fluidline.runs import RunFolder
from pipeline.metrics import read_rows
from pipeline.plot import INK, new_figure, save_figure
from pipeline.sweep.record import Outcome, Sweep

FILE = "sweep.png"

_DASHES = ("-", "--", ":", "-.")
_FEW_COLOURS = 10  # are told apart at a glance; more are taken from a rainbow
_LANE = 0.05  # of a panel's height, from the mark of one diverged training to the next
_HELPS = 5  # a panel whose largest cost, or share of errors, is so many times its smallest is drawn on a log scale
_PERCENT = (
    0,
    50,
    80,
    90,
    95,
    98,
    99,
    99.5,
    99.8,
    99.9,
    99.95,
    99.98,
    99.99,
)  # a third of a decade of errors from one to the next


@dataclass(frozen=True)
class _Line:
    """A training as it is drawn: costs and accuracies (%) after each pass, on the images that choose the best one."""

    outcome: Outcome
    style: dict[str, Any]
    passes: list[int]  # counted from 1: a point stands where its pass ends
    cost: list[float]
    accuracy: list[float]
    first_cost: float  # of the first batch of all

    @property
    def label(self) -> str:
        """The line's words in the legend."""
        options = ", ".join(map(str, self.outcome.options.values()))
        if self.outcome.diverged is not None:
            return f"{options}: diverged"
        accuracy = "" if self.outcome.accuracy is None else f" ({self.outcome.accuracy:.2%})"
        return f"{options}: {self.outcome.cost:.4f}{accuracy}"


def draw_sweep(sweep: Sweep, folder: Path) -> None:
    """Draw cost and accuracy of each training over its passes; nothing where there is no training yet."""
    if not sweep.trainings:
        return
    styles = _styles(sweep)
    lines = [_read(folder, outcome, styles[outcome.run]) for outcome in sweep.trainings]
    names = (
        ["cost", "accuracy"] if np.isfinite([value for line in lines for value in line.accuracy]).any() else ["cost"]
    )
    legend = 1.0 + 0.075 * max(len(line.label) for line in lines)  # inches
    width, height = 4.9 * len(names) + legend, max(4.2, 1.0 + 0.23 * len(lines))
    figure, panels = new_figure(1, len(names), figsize=(width, height))
    figure.subplots_adjust(left=0.7 / width, right=1 - legend / width, bottom=0.55 / height, top=0.9, wspace=0.23)
    for axes, name in zip(panels, names, strict=True):
        _draw_panel(axes, name, lines)
    _scale_cost(panels[0], lines)
    for axes in panels[1:]:
        _scale_accuracy(axes, lines)
    figure.legend(
        handles=[panels[0].plot([], [], **_legend_style(line), label=line.label)[0] for line in lines],
        title=f"{', '.join(sweep.vary)}: best pass", loc="center left", alignment="left",
        bbox_to_anchor=(1 - (legend - 0.1) / width, 0.5), frameon=False, fontsize=9, title_fontsize=9, handlelength=3,
    )  # fmt: skip
    figure.suptitle(f"Sweep {sweep.name}", fontsize=12, color=INK)
    save_figure(figure, folder / FILE)


def _read(folder: Path, outcome: Outcome, style: dict[str, Any]) -> _Line:
    rows = read_rows(RunFolder(folder / outcome.run).metrics)
    epochs = [row for row in rows if row["kind"] == "epoch"]
    chooses = "valid" if any("valid_cost" in row for row in epochs) else "test"
    return _Line(
        outcome,
        style,
        passes=[row["epoch"] + 1 for row in epochs],
        cost=[row[f"{chooses}_cost"] for row in epochs],
        accuracy=[row.get(f"{chooses}_accuracy", np.nan) * 100 for row in epochs],
        first_cost=rows[0]["train_cost"] if rows else np.nan,
    )


def _styles(sweep: Sweep) -> dict[str, dict[str, Any]]:
    """Return colour and dash of each run: the option of most values has the colours, what else is varied the dashes."""
    leading, *others = sorted(sweep.vary, key=lambda name: -len(sweep.vary[name]))
    rest = list(itertools.product(*(sweep.vary[name] for name in others)))
    if len(rest) <= len(_DASHES):
        colours = _colours(len(sweep.vary[leading]))
        looks = {
            outcome.run: (
                sweep.vary[leading].index(outcome.options[leading]),
                rest.index(tuple(outcome.options[name] for name in others)),
            )
            for outcome in sweep.trainings
        }
    else:  # more than dashes can tell: a colour each
        colours = _colours(len(sweep.trainings))
        looks = {outcome.run: (place, place % len(_DASHES)) for place, outcome in enumerate(sweep.trainings)}
    return {run: {"color": colours[colour], "linestyle": _DASHES[dash]} for run, (colour, dash) in looks.items()}


def _colours(count: int) -> npt.NDArray[np.float64]:
    import matplotlib

    few = count <= _FEW_COLOURS
    return np.asarray(
        matplotlib.colormaps["tab10"](range(count)) if few else matplotlib.colormaps["turbo"](np.linspace(0, 1, count))
    )


def _draw_panel(axes: Any, name: str, lines: Sequence[_Line]) -> None:
    diverged = 0
    for line in reversed(lines):  # the best on top
        axes.plot(line.passes, getattr(line, name), marker="o", markersize=3, linewidth=1.6, **line.style)
        if line.outcome.diverged is not None:
            place = line.outcome.diverged + 0.5, 0.97 - _LANE * diverged
            axes.plot(*place, transform=axes.get_xaxis_transform(), **_legend_style(line))
            diverged += 1
    axes.set(xlabel="passes over the training data", ylabel={"cost": "cost", "accuracy": "accuracy, %"}[name])
    axes.set_xlim(0, max([1, *(count for line in lines for count in line.passes)]) + 0.3)
    axes.xaxis.get_major_locator().set_params(integer=True)


def _legend_style(line: _Line) -> dict[str, Any]:
    if line.outcome.diverged is None:
        return {**line.style, "linewidth": 1.6}
    return {"color": line.style["color"], "linestyle": "none", "marker": "x", "markersize": 7, "markeredgewidth": 2}


def _scale_cost(axes: Any, lines: Sequence[_Line]) -> None:
    """Choose the scale of the costs; one far above the cost of the untrained model leaves the panel."""
    costs = [cost for line in lines for cost in line.cost]
    if not costs:
        return
    low, high, ceiling = min(costs), max(costs), 2 * np.nanmax([line.first_cost for line in lines])
    if 0 < _HELPS * low < high:
        axes.set_yscale("log")
    if low < ceiling < high:
        axes.set_ylim(top=ceiling)


def _scale_accuracy(axes: Any, lines: Sequence[_Line]) -> None:
    """Choose the scale of the accuracies: that of the errors' logarithm where it tells the best apart."""
    errors = np.array([100 - accuracy for line in lines for accuracy in line.accuracy if np.isfinite(accuracy)])
    floor = errors[errors > 0].min(initial=1.0) / 2  # below this, errors are drawn as none at all would be
    most, least = errors.max() + floor, errors.min() + floor
    if most <= _HELPS * least:
        return

    def height(percent: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return -np.log10(np.maximum(100 + floor - percent, floor / 10))

    def percent(height: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return 100 + floor - np.power(10.0, -height)

    axes.set_yscale("function", functions=(height, percent))
    ticks = [tick for tick in _PERCENT if max(errors.min(), floor) / 1.2 <= 100 - tick <= errors.max() * 1.2]
    ticks += [100] if errors.min() == 0 else []
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_ylim(100 + floor - most * 1.2, 100 + floor - least / 1.2)
