"""The focal loss (Lin et al., arXiv:1708.02002), composed: its operator is gone from the core."""

from __future__ import annotations

from typing import Any

from ...data_feeder import check_variable_and_dtype
from .. import nn, ops, tensor
from ..control_flow import greater_equal
from ..loss import sigmoid_cross_entropy_with_logits
from ..utils import FLOATS

__all__ = ["sigmoid_focal_loss"]


def sigmoid_focal_loss(x: Any, label: Any, fg_num: Any, gamma: float = 2.0, alpha: float = 0.25) -> Any:
    """Return the loss of each sample and class, [N, C], which counts what is hard to tell more.

    Args:
        x: scores [N, C] before the sigmoid.
        label: int32 [N, 1]: class numbers from 1, 0 for the background, -1 for what does not count.
        fg_num: int32 [1], the number of samples on objects, by which the loss is divided.
        gamma: how much less what is easy counts.
        alpha: weight of objects; 1 - alpha is that of the background.
    """
    check_variable_and_dtype(x, "x", FLOATS, "sigmoid_focal_loss")
    check_variable_and_dtype(label, "label", ["int32"], "sigmoid_focal_loss")
    check_variable_and_dtype(fg_num, "fg_num", ["int32"], "sigmoid_focal_loss")
    is_counted = tensor.cast(greater_equal(label, tensor.zeros_like(label)), x.dtype)
    classes = nn.one_hot(nn.elementwise_max(label, tensor.zeros_like(label)), x.shape[1] + 1)
    is_class = nn.slice(tensor.cast(classes, x.dtype), axes=[1], starts=[1], ends=[x.shape[1] + 1])
    is_class.stop_gradient = is_counted.stop_gradient = True
    probability = ops.sigmoid(x)
    missed = is_class * (1.0 - probability) + (1.0 - is_class) * probability
    weight = is_class * alpha + (1.0 - is_class) * (1.0 - alpha)
    loss = weight * nn.pow(missed, gamma) * sigmoid_cross_entropy_with_logits(x, is_class)
    count = nn.elementwise_max(tensor.cast(fg_num, x.dtype), tensor.fill_constant([1], x.dtype, 1.0))
    count.stop_gradient = True
    return nn.elementwise_div(nn.elementwise_mul(loss, is_counted, axis=0), count)
