"""Sequences: their lengths, and structured prediction over them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...data_feeder import check_type, check_variable_and_dtype
from ...framework import Variable, in_dygraph_mode
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..utils import FLOATS, NUMBERS
from .index import topk
from .manipulation import squeeze

__all__ = [
    "add_position_encoding",
    "chunk_eval",
    "crf_decoding",
    "ctc_greedy_decoder",
    "im2sequence",
    "linear_chain_crf",
    "lod_append",
    "lod_reset",
]


def lod_reset(x: Any, y: Any = None, target_lod: list[int] | None = None) -> Any:
    """Return x with other sequence lengths.

    Args:
        y: a Variable with the lengths wanted, or one that holds them as offsets (0, first length, ...).
        target_lod: the offsets, where there is no `y`.
    """
    check_variable_and_dtype(x, "x", NUMBERS, "lod_reset")
    helper = LayerHelper("lod_reset")
    out = helper.create_variable_for_type_inference(dtype=x.dtype)
    inputs, attrs = {"X": x}, {}
    if y is not None:
        check_type(y, "y", Variable, "lod_reset")
        inputs["Y"] = y
    elif target_lod is not None:
        attrs["target_lod"] = target_lod
    else:
        raise ValueError("lod_reset: give y or target_lod")
    helper.append_op(type="lod_reset", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def lod_append(x: Any, level: Any) -> Any:
    """Return x with one more level of sequence lengths, innermost; `level` is a Variable or a list, as for lod_reset."""
    if x is None:
        raise ValueError("lod_append: x is None; give a Variable")
    if not isinstance(level, Iterable | Variable):
        raise ValueError(f"lod_append: level is a list, a tuple or a Variable, not {level!r}")
    check_variable_and_dtype(x, "x", NUMBERS, "lod_append")
    helper = LayerHelper("lod_append")
    out = helper.create_variable_for_type_inference(dtype=x.dtype)
    inputs, attrs = {"X": x}, {"append": True}
    if isinstance(level, Variable):
        inputs["Y"] = level
    else:
        attrs["target_lod"] = level
    helper.append_op(type="lod_reset", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def im2sequence(
    input: Any,
    filter_size: Any = 1,
    stride: Any = 1,
    padding: Any = 0,
    input_image_size: Any = None,
    out_stride: Any = 1,
    name: str | None = None,
) -> Any:
    """Return each image [C, H, W] as the sequence of its windows, row by row, each a vector of C * h * w.

    Args:
        filter_size, stride: an int or [vertical, horizontal].
        padding: an int, [vertical, horizontal], or [top, left, bottom, right].
        input_image_size: real height and width of each image [N, 2], where input is a map of it.
        out_stride: of that map.
    """
    assert not in_dygraph_mode(), "im2sequence: there are no sequences in dygraph mode"
    check_variable_and_dtype(input, "input", ["float32"], "im2sequence")
    padding = _pair(padding)
    inputs = {"X": input}
    attrs = {
        "kernels": _pair(filter_size),
        "strides": _pair(stride),
        "paddings": [*padding, *padding] if len(padding) == 2 else padding,
    }
    if input_image_size is not None:
        inputs["Y"] = input_image_size
        attrs["out_stride"] = _pair(out_stride)
    helper = LayerHelper("im2sequence", name=name)
    out = helper.create_variable_for_type_inference(dtype=input.dtype)
    helper.append_op(type="im2sequence", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def _pair(value: Any) -> Any:
    return [value, value] if isinstance(value, int) else value


@operator("add_position_encoding", dtypes=FLOATS)
def add_position_encoding(input, alpha, beta, name=None):
    """Return alpha * input + beta * sines and cosines of the position (arXiv:1706.03762); input is [N, T, D] or sequences."""


def linear_chain_crf(input: Any, label: Any, param_attr: Any = None, length: Any = None) -> Any:
    """Return minus the log likelihood of each sequence of labels, [N, 1].

    Args:
        input: scores of each label, sequences [T, D], or [N, T, D] with `length`.
        label: int64, sequences [T, 1], or [N, T] with `length`.
        param_attr: of the transitions [D + 2, D]: to start with, to end with, and from one to another.
        length: int64 [N] or [N, 1].
    """
    check_variable_and_dtype(input, "input", FLOATS, "linear_chain_crf")
    check_variable_and_dtype(label, "label", ["int64"], "linear_chain_crf")
    helper = LayerHelper("linear_chain_crf", input=input, param_attr=param_attr)
    dtype = helper.input_dtype()
    size = input.shape[1 if length is None else 2]
    transition = helper.create_parameter(attr=helper.param_attr, shape=[size + 2, size], dtype=dtype)
    slots = ("Alpha", "EmissionExps", "TransitionExps", "LogLikelihood")
    outputs = {slot: [helper.create_variable_for_type_inference(dtype=dtype)] for slot in slots}
    inputs = {"Emission": [input], "Transition": transition, "Label": [label]}
    if length is not None:
        inputs["Length"] = [length]
    helper.append_op(type="linear_chain_crf", inputs=inputs, outputs=outputs)
    return outputs["LogLikelihood"][0]


def crf_decoding(input: Any, param_attr: Any, label: Any = None, length: Any = None) -> Any:
    """Return the likeliest labels, int64, or where they are those of `label`.

    Args:
        input: scores of each label, as linear_chain_crf takes them.
        param_attr: names the transitions that linear_chain_crf learned.
    """
    check_variable_and_dtype(input, "input", FLOATS, "crf_decoding")
    helper = LayerHelper("crf_decoding")
    path = helper.create_variable_for_type_inference("int64")
    inputs = {"Emission": [input], "Transition": helper.get_parameter(param_attr.name), "Label": label}
    if length is not None:
        inputs["Length"] = length
    helper.append_op(type="crf_decoding", inputs=inputs, outputs={"ViterbiPath": [path]})
    return path


_CHUNK_COUNTS = {
    "Precision": "float32",
    "Recall": "float32",
    "F1-Score": "float32",
    "NumInferChunks": "int64",
    "NumLabelChunks": "int64",
    "NumCorrectChunks": "int64",
}


def chunk_eval(
    input: Any,
    label: Any,
    chunk_scheme: str,
    num_chunk_types: int,
    excluded_chunk_types: list[int] | None = None,
    seq_length: Any = None,
) -> tuple[Any, ...]:
    """Return precision, recall and F1 of chunks, float32, and how many were inferred, labelled and right, int64.

    Args:
        input, label: int64 tags, sequences [T, 1], or [N, T] with `seq_length`.
        chunk_scheme: "IOB", "IOE", "IOBES" or "plain".
        excluded_chunk_types: which do not count.
    """
    helper = LayerHelper("chunk_eval")
    check_variable_and_dtype(input, "input", ["int64"], "chunk_eval")
    check_variable_and_dtype(label, "label", ["int64"], "chunk_eval")
    # Eager mode calls F1-Score F1_Score.
    counts = {slot.replace("-", "_") if in_dygraph_mode() else slot: dtype for slot, dtype in _CHUNK_COUNTS.items()}
    outputs = {slot: [helper.create_variable_for_type_inference(dtype)] for slot, dtype in counts.items()}
    inputs = {"Inference": [input], "Label": [label]}
    if seq_length is not None:
        inputs["SeqLength"] = [seq_length]
    attrs = {
        "num_chunk_types": num_chunk_types,
        "chunk_scheme": chunk_scheme,
        "excluded_chunk_types": excluded_chunk_types or [],
    }
    helper.append_op(type="chunk_eval", inputs=inputs, outputs=outputs, attrs=attrs)
    return tuple(variable for (variable,) in outputs.values())


def ctc_greedy_decoder(
    input: Any, blank: int, input_length: Any = None, padding_value: int = 0, name: str | None = None
) -> Any:
    """Return the likeliest label of each step, repetitions merged and blanks left out.

    Args:
        input: probabilities, sequences [T, D], or [N, T, D] with `input_length`: then (labels [N, T], lengths [N, 1]).
        blank: its class number.
        padding_value: what follows the end of a row.
    """
    helper = LayerHelper("ctc_greedy_decoder", name=name)
    _, likeliest = topk(input, k=1)
    if in_dygraph_mode() and input_length is not None:
        return _aligned_eagerly(likeliest.numpy()[:, :, 0], input_length.numpy(), blank, padding_value)
    out = helper.create_variable_for_type_inference(dtype="int64")
    inputs, outputs = {"Input": [likeliest]}, {"Output": [out]}
    attrs = {"merge_repeated": True, "blank": blank}
    if input_length is not None:
        length = helper.create_variable_for_type_inference(dtype="int64")
        inputs = {"Input": [squeeze(likeliest, [2])], "InputLength": [input_length]}
        outputs["OutputLength"] = [length]
        attrs["padding_value"] = padding_value
    helper.append_op(type="ctc_align", inputs=inputs, outputs=outputs, attrs=attrs)
    return out if input_length is None else (out, length)


def _aligned_eagerly(labels: Any, lengths: Any, blank: int, padding_value: int) -> tuple[Any, Any]:
    """What the operator does, which crashes in eager mode for want of the lengths."""
    from ...dygraph import to_variable

    kept = np.full(labels.shape, padding_value, "int64")
    counts = np.zeros((len(labels), 1), "int64")
    for row, (sequence, length) in enumerate(zip(labels, lengths.reshape(-1), strict=True)):
        sequence = sequence[:length]
        starts = np.r_[True, sequence[1:] != sequence[:-1]][:length]
        found = sequence[starts & (sequence != blank)]
        kept[row, : len(found)] = found
        counts[row] = len(found)
    return to_variable(kept), to_variable(counts)
