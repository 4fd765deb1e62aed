"""`fluid.layers.metric_op`: how good a batch of predictions is."""

from __future__ import annotations

from typing import Any

from ..layer_helper import LayerHelper
from .nn import topk

__all__ = ["accuracy"]


def accuracy(input: Any, label: Any, k: int = 1, correct: Any = None, total: Any = None) -> Any:
    """Return the share of samples whose label is among the `k` likeliest classes, float32, shape (1,).

    Args:
        input: scores [N, D].
        label: int64 class numbers [N, 1].
        correct, total: Variables that take the counts, where wanted.
    """
    values, indices = topk(input, k=k)
    helper = LayerHelper("accuracy")
    share = helper.create_variable_for_type_inference(dtype="float32")
    correct = correct or helper.create_variable_for_type_inference(dtype="int32")
    total = total or helper.create_variable_for_type_inference(dtype="int32")
    helper.append_op(
        type="accuracy",
        inputs={"Out": [values], "Indices": [indices], "Label": [label]},
        outputs={"Accuracy": [share], "Correct": [correct], "Total": [total]},
    )
    return share
