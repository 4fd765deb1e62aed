"""Operators whose gradients have gradients: what `grad(create_graph=True)` goes through.

The gradients of the older entrance, by which operators of 1.8 are run as they come, have none. Where the core has the
same operator by its newer entrance, and an operator's arguments mean the same there, that one is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from paddle import _C_ops
from paddle.base import core

Inputs = Mapping[str, Any]
Run = Callable[[Inputs, Mapping[str, Any]], Any]


def run(op_type: str, inputs: Mapping[str, Any], attrs: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Run an operator by the newer entrance; return its output's slot and value, None where it cannot be had so."""
    known = OPERATORS.get(op_type)
    given = {slot: value for slot, value in inputs.items() if isinstance(value, core.eager.Tensor) or value}
    if known is None or not given.keys() <= known[0]:
        return None
    value = known[2](given, attrs)
    return None if value is None else (known[1], value)


def _one(inputs: Inputs, slot: str) -> Any:
    value = inputs.get(slot)
    return value[0] if isinstance(value, list | tuple) else value


def _unary(function: Callable[..., Any], *names: str) -> Run:
    """An operator on one Variable, which takes the attributes called `names` too."""
    return lambda inputs, attrs: function(_one(inputs, "X"), *(attrs[name] for name in names))


def _divide(inputs: Inputs, attrs: Mapping[str, Any]) -> Any:
    if any(_one(inputs, slot).stop_gradient for slot in ("X", "Y")):
        return None  # the core crashes at the second gradient of a quotient of which a part is constant
    return _elementwise(_C_ops.divide)(inputs, attrs)


def _elementwise(function: Callable[[Any, Any], Any]) -> Run:
    def call(inputs: Inputs, attrs: Mapping[str, Any]) -> Any:
        x, y = _one(inputs, "X"), _one(inputs, "Y")
        before, axis = len(x.shape) - len(y.shape), attrs.get("axis", -1)
        if before < 0 or x.dtype != y.dtype:
            return None
        if axis not in (-1, before):  # y fits x from dimension `axis` on, not at the end
            y = _C_ops.reshape(y, y.shape + [1] * (before - axis))
        return function(x, y)

    return call


def _reduction(function: Callable[[Any, list[int], bool], Any]) -> Run:
    def call(inputs: Inputs, attrs: Mapping[str, Any]) -> Any:
        x, dims = _one(inputs, "X"), attrs.get("dim", [0])
        if x.dtype not in _FLOATS:
            return None
        is_whole = attrs.get("reduce_all", False)
        return function(x, [] if is_whole else dims if isinstance(dims, list) else [dims], attrs.get("keep_dim", False))

    return call


_FLOATS = (core.VarDesc.VarType.FP32, core.VarDesc.VarType.FP64)


def _mul(inputs: Inputs, attrs: Mapping[str, Any]) -> Any:
    x, y = _one(inputs, "X"), _one(inputs, "Y")
    rows, inner = attrs.get("x_num_col_dims", 1), attrs.get("y_num_col_dims", 1)
    shape = x.shape[:rows] + y.shape[inner:]
    product = _C_ops.matmul(_as_matrix(x, rows), _as_matrix(y, inner), False, False)
    return product if product.shape == shape else _C_ops.reshape(product, shape)


def _as_matrix(x: Any, rows: int) -> Any:
    return x if len(x.shape) == 2 else _C_ops.reshape(x, [math.prod(x.shape[:rows]), math.prod(x.shape[rows:])])


def _matmul(inputs: Inputs, attrs: Mapping[str, Any]) -> Any:
    x, y = _one(inputs, "X"), _one(inputs, "Y")
    if min(len(x.shape), len(y.shape)) < 2:
        return None  # of vectors 1.8 made other shapes
    product = _C_ops.matmul(x, y, attrs.get("transpose_X", False), attrs.get("transpose_Y", False))
    alpha = attrs.get("alpha", 1.0)
    return product if alpha == 1.0 else _C_ops.scale(product, alpha, 0.0, True)


def _scale(inputs: Inputs, attrs: Mapping[str, Any]) -> Any:
    scale, bias = attrs.get("scale", 1.0), attrs.get("bias", 0.0)
    return _C_ops.scale(_one(inputs, "X"), scale, float(bias), attrs.get("bias_after_scale", True))


def _leaky_relu(inputs: Inputs, attrs: Mapping[str, Any]) -> Any:
    return _C_ops.leaky_relu(_one(inputs, "X"), attrs["alpha"]) if attrs["alpha"] >= 0 else None


