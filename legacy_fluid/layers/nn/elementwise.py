"""Arithmetic, element by element: on two tensors, the second broadcast from dimension `axis` of the first, and on one."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from paddle import _C_ops

from ... import unique_name
from ...data_feeder import check_dtype, check_type, check_variable_and_dtype, convert_dtype
from ...framework import Variable, in_dygraph_mode
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..tensor import assign
from ..utils import FLOATS, FLOATS16, INTEGERS, NUMBERS, NUMBERS16, Composer

__all__ = [
    "addcmul",
    "clamp",
    "clip",
    "clip_by_norm",
    "elementwise_add",
    "elementwise_div",
    "elementwise_floordiv",
    "elementwise_max",
    "elementwise_min",
    "elementwise_mod",
    "elementwise_mul",
    "elementwise_pow",
    "elementwise_sub",
    "log",
    "log1p",
    "pow",
    "scale",
    "sign",
    "sum",
]


def _both_given(given: dict[str, Any]) -> None:
    assert given["x"] is not None, "x is None; give a Variable"
    assert given["y"] is not None, "y is None; give a Variable"


def _dimensions_that_follow(given: dict[str, Any]) -> None:
    """Eager mode broadcasts from the last dimension alone: let y have all dimensions that follow `axis`."""
    _both_given(given)
    x, y, axis = given["x"], given["y"], given["axis"]
    if in_dygraph_mode() and axis != -1 and len(y.shape) + axis < len(x.shape):
        dims = list(range(len(y.shape), len(x.shape) - axis))
        given["y"] = Composer(LayerHelper("unsqueeze2"))("unsqueeze2", {"X": y}, hidden=("XShape",), axes=dims)
        given["axis"] = -1


_TWO = {"inputs": {"X": "x", "Y": "y"}, "dtypes": NUMBERS16, "constants": {"use_mkldnn": False}, "prepare": _both_given}


_TWO_FROM_THE_END = {**_TWO, "prepare": _dimensions_that_follow}


@operator("elementwise_add", **_TWO)
def elementwise_add(x, y, axis=-1, act=None, name=None):
    """Return x + y."""


@operator("elementwise_div", **_TWO)
def elementwise_div(x, y, axis=-1, act=None, name=None):
    """Return x / y."""


@operator("elementwise_sub", **_TWO)
def elementwise_sub(x, y, axis=-1, act=None, name=None):
    """Return x - y."""


@operator("elementwise_mul", **_TWO)
def elementwise_mul(x, y, axis=-1, act=None, name=None):
    """Return x * y."""


@operator("elementwise_max", **_TWO_FROM_THE_END)
def elementwise_max(x, y, axis=-1, act=None, name=None):
    """Return the larger of x and y."""


@operator("elementwise_min", **_TWO_FROM_THE_END)
def elementwise_min(x, y, axis=-1, act=None, name=None):
    """Return the smaller of x and y."""


@operator("elementwise_pow", **_TWO_FROM_THE_END)
def elementwise_pow(x, y, axis=-1, act=None, name=None):
    """Return x to the power of y."""


@operator("elementwise_mod", **_TWO)
def elementwise_mod(x, y, axis=-1, act=None, name=None):
    """Return the remainder of x / y."""


@operator("elementwise_floordiv", **_TWO)
def elementwise_floordiv(x, y, axis=-1, act=None, name=None):
    """Return x / y rounded down."""


@operator("log", dtypes=FLOATS)
def log(x, name=None):
    """Return the natural logarithm of x."""


@operator("log1p", dtypes=FLOATS)
def log1p(x, out=None, name=None):
    """Return the natural logarithm of 1 + x."""


@operator("pow", dtypes=NUMBERS, tensors={"factor": "FactorTensor"})
def pow(x, factor=1.0, name=None):
    """Return x to the power of `factor`, a number or a float32 Variable of shape (1,)."""


@operator("sum", types={"x": (Variable, tuple, list)}, dtypes=NUMBERS, constants={"use_mkldnn": False})
def sum(x):
    """Return the sum of a list of Variables of one shape."""


def scale(
    x: Any,
    scale: Any = 1.0,
    bias: float = 0.0,
    bias_after_scale: bool = True,
    act: str | None = None,
    name: str | None = None,
) -> Any:
    """Return scale * x + bias, or scale * (x + bias) where not `bias_after_scale`.

    Args:
        scale: a number, or a Variable of shape (1,).
    """
    check_variable_and_dtype(x, "x", (*NUMBERS16, "int8", "int16", "uint8"), "scale")
    inputs, attrs = {"X": [x]}, {"bias": float(bias), "bias_after_scale": bias_after_scale}
    if not isinstance(scale, Variable):
        attrs["scale"] = float(scale)
    elif in_dygraph_mode():
        attrs["scale"] = float(scale.numpy().item(0))
    else:
        inputs["ScaleTensor"] = [scale]
    # In dygraph mode 1.8 took an activation, and applied none.
    helper = LayerHelper("scale", act=None if in_dygraph_mode() else act, name=name)
    out = helper.create_variable_for_type_inference(dtype=x.dtype)
    helper.append_op(type="scale", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return helper.append_activation(out)


def sign(x: Any) -> Any:
    """Return -1, 0 or 1, as the elements of x, a Variable or an array, are."""
    check_type(x, "x", (Variable, np.ndarray), "sign")
    x = assign(x) if isinstance(x, np.ndarray) else x
    # The gradient of the old operator fails in eager mode.
    return _C_ops.sign(x) if in_dygraph_mode() else _sign(x)


@operator("sign", dtypes=FLOATS16)
def _sign(x):
    """The operator of sign."""


def clip(x: Any, min: float, max: float, name: str | None = None) -> Any:
    """Return x limited to [min, max]; x may be a sparse gradient."""
    check_variable_and_dtype(x, "x", FLOATS16, "clip")
    return _limited("clip", x, name, min=min, max=max)


def clip_by_norm(x: Any, max_norm: float, name: str | None = None) -> Any:
    """Return x, scaled down where its L2 norm exceeds `max_norm`; x may be a sparse gradient."""
    check_variable_and_dtype(x, "X", ["float32"], "clip_by_norm")
    check_type(max_norm, "max_norm", float, "clip_by_norm")
    return _limited("clip_by_norm", x, name, max_norm=max_norm)


def _limited(op_type: str, x: Any, name: str | None, **attrs: float) -> Any:
    helper = LayerHelper(op_type, name=name)
    if in_dygraph_mode():
        out = helper.create_variable_for_type_inference(x.dtype)
    else:
        # The kind of x, dense or sparse, is that of the result.
        name = name or unique_name.generate_with_ignorable_key(f"{helper.name}.tmp")
        out = helper.create_variable(type=x.type, name=name, dtype=x.dtype, persistable=False)
    helper.append_op(type=op_type, inputs={"X": x}, outputs={"Out": out}, attrs=attrs)
    return out


def clamp(input: Any, min: Any = None, max: Any = None, output: Any = None, name: str | None = None) -> Any:
    """Return input limited to [min, max].

    Args:
        min, max: a float, a Variable of shape (1,), or None, but not both None. None means the smallest positive and
            the largest float64, as in 1.8: without `min`, negative elements become positive.
        output: a Variable that takes the result.
    """
    assert min is not None or max is not None, "clamp: give min, max or both"
    inputs = {"X": input}
    attrs = {"min": sys.float_info.min, "max": sys.float_info.max}
    for argument, slot, limit in (("min", "Min", min), ("max", "Max", max)):
        if limit is None:
            continue
        check_type(limit, argument, (float, Variable), "clamp")
        if isinstance(limit, Variable) and in_dygraph_mode():
            attrs[argument] = limit.numpy().item(0)
        elif isinstance(limit, Variable):
            check_dtype(limit.dtype, argument, (*FLOATS, "int32"), "clamp")
            limit.stop_gradient = True
            inputs[slot] = limit
        else:
            attrs[argument] = limit
    helper = LayerHelper("clamp", input=input, name=name)
    if output is None:
        output = helper.create_variable_for_type_inference(dtype=helper.input_dtype())
    helper.append_op(type="clip", inputs=inputs, outputs={"Out": [output]}, attrs=attrs)
    return output


def addcmul(
    input: Any, tensor1: Any, tensor2: Any, value: float = 1.0, out: Any = None, name: str | None = None
) -> Any:
    """Return input + value * tensor1 * tensor2.

    Args:
        value: a float for floating-point tensors, an int for others.
        out: a Variable that takes the result.
    """
    for argument, tensor in (("input", input), ("tensor1", tensor1), ("tensor2", tensor2)):
        check_variable_and_dtype(tensor, argument, NUMBERS, "addcmul")
    check_type(value, "value", int if convert_dtype(input.dtype) in INTEGERS else float, "addcmul")
    total = elementwise_add(input, elementwise_mul(tensor1, tensor2) * value)
    if out is None:
        return total
    assign(total, out)
    return out
