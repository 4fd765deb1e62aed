"""How close predictions come to what they should be, and labels made softer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...data_feeder import check_variable_and_dtype
from ...framework import in_dygraph_mode
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..tensor import assign
from ..utils import FLOATS, INTEGERS, Composer
from .reduce import reduce_mean, reduce_sum
from .sparse import one_hot

__all__ = ["cos_sim", "dice_loss", "label_smooth", "log_loss", "mean_iou", "smooth_l1"]


@operator("log_loss", inputs={"Predicted": "input", "Labels": "label"}, outputs={"Loss": None}, dtypes=("float32",))
def log_loss(input, label, epsilon=0.0001, name=None):
    """Return -label * log(input + epsilon) - (1 - label) * log(1 - input + epsilon), for probabilities [N, 1]."""


def label_smooth(
    label: Any, prior_dist: Any = None, epsilon: float = 0.1, dtype: Any = "float32", name: str | None = None
) -> Any:
    """Return (1 - epsilon) * label + epsilon * prior_dist (arXiv:1512.00567).

    Args:
        label: vectors of probabilities, [..., D]; takes no gradient in a program.
        prior_dist: [1, D]; even where None.
    """
    if epsilon > 1.0 or epsilon < 0.0:
        raise ValueError(f"label_smooth: epsilon is from 0 to 1, not {epsilon}")
    check_variable_and_dtype(label, "label", FLOATS, "label_smooth")
    helper = LayerHelper("label_smooth", name=name)
    if not in_dygraph_mode():
        label.stop_gradient = True
    out = helper.create_variable_for_type_inference(dtype)
    inputs = {"X": label} if prior_dist is None else {"X": label, "PriorDist": prior_dist}
    helper.append_op(type="label_smooth", inputs=inputs, outputs={"Out": out}, attrs={"epsilon": float(epsilon)})
    return out


def dice_loss(input: Any, label: Any, epsilon: float = 1e-05, name: str | None = None) -> Any:
    """Return 1 - 2 * |input and label| / (|input| + |label|), the mean over samples, shape (1,).

    Args:
        input: probabilities [N, ..., D].
        label: int class numbers [N, ..., 1].
    """
    label = one_hot(label, depth=input.shape[-1])
    dims = list(range(1, len(input.shape)))
    overlap = reduce_sum(input * label, dim=dims)
    total = reduce_sum(input, dim=dims) + reduce_sum(label, dim=dims)
    return reduce_mean(1 - overlap * 2 / (total + epsilon))


def smooth_l1(x: Any, y: Any, inside_weight: Any = None, outside_weight: Any = None, sigma: float | None = None) -> Any:
    """Return, for each sample, the sum of a loss that is square near 0 and linear beyond (arXiv:1504.08083), [N, 1].

    Args:
        x, y: [N, ...].
        inside_weight, outside_weight: factors of x - y and of its loss, [N, ...].
        sigma: the loss is square within 1 / sigma^2; 1 where None.
    """
    check_variable_and_dtype(x, "X", FLOATS, "smooth_l1_loss")
    check_variable_and_dtype(y, "Y", FLOATS, "smooth_l1_loss")
    append = Composer(LayerHelper("smooth_l1_loss"))
    difference, out = append.new(x.dtype), append.new(x.dtype)
    append("elementwise_sub", {"X": x, "Y": y}, out=difference)
    if inside_weight is not None:
        difference = append("elementwise_mul", {"X": difference, "Y": inside_weight})
    # The core has lost the operator; it is sigma^2 times Huber's loss with a delta of 1 / sigma^2.
    factor = 1.0 if sigma is None else float(sigma) ** 2
    zeros = append("fill_zeros_like", {"X": difference})
    zeros.stop_gradient = True
    huber = append("huber_loss", {"X": difference, "Y": zeros}, hidden=("Residual",), delta=1.0 / factor)
    loss = append("scale", {"X": huber}, scale=factor)
    if outside_weight is not None:
        loss = append("elementwise_mul", {"X": loss, "Y": outside_weight})
    return append.total(append("flatten2", {"X": loss}, hidden=("XShape",), axis=1), dim=1, out=out)


def cos_sim(X: Any, Y: Any) -> Any:
    """Return the cosine of the angle between each row of X [N, D] and that of Y, [N, D] or [1, D]; [N, 1]."""
    check_variable_and_dtype(X, "X", ["float32"], "cos_sim")
    check_variable_and_dtype(Y, "Y", ["float32"], "cos_sim")
    append = Composer(LayerHelper("cos_sim"))
    out, x_norm, y_norm = (append.new(X.dtype) for _ in range(3))
    # The core has lost the operator.
    x, y = (
        append("flatten2", {"X": rows}, hidden=("XShape",), axis=1) if len(rows.shape) > 2 else rows for rows in (X, Y)
    )
    for rows, norm in ((x, x_norm), (y, y_norm)):
        append("sqrt", {"X": append.total(append("square", {"X": rows}), dim=1)}, out=norm)
    product = append.total(append("elementwise_mul", {"X": x, "Y": y}), dim=1)
    norms = append("elementwise_mul", {"X": x_norm, "Y": y_norm})
    if not getattr(X, "lod_level", 0):
        return append("elementwise_div", {"X": product, "Y": norms}, out=out)
    return append("lod_reset", {"X": append("elementwise_div", {"X": product, "Y": norms}), "Y": X}, out=out)


def mean_iou(input: Any, label: Any, num_classes: int) -> tuple[Any, Any, Any]:
    """Return the mean over classes of intersection over union, float32, (1,), and wrong and right counts, int32, [num_classes].

    Args:
        input, label: int class numbers of one shape; classes that neither has do not count.
    """
    check_variable_and_dtype(input, "Predictions", INTEGERS, "mean_iou")
    check_variable_and_dtype(label, "Labels", INTEGERS, "mean_iou")
    append = Composer(LayerHelper("mean_iou"))
    mean, wrong, correct = append.new("float32"), append.new("int32"), append.new("int32")

    # The core has lost the operator: count by comparing each element with each class.
    def is_class(numbers: Any) -> Any:
        numbers = append.cast(append.reshaped(numbers, [-1, 1]), "int32")
        equal = append("equal", {"X": numbers, "Y": classes}, of="bool")
        return append.cast(equal, "int32")

    classes = assign(np.arange(num_classes, dtype="int32").reshape(1, -1))
    predicted, labelled = is_class(input), is_class(label)
    both = append("elementwise_mul", {"X": predicted, "Y": labelled})
    append.total(both, dim=0, out=correct, keep_dim=False)
    counts = (append.total(marks, dim=0, keep_dim=False) for marks in (predicted, labelled))
    both = append("elementwise_add", dict(zip("XY", counts, strict=True)))
    append("elementwise_sub", {"X": both, "Y": append("scale", {"X": correct}, scale=2.0)}, out=wrong)
    union = append.cast(append("elementwise_add", {"X": wrong, "Y": correct}), "float32")
    ones = append("fill_any_like", {"X": union}, value=1.0)
    at_least_one = append("elementwise_max", {"X": union, "Y": ones})
    share = append("elementwise_div", {"X": append.cast(correct, "float32"), "Y": at_least_one})
    seen = append("elementwise_min", {"X": union, "Y": ones})
    append("elementwise_div", {"X": append.total(share), "Y": append.total(seen)}, out=mean)
    return mean, wrong, correct
