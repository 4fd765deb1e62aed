"""The pictures of a run: curves.png, and the confusion matrix."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fluidline.files import atomic_file
from pipeline.events import EndEpochEvent, EndTrainingEvent, Event
from pipeline.metrics import MetricsLog, Row

TRAIN, TEST, INK, GRID = "#4c72b0", "#dd5f2b", "#333333", "#e6e6e6"
_SHOWN = {"cost": "{:.4f}", "accuracy": "{:.2%}"}
_EVERY = 2.0  # seconds: of a small table the pictures would take longer than the passes
_SCALE = {"cost": 1, "accuracy": 100}


class PlotHandler:
    """The event handler that draws the curves of `log` anew: at the end, and after each pass that is not too short."""

    def __init__(self, log: MetricsLog, path: Path, title: str) -> None:
        self.log, self.path, self.title = log, path, title
        self._drawn = -math.inf

    def __call__(self, event: Event) -> None:
        due = time.monotonic() - self._drawn > _EVERY
        if isinstance(event, EndTrainingEvent) or (isinstance(event, EndEpochEvent) and due):
            draw_curves(self.log.rows, self.path, self.title)
            self._drawn = time.monotonic()


def draw_curves(rows: Sequence[Row], path: Path, title: str) -> None:
    """Draw cost and accuracy over the passes, of training and of what chooses, from the rows of a run's metrics."""
    batches = [row for row in rows if row["kind"] == "batch"]
    epochs = [row for row in rows if row["kind"] == "epoch"]
    chooses, words = ("valid", "validation") if "valid_cost" in epochs[-1] else ("test", "test")
    best = min(epochs, key=lambda row: row[f"{chooses}_cost"])
    per_pass = epochs[-1]["step"] / (epochs[-1]["epoch"] + 1)
    passes = [row["epoch"] + 1 for row in epochs]
    shown = [name for name in _SHOWN if f"train_{name}" in epochs[-1]]

    figure, panels = new_figure(1, len(shown), figsize=(5.5 * len(shown), 4.2))
    figure.subplots_adjust(left=0.13 / len(shown), right=0.99, bottom=0.13, top=0.9, wspace=0.17)
    cost = panels[0]
    # Only of the cost: the accuracy of one batch is a step of 1 / batch size, and hides the curves.
    cost.plot(
        [row["step"] / per_pass for row in batches], [row["train_cost"] for row in batches],
        color=TRAIN, alpha=0.25, linewidth=1, label="train, single batches",
    )  # fmt: skip
    for axes, name in zip(panels, shown, strict=True):
        scale = _SCALE[name]
        for split, color, label in (("train", TRAIN, "train, mean of the pass"), (chooses, TEST, words)):
            values = [row[f"{split}_{name}"] * scale for row in epochs]
            axes.plot(passes, values, "o-", color=color, markersize=4, linewidth=1.8, label=label)
        axes.plot(
            best["epoch"] + 1, best[f"{chooses}_{name}"] * scale, "o", markersize=11, markerfacecolor="none",
            markeredgecolor=TEST, markeredgewidth=1.5, label=f"best pass: {_SHOWN[name].format(best[f'{chooses}_{name}'])}",
        )  # fmt: skip
        axes.set_xlabel("passes over the training data")
        axes.set_xlim(0, passes[-1] + 0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    cost.set(ylabel="cost", yscale="log")
    cost.legend(loc="upper right", frameon=False, fontsize=9)
    for accuracy in panels[1:]:
        worst = min(row[key] for row in epochs for key in ("train_accuracy", f"{chooses}_accuracy")) * 100
        span = max(100 - worst, 0.1)  # a data set may be learnt without a mistake in its first pass
        accuracy.set(ylabel="accuracy, %", ylim=(100 - 1.35 * span, 100 + 0.05 * span))
        accuracy.legend(loc="lower right", frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=12, color=INK)
    save_figure(figure, path)


def draw_confusion(matrix: npt.NDArray[np.int64], labels: Sequence[str], path: Path, title: str) -> None:
    """Draw a confusion matrix, int64 [true, predicted], its colours by share of each true class."""
    figure, (axes,) = new_figure(1, 1, figsize=(6, 5.6))
    figure.set_layout_engine("constrained")  # slow, but names of classes may be long
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    # The square root lifts the few mistakes out of the white.
    axes.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            color = "white" if share[row, column] > 0.4 else INK
            axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color=color)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted", ylabel="true")
    axes.grid(False)
    axes.set_title(title, fontsize=11, color=INK)
    save_figure(figure, path)


def draw_fit(
    answers: npt.NDArray[np.float32], truth: npt.NDArray[np.float32], target: str, path: Path, title: str
) -> None:
    """Draw numbers foretold, [N], over the true ones; on the line they are equal."""
    figure, (axes,) = new_figure(1, 1, figsize=(6, 5.6))
    axes.plot(truth, answers, "o", color=TRAIN, alpha=0.6, markersize=4)
    ends = [min(truth.min(), answers.min()), max(truth.max(), answers.max())]
    axes.plot(ends, ends, color=TEST, linewidth=1.5)
    axes.set(xlabel=f"{target}, true", ylabel=f"{target}, foretold")
    axes.set_title(title, fontsize=11, color=INK)
    save_figure(figure, path)


def new_figure(rows: int, columns: int, figsize: tuple[float, float]) -> tuple[Any, list[Any]]:
    """Return a figure of so many inches and its panels, row by row, in the style of all pictures."""
    # The figure's own canvas and no pyplot: no global state, no screen, whatever backend the caller has chosen.
    from matplotlib.figure import Figure

    figure = Figure(figsize=figsize, facecolor="white")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for each in axes:
        each.grid(True, color=GRID, linewidth=0.8)
        each.set_axisbelow(True)
        each.spines[["top", "right"]].set_visible(False)
        each.tick_params(colors=INK)
    return figure, axes


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure, whole or not at all."""
    with atomic_file(path) as part:
        figure.savefig(part, dpi=130)
