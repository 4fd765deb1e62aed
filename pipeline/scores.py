"""How good answers are: accuracy, cost, precision and recall of classes and the confusion matrix; errors of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of predictions against the truth; `confusion` is int64 [true, predicted]."""

    labels: tuple[str, ...]
    cost: float
    confusion: npt.NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    def classes(self) -> list[dict[str, Any]]:
        """Return label, precision, recall, f1 and number of images of each class; None where one is not defined."""
        hits, truths, guesses = np.diag(self.confusion), self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        return [
            {
                "label": label,
                "precision": _ratio(hit, guessed),
                "recall": _ratio(hit, true),
                "f1": _ratio(2 * hit, true + guessed),
                "images": int(true),
            }
            for label, hit, true, guessed in zip(self.labels, hits, truths, guesses, strict=True)
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold."""
        return {
            "images": int(self.confusion.sum()),
            "accuracy": self.accuracy,
            "cost": self.cost,
            "classes": self.classes(),
            "confusion": self.confusion.tolist(),
        }

    def as_text(self) -> str:
        """Return the scores as two tables for reading."""
        width = max(len("true"), *map(len, self.labels))
        lines = [
            f"accuracy {self.accuracy:.2%} of {int(self.confusion.sum()):,} images, cost {self.cost:.6f}",
            "",
            f"{'class':>{width + 1}}  precision  recall      f1  images",
        ]
        for each in self.classes():
            shares = [_percent(each[key]) for key in ("precision", "recall", "f1")]
            lines.append(
                f"{each['label']:>{width + 1}}  {shares[0]:>9}  {shares[1]:>6}  {shares[2]:>6}  {each['images']:6,}"
            )
        cell = max(width, len(str(self.confusion.max()))) + 1
        lines += ["", "confusion: a row for each true class, a column for each predicted one", ""]
        lines.append(" " * (width + 1) + "".join(f"{label:>{cell}}" for label in self.labels))
        for label, row in zip(self.labels, self.confusion, strict=True):
            lines.append(f"{label:>{width + 1}}" + "".join(f"{count or '.':>{cell}}" for count in row))
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Errors:
    """How far `answers` float32 [N] are from the `truth` float32 [N], both of what `target` names."""

    target: str
    answers: npt.NDArray[np.float32]
    truth: npt.NDArray[np.float32]

    @property
    def cost(self) -> float:
        """The mean squared error."""
        return _mean_square(self.answers, self.truth)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold; `explained` is the share of the truth's variance, R squared."""
        spread = float(np.var(self.truth, dtype=np.float64))
        return {
            "rows": len(self.truth),
            "target": self.target,
            "cost": self.cost,
            "root_mean_square": self.cost**0.5,
            "mean_absolute": float(np.abs(self.answers - self.truth).mean(dtype=np.float64)),
            "explained": 1 - self.cost / spread if spread else None,
        }

    def as_text(self) -> str:
        """Return the errors in a line for reading."""
        facts = self.as_dict()
        return (
            f"{self.target} of {facts['rows']:,} rows: mean squared error {self.cost:.6g}, its root"
            f" {facts['root_mean_square']:.4g}, mean absolute error {facts['mean_absolute']:.4g},"
            f" {_percent(facts['explained'])} of the variance explained"
        )


def score(answers: npt.NDArray[np.float32], truth: npt.NDArray[np.int64], labels: Sequence[str]) -> Scores:
    """Return the scores of `answers` against `truth` [N].

    Of probabilities [N, classes] the cost is the mean cross-entropy; numbers [N, 1] mean the nearest label, and the cost
    is their mean squared error.
    """
    if answers.shape[1] > 1:
        of_truth = answers[np.arange(len(truth)), truth].astype(np.float64)
        cost = -np.log(np.maximum(of_truth, np.finfo(np.float32).tiny)).mean()
    else:
        cost = _mean_square(answers[:, 0], truth)
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (truth, predict(answers, len(labels))), 1)
    return Scores(tuple(labels), float(cost), confusion)


def predict(answers: npt.NDArray[np.float32], classes: int) -> npt.NDArray[np.int64]:
    """Return the class that each answer means: the likeliest of probabilities [N, classes], the nearest to a number [N, 1]."""
    if answers.shape[1] > 1:
        return answers.argmax(axis=1)
    return np.floor(answers[:, 0].clip(0, classes - 1) + 0.5).astype(np.int64)  # halves up, as in the program


def _mean_square(answers: npt.NDArray[np.float32], truth: npt.NDArray[Any]) -> float:
    return float(np.square(answers.astype(np.float64) - truth).mean())


def _ratio(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
