"""From the numbers that a model gives to predictions, and to a summary of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from export.predictions import Prediction

if TYPE_CHECKING:
    from export.kind import Floats
    from export.model import Model


@dataclass
class Summary:
    """What came out of a folder's images or a table's rows: `unit` says which.

    `confidence` is the mean of the labels' probabilities, `mean` that of the values, which go from `least` to `most`.
    """

    model: str
    provider: str
    unit: str = "images"
    count: int = 0
    failures: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    confidence: float = 0.0
    mean: float = 0.0
    least: float = math.inf
    most: float = -math.inf
    seconds: float = 0.0

    def add(self, predictions: Sequence[Prediction]) -> None:
        answered = [prediction for prediction in predictions if not prediction.error]
        self.count += len(predictions)
        self.failures += len(predictions) - len(answered)
        known = max(self.count - self.failures, 1)
        values = [prediction.value for prediction in answered if prediction.value is not None]
        if values:
            self.mean += sum(value - self.mean for value in values) / known
            self.least, self.most = min(self.least, *values), max(self.most, *values)
            return
        self.labels.update(prediction.labels[0] for prediction in answered)
        self.confidence += sum(prediction.probabilities[0] - self.confidence for prediction in answered) / known

    def __str__(self) -> str:
        if self.least <= self.most:
            found = f"mean value {self.mean:.6g}, from {self.least:.6g} to {self.most:.6g}"
        else:
            counts = ", ".join(f"{label}: {count}" for label, count in sorted(self.labels.items()))
            found = f"mean confidence {self.confidence:.4f}; labels {counts or 'none'}"
        return (
            f"{self.count} {self.unit} in {self.seconds:.2f} s, {self.count / self.seconds:,.0f} {self.unit}/s"
            f" ({self.model} on {self.provider})\n"
            f"{self.failures} could not be read; {found}"
        )


def to_predictions(
    model: Model, names: Sequence[str], answers: Floats, failures: Mapping[int, str], top: int
) -> list[Prediction]:
    """Return the predictions for `names`: the `top` likeliest labels, or the value, or the failure at an index."""
    if not model.labels:
        return [
            _valued(name, value, failures.get(index))
            for index, (name, [value]) in enumerate(zip(names, answers.tolist(), strict=True))
        ]
    import numpy as np

    order = np.argsort(-answers, axis=1, kind="stable")[:, :top]
    best = np.take_along_axis(answers, order, axis=1).tolist()
    label = model.labels.__getitem__
    return [
        Prediction(name, error=failures[index])
        if index in failures
        else Prediction(name, tuple(map(label, ranks)), tuple(values))
        for index, (name, ranks, values) in enumerate(zip(names, order.tolist(), best, strict=True))
    ]


def _valued(name: str, value: float, failure: str | None) -> Prediction:
    if failure is None and not math.isfinite(value):
        failure = "the model's answer is no number"
    return Prediction(name, error=failure) if failure else Prediction(name, value=value)
