"""`fluid.layers.sequence_lod`: sequences of different lengths, laid end to end in one tensor that knows their lengths."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..framework import Variable, in_dygraph_mode
from ..layer_helper import LayerHelper
from .layer_function_generator import operator
from .utils import FLOATS, INTEGERS, NUMBERS

__all__ = [
    "sequence_concat",
    "sequence_conv",
    "sequence_enumerate",
    "sequence_expand",
    "sequence_expand_as",
    "sequence_first_step",
    "sequence_last_step",
    "sequence_mask",
    "sequence_pad",
    "sequence_pool",
    "sequence_reshape",
    "sequence_reverse",
    "sequence_scatter",
    "sequence_slice",
    "sequence_softmax",
    "sequence_unpad",
]


def _only_static(layer: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse dygraph mode, where tensors have no lengths."""

    @functools.wraps(layer)
    def checked(*args: Any, **kwargs: Any) -> Any:
        assert not in_dygraph_mode(), f"{layer.__name__} needs lengths, which tensors have in a Program only"
        return layer(*args, **kwargs)

    return checked


def _stop_gradients(*arguments: str) -> Callable[[dict[str, Any]], None]:
    def prepare(given: dict[str, Any]) -> None:
        for argument in arguments:
            given[argument].stop_gradient = True

    return prepare


