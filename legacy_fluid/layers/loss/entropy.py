"""Losses of probabilities."""

from __future__ import annotations

from typing import Any

from ...data_feeder import check_variable_and_dtype
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..utils import FLOATS, FLOATS16

__all__ = [
    "bpr_loss",
    "cross_entropy",
    "kldiv_loss",
    "sigmoid_cross_entropy_with_logits",
    "softmax_with_cross_entropy",
    "teacher_student_sigmoid_loss",
]

_NO_LABEL = -100


def cross_entropy(input: Any, label: Any, soft_label: bool = False, ignore_index: int = _NO_LABEL) -> Any:
    """Return -log of the probability that `input` gives the label, for each sample, [N, 1].

    Args:
        input: probabilities [N, ..., D], as softmax returns them.
        label: int64 class numbers [N, ..., 1], or a distribution like `input` where `soft_label`.
        ignore_index: a class number whose loss is zero.
    """
    if soft_label:
        return _soft_cross_entropy(input, label, soft_label, ignore_index)
    return cross_entropy2(input, label, ignore_index)


@operator("cross_entropy", inputs={"X": "input", "Label": "label"}, outputs={"Y": None}, dtypes={"input": FLOATS16})
def _soft_cross_entropy(input, label, soft_label, ignore_index):
    """The operator of cross_entropy for distributions."""


@operator(
    "cross_entropy2",
    inputs={"X": "input", "Label": "label"},
    outputs={"Y": None, "XShape": None, "MatchX": None},
    intermediate=("XShape", "MatchX"),
    dtypes={"input": FLOATS16},
)
def cross_entropy2(input, label, ignore_index=_NO_LABEL):
    """The operator of cross_entropy for class numbers."""


def softmax_with_cross_entropy(
    logits: Any,
    label: Any,
    soft_label: bool = False,
    ignore_index: int = _NO_LABEL,
    numeric_stable_mode: bool = True,
    return_softmax: bool = False,
    axis: int = -1,
) -> Any:
    """Return -log of the softmax of logits at the label, with size 1 along `axis`.

    Args:
        label: int64 class numbers, with size 1 along `axis`, or a distribution like `logits` where `soft_label`.
        ignore_index: a class number whose loss is zero.
        return_softmax: return (loss, softmax) instead.
    """
    helper = LayerHelper("softmax_with_cross_entropy")
    softmax, loss = (helper.create_variable_for_type_inference(dtype=logits.dtype) for _ in range(2))
    helper.append_op(
        type="softmax_with_cross_entropy",
        inputs={"Logits": logits, "Label": label},
        outputs={"Softmax": softmax, "Loss": loss},
        attrs={
            "soft_label": soft_label,
            "ignore_index": ignore_index,
            "numeric_stable_mode": numeric_stable_mode,
            "axis": axis,
        },
    )
    return (loss, softmax) if return_softmax else loss


@operator("sigmoid_cross_entropy_with_logits", inputs={"X": "x", "Label": "label"}, dtypes={"x": FLOATS16})
def sigmoid_cross_entropy_with_logits(x, label, ignore_index=_NO_LABEL, name=None, normalize=False):
    """Return the loss of each class that is there or not, -label * log(sigmoid(x)) - (1 - label) * log(1 - sigmoid(x)).

    Args:
        ignore_index: a label whose loss is zero.
        normalize: divide by the number of labels that count.
    """


@operator("bpr_loss", inputs={"X": "input", "Label": "label"}, outputs={"Y": None}, dtypes={"input": FLOATS16})
def bpr_loss(input, label, name=None):
    """Return the mean of -log(sigmoid(score of the label - score of another)), [N, 1] (arXiv:1511.06939)."""


def teacher_student_sigmoid_loss(
    input: Any, label: Any, soft_max_up_bound: float = 15.0, soft_max_lower_bound: float = -15.0
) -> Any:
    """Return the loss of a click predictor that learns from clicks and from a teacher's score at once, [N, 1].

    Args:
        label: -2 for no click, -1 for a click, the teacher's score for none, and 1 more than it for one.
        soft_max_up_bound, soft_max_lower_bound: beyond which input has no gradient.
    """
    check_variable_and_dtype(input, "input", FLOATS, "teacher_student_sigmoid_loss")
    check_variable_and_dtype(label, "label", FLOATS, "teacher_student_sigmoid_loss")
    helper = LayerHelper("teacher_student_sigmoid_loss")
    out = helper.create_variable(dtype=input.dtype)
    bounds = {
        "soft_max_up_bound": float(soft_max_up_bound),
        "soft_max_lower_bound": float(soft_max_lower_bound),
    }
    inputs = {"X": [input], "Label": [label]}
    helper.append_op(type=helper.layer_type, inputs=inputs, outputs={"Y": [out]}, attrs=bounds)
    return out


@operator(
    "kldiv_loss",
    inputs={"X": "x", "Target": "target"},
    outputs={"Loss": None},
    dtypes=FLOATS,
    types={"reduction": str},
)
def kldiv_loss(x, target, reduction="mean", name=None):
    """Return target * (log(target) - x), for logarithms x of probabilities.

    Args:
        reduction: "mean" of all elements, "batchmean" (sum over samples' number), "sum", or "none".
    """
