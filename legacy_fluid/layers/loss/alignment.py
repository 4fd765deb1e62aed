"""Losses and distances of sequences of labels."""

from __future__ import annotations

from typing import Any

from paddle import _C_ops

from ...data_feeder import check_variable_and_dtype
from ...framework import in_dygraph_mode
from ...layer_helper import LayerHelper
from ..utils import declare

__all__ = ["edit_distance", "warpctc"]


def edit_distance(
    input: Any,
    label: Any,
    normalized: bool = True,
    ignored_tokens: list[int] | None = None,
    input_length: Any = None,
    label_length: Any = None,
) -> tuple[Any, Any]:
    """Return the Levenshtein distance of each pair of sequences, float32 [N, 1], and how many there are, int64 (1,).

    Args:
        input, label: int64, sequences [T, 1], or [N, T] with their lengths.
        normalized: divide by the length of the label.
        ignored_tokens: taken out of both first.
        input_length, label_length: int64 [N].
    """
    check_variable_and_dtype(input, "input", ["int64"], "edit_distance")
    check_variable_and_dtype(label, "label", ["int64"], "edit_distance")
    helper = LayerHelper("edit_distance")
    if ignored_tokens:
        kept = [helper.create_variable_for_type_inference(dtype="int64") for _ in range(2)]
        for source, out in zip((input, label), kept, strict=True):
            attrs = {"tokens": ignored_tokens}
            helper.append_op(type="sequence_erase", inputs={"X": [source]}, outputs={"Out": [out]}, attrs=attrs)
        input, label = kept
    if in_dygraph_mode():  # whose entrance to the older operator does not take lengths
        number, distance = _C_ops.edit_distance(input, label, input_length, label_length, normalized)
        return distance, number
    inputs = {"Hyps": [input], "Refs": [label]}
    if input_length is not None and label_length is not None:
        inputs |= {"HypsLength": [input_length], "RefsLength": [label_length]}
    distance, number = (helper.create_variable_for_type_inference(dtype="int64") for _ in range(2))
    helper.append_op(
        type="edit_distance",
        inputs=inputs,
        outputs={"Out": [distance], "SequenceNum": [number]},
        attrs={"normalized": normalized},
    )
    for variable in (distance, number):
        declare(variable, dtype="int64")  # also of the distance, which runs as float32
    return distance, number


def warpctc(
    input: Any,
    label: Any,
    blank: int = 0,
    norm_by_times: bool = False,
    input_length: Any = None,
    label_length: Any = None,
) -> Any:
    """Return the connectionist temporal classification loss of each sequence (Graves et al., ICML 2006), [N, 1].

    Args:
        input: scores before softmax: sequences [T, D], or [T, N, D] with lengths.
        label: int32, sequences [L, 1], or [N, L] with lengths.
        blank: its class number.
        norm_by_times: divide the gradient by the number of steps.
        input_length, label_length: int64 [N].
    """
    helper = LayerHelper("warpctc")
    check_variable_and_dtype(input, "input", ["float32"], "warpctc")
    check_variable_and_dtype(label, "label", ["int32"], "warpctc")
    inputs = {"Logits": [input], "Label": [label]}
    if input_length is not None and label_length is not None:
        check_variable_and_dtype(input_length, "LogitsLength", ["int64"], "warpctc")
        check_variable_and_dtype(label_length, "LabelLength", ["int64"], "warpctc")
        inputs |= {"LogitsLength": [input_length], "LabelLength": [label_length]}
    loss, grad = (helper.create_variable_for_type_inference(dtype=input.dtype) for _ in range(2))
    helper.append_op(
        type="warpctc",
        inputs=inputs,
        outputs={"WarpCTCGrad": [grad], "Loss": [loss]},
        attrs={"blank": blank, "norm_by_times": norm_by_times},
    )
    return loss
