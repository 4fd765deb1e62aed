"""`fluid.layers.loss`."""

from __future__ import annotations

from typing import Any

from ..layer_helper import LayerHelper

__all__ = ["cross_entropy", "square_error_cost"]

_NO_LABEL = -100


def cross_entropy(input: Any, label: Any, soft_label: bool = False, ignore_index: int = _NO_LABEL) -> Any:
    """Return -log of the probability that `input` gives the label, for each sample, [N, 1].

    Args:
        input: probabilities [N, ..., D], as softmax returns them.
        label: int64 class numbers [N, ..., 1], or a distribution like `input` where `soft_label`.
        ignore_index: a class number whose loss is zero.
    """
    if not soft_label:
        return _cross_entropy2(input, label, ignore_index)
    helper = LayerHelper("cross_entropy")
    out = helper.create_variable_for_type_inference(dtype=input.dtype)
    helper.append_op(
        type="cross_entropy",
        inputs={"X": [input], "Label": [label]},
        outputs={"Y": [out]},
        attrs={"soft_label": soft_label, "ignore_index": ignore_index},
    )
    return out


def _cross_entropy2(input: Any, label: Any, ignore_index: int) -> Any:
    helper = LayerHelper("cross_entropy2")
    out, x_shape, match_x = (helper.create_variable_for_type_inference(dtype=input.dtype) for _ in range(3))
    helper.append_op(
        type="cross_entropy2",
        inputs={"X": [input], "Label": [label]},
        outputs={"Y": [out], "MatchX": [match_x], "XShape": [x_shape]},
        attrs={"ignore_index": ignore_index},
    )
    return out


def square_error_cost(input: Any, label: Any) -> Any:
    """Return (input - label)^2, element by element."""
    helper = LayerHelper("square_error_cost")
    difference = helper.create_variable_for_type_inference(dtype=input.dtype)
    helper.append_op(type="elementwise_sub", inputs={"X": [input], "Y": [label]}, outputs={"Out": [difference]})
    squared = helper.create_variable_for_type_inference(dtype=input.dtype)
    helper.append_op(type="square", inputs={"X": [difference]}, outputs={"Out": [squared]})
    return squared
