"""What a training lowers, by name: what it asks of a graph, what an answer costs, and when an answer is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CROSS_ENTROPY, MSE = "cross_entropy", "mse"


@dataclass(frozen=True)
class Loss:
    """A row of the table. Variables: a graph's answers float32 [N, outputs], and labels int64 or numbers float32 [N, 1]."""

    task: str
    outputs: Callable[[int], int]  # that a graph is to have, by the number of classes
    cost: Callable[[Any, Any], Any]  # of each answer, by its truth: [N, 1]
    accuracy: Callable[[Any, Any, int], Any]  # the share of answers that come to the right label, of so many: [1]


def _cross_entropy(probabilities: Any, label: Any) -> Any:
    import legacy_fluid as fluid

    return fluid.layers.cross_entropy(input=probabilities, label=label)


def _share_of_right_classes(probabilities: Any, label: Any, classes: int) -> Any:
    import legacy_fluid as fluid

    return fluid.layers.accuracy(input=probabilities, label=label)


def _square_error(number: Any, truth: Any) -> Any:
    import legacy_fluid as fluid

    return fluid.layers.square_error_cost(input=number, label=fluid.layers.cast(truth, "float32"))


def _share_of_nearest_labels(number: Any, label: Any, classes: int) -> Any:
    import legacy_fluid as fluid

    nearest = fluid.layers.round(fluid.layers.clip(number, 0.0, classes - 1.0))
    right = fluid.layers.equal(fluid.layers.cast(nearest, "int64"), label)
    return fluid.layers.mean(fluid.layers.cast(right, "float32"))


LOSSES = {
    CROSS_ENTROPY: Loss("classification", lambda classes: classes, _cross_entropy, _share_of_right_classes),
    MSE: Loss("regression", lambda classes: 1, _square_error, _share_of_nearest_labels),
}
