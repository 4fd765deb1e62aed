"""`fluid.layers.metric_op`: how good a batch of predictions is."""

from __future__ import annotations

from typing import Any

from ..data_feeder import check_variable_and_dtype
from ..initializer import Constant
from ..layer_helper import LayerHelper
from .nn import topk
from .utils import FLOATS, FLOATS16, INTEGERS, declare

__all__ = ["accuracy", "auc"]


def accuracy(input: Any, label: Any, k: int = 1, correct: Any = None, total: Any = None) -> Any:
    """Return the share of samples whose label is among the `k` likeliest classes, float32, shape (1,).

    Args:
        input: scores [N, D].
        label: int64 class numbers [N, 1].
        correct, total: Variables that take the counts, where wanted.
    """
    helper = LayerHelper("accuracy")
    check_variable_and_dtype(input, "input", FLOATS16, "accuracy")
    values, indices = topk(input, k=k)
    share = helper.create_variable_for_type_inference(dtype="float32")
    if correct is None:
        correct = helper.create_variable_for_type_inference(dtype="int32")
    if total is None:
        total = helper.create_variable_for_type_inference(dtype="int32")
    helper.append_op(
        type="accuracy",
        inputs={"Out": [values], "Indices": [indices], "Label": [label]},
        outputs={"Accuracy": [share], "Correct": [correct], "Total": [total]},
    )
    declare(correct, dtype="int32")
    declare(total, dtype="int32")
    return share


def auc(
    input: Any, label: Any, curve: str = "ROC", num_thresholds: int = 4095, topk: int = 1, slide_steps: int = 1
) -> tuple[Any, Any, list[Any]]:
    """Return the area under the curve over all runs and over the last ones, float64 (1,), and the counts behind them.

    Args:
        input: probabilities [N, 2], of which the last column counts.
        label: 0 or 1, int [N, 1].
        curve: "ROC" or "PR".
        num_thresholds: how finely the probabilities are counted.
        slide_steps: how many runs the second area is over.

    Returns:
        the areas, and [positives and negatives of the last runs, positives and negatives of all].
    """
    helper = LayerHelper("auc")
    check_variable_and_dtype(input, "input", FLOATS, "auc")
    check_variable_and_dtype(label, "label", INTEGERS, "auc")
    buckets = num_thresholds + 1
    areas = [helper.create_variable_for_type_inference(dtype="float64") for _ in range(2)]
    shapes = [[(1 + slide_steps) * buckets + 1]] * 2 + [[1, buckets]] * 2
    counts = [helper.create_global_variable(persistable=True, dtype="int64", shape=shape) for shape in shapes]
    for count in counts:
        helper.set_variable_initializer(count, Constant(value=0.0, force_cpu=False))
    whole, last = areas
    for area, (positive, negative), steps in ((last, counts[:2], slide_steps), (whole, counts[2:], 0)):
        helper.append_op(
            type="auc",
            inputs={"Predict": [input], "Label": [label], "StatPos": [positive], "StatNeg": [negative]},
            outputs={"AUC": [area], "StatPosOut": [positive], "StatNegOut": [negative]},
            attrs={"curve": curve, "num_thresholds": num_thresholds, "slide_steps": steps},
        )
        declare(area, dtype="float64")
    return whole, last, counts