@_only_static
def sequence_conv(
    input: Any,
    num_filters: int,
    filter_size: int = 3,
    filter_stride: int = 1,
    padding: bool = True,
    padding_start: int | None = None,
    bias_attr: Any = None,
    param_attr: Any = None,
    act: str | None = None,
    name: str | None = None,
) -> Any:
    """Return the convolution of each sequence with `num_filters` filters over `filter_size` steps.

    Args:
        input: [T, D], with lengths.
        filter_stride: 1; the operator knows no other.
        padding: kept for the signature: steps beyond the ends are zero.
        padding_start: the first step of the window, relative to the current; -(filter_size // 2) where None.
    """
    helper = LayerHelper("sequence_conv", input=input, param_attr=param_attr, bias_attr=bias_attr, act=act, name=name)
    filters = helper.create_parameter(
        attr=helper.param_attr, shape=[filter_size * input.shape[1], num_filters], dtype=input.dtype
    )
    out = helper.create_variable_for_type_inference(input.dtype)
    helper.append_op(
        type="sequence_conv",
        inputs={"X": [input], "Filter": [filters]},
        outputs={"Out": out},
        attrs={
            "contextStride": filter_stride,
            "contextStart": -(filter_size // 2) if padding_start is None else padding_start,
            "contextLength": filter_size,
        },
    )
    return helper.append_activation(helper.append_bias_op(out))


@_only_static
@operator("sequence_softmax", dtypes=FLOATS)
def sequence_softmax(input, use_cudnn=False, name=None):
    """Return each sequence's values, scaled to exp(x) / sum(exp(x)); input is [T, 1]."""


def _upper_case(given: dict[str, Any]) -> None:
    given["pool_type"] = given["pool_type"].upper()


@_only_static
@operator(
    "sequence_pool",
    outputs={"Out": None, "MaxIndex": None},
    intermediate=["MaxIndex"],
    dtypes=("float32",),
    rename={"pool_type": "pooltype"},
    prepare=_upper_case,
)
def sequence_pool(input, pool_type, is_test=False, pad_value=0.0):
    """Return one row for each sequence: its average, sum, sqrt (sum / root of length), max, last or first step.

    An empty sequence gives `pad_value`.
    """


@_only_static
@operator("sequence_concat", dtypes=("int64", *FLOATS), types={"input": list})
def sequence_concat(input, name=None):
    """Return the sequences of a list of inputs joined, first with first, second with second."""


def sequence_first_step(input: Any) -> Any:
    """Return the first step of each sequence."""
    return sequence_pool(input=input, pool_type="first")


def sequence_last_step(input: Any) -> Any:
    """Return the last step of each sequence."""
    return sequence_pool(input=input, pool_type="last")


@_only_static
@operator(
    "sequence_slice",
    inputs={"X": "input", "Offset": "offset", "Length": "length"},
    dtypes={"input": NUMBERS, "offset": INTEGERS, "length": INTEGERS},
    prepare=_stop_gradients("offset", "length"),
)
def sequence_slice(input, offset, length, name=None):
    """Return `length` steps of each sequence from `offset` on; both are [number of sequences, 1]."""


@_only_static
@operator("sequence_expand", inputs={"X": "x", "Y": "y"}, dtypes={"x": NUMBERS})
def sequence_expand(x, y, ref_level=-1, name=None):
    """Return each sequence of x as often as level `ref_level` of y's lengths says."""


@_only_static
@operator("sequence_expand_as", inputs={"X": "x", "Y": "y"}, dtypes={"x": NUMBERS}, types={"y": Variable})
def sequence_expand_as(x, y, name=None):
    """Return each row of x as often as y's sequence of its number is long."""


def _no_maximum(given: dict[str, Any]) -> None:
    given["maxlen"] = -1 if given["maxlen"] is None else given["maxlen"]
    given["pad_value"].stop_gradient = True


@_only_static
@operator(
    "sequence_pad",
    inputs={"X": "x", "PadValue": "pad_value"},
    outputs={"Out": None, "Length": "int64"},
    stop_gradient=["Length"],
    dtypes=NUMBERS,
    rename={"maxlen": "padded_length"},
    prepare=_no_maximum,
)
def sequence_pad(x, pad_value, maxlen=None, name=None):
    """Return the sequences filled up with `pad_value` to the longest, or `maxlen`, [N, maxlen, ...], and their lengths."""


@_only_static
@operator(
    "sequence_unpad",
    inputs={"X": "x", "Length": "length"},
    dtypes={"x": NUMBERS, "length": ("int64",)},
    prepare=_stop_gradients("length"),
)
def sequence_unpad(x, length, name=None):
    """Return padded sequences x [N, maxlen, ...] laid end to end, each cut to its `length`."""


@_only_static
@operator("sequence_reshape", dtypes=NUMBERS)
def sequence_reshape(input, new_dim):
    """Return the sequences with `new_dim` columns, and as many steps as that leaves."""


@_only_static
@operator(
    "sequence_scatter",
    inputs={"X": "input", "Ids": "index", "Updates": "updates"},
    dtypes={"input": NUMBERS, "index": INTEGERS, "updates": NUMBERS},
)
def sequence_scatter(input, index, updates, name=None):
    """Return row i of input with sequence i of `updates` added at the columns that sequence i of `index` names."""


@_only_static
@operator("sequence_enumerate", stop_gradient=["Out"], dtypes=INTEGERS)
def sequence_enumerate(input, win_size, pad_value=0, name=None):
    """Return the `win_size` values from each step on, [T, win_size], with `pad_value` beyond a sequence's end."""


def sequence_mask(x: Any, maxlen: Any = None, dtype: Any = "int64", name: str | None = None) -> Any:
    """Return 1 for each position before a length of x, and 0 from it on, x.shape + [maxlen].

    Args:
        maxlen: int or Variable; the largest length where None.
    """
    helper = LayerHelper("sequence_mask", name=name)
    out = helper.create_variable_for_type_inference(dtype=dtype, stop_gradient=True)
    inputs, attrs = {"X": [x]}, {"out_dtype": out.dtype}
    if isinstance(maxlen, Variable):
        inputs["MaxLenTensor"] = [maxlen]
    elif maxlen is not None:
        attrs["maxlen"] = maxlen
    helper.append_op(type="sequence_mask", inputs=inputs, outputs={"Y": [out]}, attrs=attrs)
    return out


@_only_static
@operator("sequence_reverse", outputs={"Y": None}, dtypes=("int8", *NUMBERS))
def sequence_reverse(x, name=None):
    """Return each sequence from its end to its beginning."""
