"""Tensors from constants."""

from __future__ import annotations

from math import prod
from typing import Any

from ...data_feeder import check_dtype, check_type, check_variable_and_dtype, convert_dtype
from ...framework import Variable, convert_np_dtype_to_dtype_, device_guard, in_dygraph_mode
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..utils import CREATED, FLOATS, INTEGERS, NUMBERS, shape_inputs
from .copies import cast

__all__ = [
    "arange",
    "eye",
    "fill_constant",
    "fill_constant_batch_size_like",
    "full",
    "full_like",
    "linspace",
    "ones",
    "ones_like",
    "range",
    "zeros",
    "zeros_like",
]


def fill_constant(shape: Any, dtype: Any, value: Any, force_cpu: bool = False, out: Any = None) -> Any:
    """Return a tensor filled with `value`, which stops gradients.

    Args:
        shape: list of ints and Variables, or an int32 or int64 Variable.
        value: a number, or a Variable of shape (1,).
        out: a Variable that takes the result.
    """
    inputs, attrs = {}, {"force_cpu": force_cpu}
    if isinstance(value, Variable) and not in_dygraph_mode():
        inputs["ValueTensor"] = value
    else:
        value = value.numpy().item(0) if isinstance(value, Variable) else value
        attrs["value"] = float(value)
        attrs["str_value"] = _digits(value, dtype)
    check_dtype(dtype, "dtype", CREATED, "fill_constant")
    check_type(shape, "shape", (Variable, list, tuple), "fill_constant")
    if out is not None:
        check_variable_and_dtype(out, "out", [convert_dtype(dtype)], "fill_constant")
    helper = LayerHelper("fill_constant")
    shape_inputs(shape, "fill_constant", inputs, attrs)
    if out is None:
        out = helper.create_variable_for_type_inference(dtype=dtype)
    attrs["dtype"] = out.dtype
    helper.append_op(type="fill_constant", inputs=inputs, outputs={"Out": [out]}, attrs=attrs, stop_gradient=True)
    out.stop_gradient = True
    return out


def _digits(value: float, dtype: Any) -> str:
    """Return a constant in full: the operator's `value` is a float32, which cannot hold every int64 or float64."""
    return str(int(value) if convert_dtype(dtype) in INTEGERS else float(value))


def ones(shape: Any, dtype: Any, force_cpu: bool = False) -> Any:
    """Return a tensor of ones."""
    check_type(shape, "shape", (list, tuple), "ones")
    check_dtype(dtype, "create data type", CREATED, "ones")
    assert prod(shape) > 0, f"ones: shape {shape} has no elements"
    return fill_constant(shape, dtype, 1.0, force_cpu)


def zeros(shape: Any, dtype: Any, force_cpu: bool = False) -> Any:
    """Return a tensor of zeros."""
    check_type(shape, "shape", (list, tuple), "zeros")
    check_dtype(dtype, "create data type", CREATED, "zeros")
    return fill_constant(shape, dtype, 0.0, force_cpu)


def full(
    shape: Any,
    fill_value: Any,
    out: Any = None,
    dtype: Any = None,
    device: str | None = None,
    stop_gradient: bool = True,
    name: str | None = None,
) -> Any:
    """Return a tensor filled with `fill_value`, float32 by default, on `device` ("cpu" or "gpu") where given."""
    dtype = dtype or "float32"
    helper = LayerHelper("full", name=name)
    check_dtype(dtype, "create data type", CREATED, "full")
    check_type(shape, "shape", (Variable, list, tuple), "full")
    if out is None:
        out = helper.create_variable_for_type_inference(dtype=dtype)
    out.stop_gradient = stop_gradient
    with device_guard(device):
        return fill_constant(shape=shape, dtype=dtype, value=fill_value, out=out)


def fill_constant_batch_size_like(
    input: Any,
    shape: Any,
    dtype: Any,
    value: float,
    input_dim_idx: int = 0,
    output_dim_idx: int = 0,
    force_cpu: bool = False,
) -> Any:
    """Return a tensor filled with `value` whose dimension `output_dim_idx` is as large as `input_dim_idx` of input."""
    helper = LayerHelper("fill_constant_batch_size_like")
    out = helper.create_variable_for_type_inference(dtype=dtype)
    attrs = {
        "shape": shape,
        "dtype": out.dtype,
        "value": float(value),
        "str_value": _digits(value, dtype),
        "input_dim_idx": input_dim_idx,
        "output_dim_idx": output_dim_idx,
        "force_cpu": force_cpu,
    }
    helper.append_op(type=helper.layer_type, inputs={"Input": input}, outputs={"Out": [out]}, attrs=attrs)
    out.stop_gradient = True
    return out