def _slice(inputs: Inputs, attrs: Mapping[str, Any]) -> Any:
    axes = attrs["axes"]
    flags = attrs.get("infer_flags") or [1] * len(axes)
    return _C_ops.slice(
        _one(inputs, "Input"), axes, attrs["starts"], attrs["ends"], flags, attrs.get("decrease_axis") or []
    )


def _split(inputs: Inputs, attrs: Mapping[str, Any]) -> Any:
    x, axis, sections = _one(inputs, "X"), attrs.get("axis", 0), attrs.get("sections")
    return _C_ops.split(x, sections, axis) if sections else _C_ops.split_with_num(x, attrs["num"], axis)


def _conv2d(function: Callable[..., Any]) -> Run:
    def call(inputs: Inputs, attrs: Mapping[str, Any]) -> Any:
        names = ("strides", "paddings", "padding_algorithm", "dilations", "groups", "data_format")
        given = {"padding_algorithm": "EXPLICIT", "data_format": "NCHW", **attrs}
        if given["data_format"] not in ("NCHW", "NHWC"):
            given["data_format"] = "NCHW"
        return function(_one(inputs, "Input"), _one(inputs, "Filter"), *(given[name] for name in names))

    return call


def _instance_norm(inputs: Inputs, attrs: Mapping[str, Any]) -> Any:
    return _C_ops.instance_norm(*(_one(inputs, slot) for slot in ("X", "Scale", "Bias")), attrs.get("epsilon", 1e-5))


_X, _XY = frozenset({"X"}), frozenset({"X", "Y"})

OPERATORS: dict[str, tuple[frozenset[str], str, Run]] = {
    **{
        name: (_X, "Out", _unary(getattr(_C_ops, name)))
        for name in ("abs", "exp", "log", "relu", "sigmoid", "sqrt", "square", "tanh")
    },
    "cast": (_X, "Out", lambda inputs, attrs: _C_ops.cast(_one(inputs, "X"), attrs["out_dtype"])),
    "clip": (_X, "Out", _unary(_C_ops.clip, "min", "max")),
    "concat": (_X, "Out", lambda inputs, attrs: _C_ops.concat(inputs["X"], attrs.get("axis", 0))),
    "conv2d": (frozenset({"Input", "Filter"}), "Output", _conv2d(_C_ops.conv2d)),
    "depthwise_conv2d": (frozenset({"Input", "Filter"}), "Output", _conv2d(_C_ops.depthwise_conv2d)),
    "elementwise_add": (_XY, "Out", _elementwise(_C_ops.add)),
    "elementwise_div": (_XY, "Out", _divide),
    "elementwise_mul": (_XY, "Out", _elementwise(_C_ops.multiply)),
    "elementwise_sub": (_XY, "Out", _elementwise(_C_ops.subtract)),
    "expand": (_X, "Out", _unary(_C_ops.tile, "expand_times")),
    "instance_norm": (frozenset({"X", "Scale", "Bias"}), "Y", _instance_norm),
    "leaky_relu": (_X, "Out", _leaky_relu),
    "matmul": (_XY, "Out", _matmul),
    "mean": (_X, "Out", lambda inputs, _: _C_ops.mean(_one(inputs, "X"), [], False)),
    "mul": (_XY, "Out", _mul),
    "pow": (_X, "Out", _unary(_C_ops.pow, "factor")),
    "reduce_mean": (_X, "Out", _reduction(_C_ops.mean)),
    "reduce_sum": (_X, "Out", _reduction(lambda x, dims, keeps: _C_ops.sum(x, dims, None, keeps))),
    "reshape2": (_X, "Out", _unary(_C_ops.reshape, "shape")),
    "scale": (_X, "Out", _scale),
    "slice": (frozenset({"Input"}), "Out", _slice),
    "split": (_X, "Out", _split),
    "squeeze2": (_X, "Out", _unary(_C_ops.squeeze, "axes")),
    "stack": (_X, "Y", lambda inputs, attrs: _C_ops.stack(inputs["X"], attrs.get("axis", 0))),
    "sum": (_X, "Out", lambda inputs, attrs: _C_ops.add_n(inputs["X"])),
    "transpose2": (_X, "Out", _unary(_C_ops.transpose, "axis")),
    "unsqueeze2": (_X, "Out", _unary(_C_ops.unsqueeze, "axes")),
}
"""Operator -> the slots of its inputs that the newer entrance takes, the slot of its output, and how it is run."""