def full_like(
    input: Any,
    fill_value: float,
    out: Any = None,
    dtype: Any = None,
    device: str | None = None,
    stop_gradient: bool = True,
    name: str | None = None,
) -> Any:
    """Return a tensor of input's shape, and its dtype unless `dtype` is given, filled with `fill_value`."""
    helper = LayerHelper("full_like", name=name)
    if dtype is None:
        dtype = input.dtype
    else:
        check_dtype(dtype, "dtype", CREATED, "full_like")
        dtype = convert_np_dtype_to_dtype_(dtype)
    if out is None:
        out = helper.create_variable_for_type_inference(dtype=dtype)
    attrs = {"value": fill_value, "dtype": dtype}
    helper.append_op(type="fill_any_like", inputs={"X": [input]}, outputs={"Out": [out]}, attrs=attrs)
    out.stop_gradient = stop_gradient
    return out


_LIKE = ("bool", *NUMBERS)


def zeros_like(x: Any, out: Any = None) -> Any:
    """Return zeros of x's shape and dtype, which stop gradients; in `out` where given."""
    zeros = _zeros_like(x, out)
    zeros.stop_gradient = True
    return zeros


@operator("fill_zeros_like", inputs={"X": "x"}, dtypes={"x": _LIKE, "out": _LIKE}, layer="zeros_like")
def _zeros_like(x, out=None):
    """The operator of zeros_like."""


@operator("fill_any_like", dtypes={"x": _LIKE, "out": _LIKE}, constants={"value": 1.0}, layer="ones_like")
def ones_like(x, out=None):
    """Return ones of x's shape and dtype; in `out` where given."""


def eye(num_rows: int, num_columns: int | None = None, batch_shape: Any = None, dtype: Any = "float32") -> Any:
    """Return the matrix with ones on its diagonal, [*batch_shape, num_rows, num_columns]; square by default."""
    num_columns = num_rows if num_columns is None else num_columns
    for argument, size in (("num_rows", num_rows), ("num_columns", num_columns)):
        if not isinstance(size, int) or size < 0:
            raise TypeError(f"eye: {argument} is an int of 0 or more, not {size!r}")
    helper = LayerHelper("eye")
    out = helper.create_variable_for_type_inference(dtype=dtype)
    helper.append_op(
        type="eye",
        inputs={},
        outputs={"Out": [out]},
        attrs={"num_rows": num_rows, "num_columns": num_columns, "dtype": convert_np_dtype_to_dtype_(dtype)},
        stop_gradient=True,
    )
    out.stop_gradient = True
    if batch_shape is None:
        return out
    from ..nn import stack

    if not isinstance(batch_shape, list):
        raise TypeError(f"eye: batch_shape is a list, not {batch_shape!r}")
    for size in reversed(batch_shape):
        if size <= 0:
            raise TypeError(f"eye: batch_shape has positive sizes, not {batch_shape!r}")
        out = stack([out] * size, axis=0)
    return out


def range(start: Any, end: Any, step: Any, dtype: Any) -> Any:
    """Return start, start + step, ... below end, as a vector; each a number or a Variable of shape (1,)."""
    check_dtype(dtype, "create data type", NUMBERS, "range")
    dtype = convert_dtype(dtype)
    helper = LayerHelper("range")
    limits = {}
    for slot, limit in (("Start", start), ("End", end), ("Step", step)):
        check_type(limit, slot.lower(), (float, int, Variable), "range")
        if not isinstance(limit, Variable):
            limit = fill_constant([1], dtype, limit)
        elif convert_dtype(limit.dtype) != dtype:
            limit = cast(x=limit, dtype=dtype)
        limits[slot] = limit
    return _range(helper, limits)


def arange(start: Any, end: Any, step: Any = 1, dtype: Any = None, name: str | None = None) -> Any:
    """Return start, start + step, ... below end, as a vector, float32 by default."""
    helper = LayerHelper("range", name=name)
    dtype = dtype or "float32"
    check_dtype(dtype, "create data type", NUMBERS, "range")
    dtype = convert_dtype(dtype)
    limits = {
        slot: limit if isinstance(limit, Variable) else fill_constant([1], dtype, limit)
        for slot, limit in (("Start", start), ("End", end), ("Step", step))
    }
    return _range(helper, limits)


def _range(helper: Any, limits: dict[str, Any]) -> Any:
    out = helper.create_variable_for_type_inference(dtype=limits["Start"].dtype)
    helper.append_op(type="range", inputs=limits, outputs={"Out": [out]})
    out.stop_gradient = True
    return out


def linspace(start: Any, stop: Any, num: Any, dtype: Any) -> Any:
    """Return `num` numbers from start to stop, both included, as a vector; each a number or a Variable of shape (1,)."""
    helper = LayerHelper("linspace")
    limits = {}
    for slot, limit, expected in (("Start", start, FLOATS), ("Stop", stop, FLOATS), ("Num", num, ("int32",))):
        check_type(limit, slot.lower(), (Variable, float, int), "linspace")
        if isinstance(limit, Variable):
            check_variable_and_dtype(limit, slot.lower(), expected, "linspace")
        else:
            limit = fill_constant([1], "int32" if slot == "Num" else dtype, limit)
        limits[slot] = limit
    out = helper.create_variable_for_type_inference(dtype=limits["Start"].dtype)
    attrs = {"dtype": out.dtype}  # 1.8 took it from Start; the operator of today is told
    helper.append_op(type="linspace", inputs=limits, outputs={"Out": [out]}, attrs=attrs)
    return out
