"""For each operator that paddle2onnx does not know, or translates otherwise than it computes, others that say the same.

A rule gets the operator's Site and emits operators in its place; it returns False where the operator may stay as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from export.conversion.site import Site

Rule = Callable[[Site], bool | None]


def _renamed(op_type: str, attribute: str) -> Rule:
    """Return a rule for an operator that today goes by another name."""

    def rule(site: Site) -> None:
        site.emit(op_type, site.output(), X=site.input(), **{attribute: site.attr(attribute)})

    return rule


def _increment(site: Site) -> None:
    site.emit("scale", site.output(), X=site.input(), scale=1.0, bias=site.attr("step"))


def _stanh(site: Site) -> None:
    inner = site.emit("tanh", X=site.emit("scale", X=site.input(), scale=site.attr("scale_a")))
    site.emit("scale", site.output(), X=inner, scale=site.attr("scale_b"))


def _soft_relu(site: Site) -> None:
    threshold = site.attr("threshold")
    clipped = site.emit("clip", X=site.input(), min=-threshold, max=threshold)
    site.emit("log", site.output(), X=site.emit("scale", X=site.emit("exp", X=clipped), scale=1.0, bias=1.0))


def _clip_by_norm(site: Site) -> None:
    axes, limit = list(range(len(site.shape(site.input())))), site.attr("max_norm")
    squares = site.emit("reduce_sum", X=site.emit("square", X=site.input()), dim=axes, keep_dim=True)
    norm = site.emit("clip", X=site.emit("sqrt", X=squares), min=limit, max=float(np.finfo(np.float32).max))
    scaled = site.emit("elementwise_div", X=site.input(), Y=norm)
    site.emit("scale", site.output(), X=scaled, scale=limit)


def _addmm(site: Site) -> None:
    product = site.emit("matmul", X=site.input("X"), Y=site.input("Y"), alpha=site.attr("Alpha"))
    scaled = site.emit("scale", X=site.input("Input"), scale=site.attr("Beta"))
    site.emit("elementwise_add", site.output(), X=scaled, Y=product)


def _bilinear_tensor_product(site: Site) -> None:
    """out[n, k] = x[n] W[k] y[n]: all W side by side make one product."""
    outputs, left, right = site.shape(site.input("Weight"))
    sides = site.emit("transpose2", X=site.input("Weight"), axis=[1, 0, 2])
    flat = site.emit("reshape2", X=sides, shape=[left, outputs * right])
    product = site.emit("reshape2", X=site.emit("matmul", X=site.input("X"), Y=flat), shape=[-1, outputs, right])
    weighted = site.emit("elementwise_mul", X=product, Y=site.emit("unsqueeze2", X=site.input("Y"), axes=[1]))
    biased = site.has_input("Bias")
    total = site.emit("reduce_sum", None if biased else site.output(), X=weighted, dim=[2], keep_dim=False)
    if biased:
        site.emit("elementwise_add", site.output(), X=total, Y=site.input("Bias"))


def _gru_unit(site: Site) -> None:
    """One step of a GRU over the products [N, 3D] for update and reset gate and candidate.

    The weights [D, 3D] are those of both gates [D, 2D] and then those of the candidate [D, D], one after the other.
    """
    before, size = site.input("HiddenPrev"), site.shape(site.input("Weight"))[0]
    names = ("assign", "sigmoid", "tanh", "relu")
    flat = site.emit("reshape2", X=site.input("Weight"), shape=[3 * size * size])

    def weights(start: int, columns: int) -> str:
        part = site.emit("slice", Input=flat, axes=[0], starts=[start], ends=[start + size * columns])
        return site.emit("reshape2", X=part, shape=[size, columns])

    def columns(value: str, start: int, end: int) -> str:
        return site.emit("slice", Input=value, axes=[1], starts=[start * size], ends=[end * size])

    x = site.input("Input")
    if site.has_input("Bias"):
        x = site.emit("elementwise_add", X=x, Y=site.input("Bias"))
    gates = site.emit("matmul", X=before, Y=weights(0, 2 * size))
    gates = site.emit(names[site.attr("gate_activation")], X=site.emit("elementwise_add", X=columns(x, 0, 2), Y=gates))
    update, reset = columns(gates, 0, 1), columns(gates, 1, 2)
    kept = site.emit("elementwise_mul", site.output("ResetHiddenPrev"), X=reset, Y=before)
    new = site.emit("matmul", X=kept, Y=weights(2 * size * size, size))
    new = site.emit(names[site.attr("activation")], X=site.emit("elementwise_add", X=columns(x, 2, 3), Y=new))
    site.emit("concat", site.output("Gate"), X=[gates, new], axis=1)
    old, fresh = (new, before) if site.attr("origin_mode") else (before, new)
    # update * fresh + (1 - update) * old, with one product less
    moved = site.emit("elementwise_mul", X=update, Y=site.emit("elementwise_sub", X=fresh, Y=old))
    site.emit("elementwise_add", site.output("Hidden"), X=old, Y=moved)


def _maxout(site: Site) -> None:
    groups, axis = site.attr("groups"), site.attr("axis", 1)
    channels = site.fixed(site.input(), [axis])[0]
    parts = [
        site.emit(
            "strided_slice",
            Input=site.input(),
            axes=[axis],
            starts=[k],
            ends=[channels],
            strides=[groups],
            infer_flags=[1],
        )
        for k in range(groups)
    ]
    largest = parts[0]
    for index, part in enumerate(parts[1:], start=2):
        largest = site.emit("elementwise_max", site.output() if index == groups else None, X=largest, Y=part)


def _lrn(site: Site) -> None:
    """x / (k + alpha * the sum of squares over n neighbouring channels) ** beta."""
    n, channels = site.attr("n"), site.fixed(site.input(), [1])[0]
    before = (n - 1) // 2
    squares = site.emit("square", X=site.input())
    padded = site.emit("pad", X=squares, paddings=[0, 0, before, n - 1 - before, 0, 0, 0, 0], pad_value=0.0)
    near = [site.emit("slice", Input=padded, axes=[1], starts=[k], ends=[k + channels]) for k in range(n)]
    total = site.emit("scale", X=site.emit("sum", X=near), scale=site.attr("alpha"), bias=site.attr("k"))
    site.emit("elementwise_div", site.output(), X=site.input(), Y=site.emit("pow", X=total, factor=site.attr("beta")))


def _crop_tensor(site: Site) -> bool:
    if any(site.has_input(slot) for slot in ("Shape", "Offsets", "ShapeTensor", "OffsetsTensor", "Y")):
        return False
    starts, sizes = list(site.attr("offsets")), site.attr("shape")
    ends = [start + size if size > 0 else np.iinfo(np.int32).max for start, size in zip(starts, sizes, strict=True)]
    site.emit("slice", site.output(), Input=site.input(), axes=list(range(len(starts))), starts=starts, ends=ends)
    return True


def _shuffle_channel(site: Site) -> None:
    groups, (channels, height, width) = site.attr("group"), site.fixed(site.input(), [1, 2, 3])
    split = site.emit("reshape2", X=site.input(), shape=[0, groups, channels // groups, height * width])
    swapped = site.emit("transpose2", X=split, axis=[0, 2, 1, 3])
    site.emit("reshape2", site.output(), X=swapped, shape=[0, channels, height, width])


def _sequence_mask(site: Site) -> bool:
    limit = site.attr("maxlen")
    if site.has_input("MaxLenTensor") or limit <= 0:
        return False
    x = site.emit("cast", X=site.input(), in_dtype=site.dtype(site.input()), out_dtype=_int64())
    positions = site.constant(np.arange(limit))
    inside = site.emit("less_than", X=positions, Y=site.emit("unsqueeze2", X=x, axes=[len(site.shape(x))]))
    site.emit("cast", site.output("Y"), X=inside, in_dtype=site.dtype(inside), out_dtype=site.attr("out_dtype"))
    return True


def _int64() -> Any:
    from paddle.base import core

    return core.VarDesc.VarType.INT64


def _interpolate(site: Site) -> bool | None:
    """Where corners are aligned, fluid's nearest rounds half up; elsewhere the newer operators say the same."""
    kind = site.op.type.removesuffix("_interp")
    aligned_nearest = kind == "nearest" and site.attr("align_corners")
    if kind in ("nearest", "bilinear") and not aligned_nearest:
        return False
    if aligned_nearest:
        return _nearest_aligned(site)
    names = {"linear": ("out_w",), "trilinear": ("out_d", "out_h", "out_w"), "bicubic": ("out_h", "out_w")}[kind]
    if any(site.attr(name) <= 0 for name in names) or site.has_input("OutSize") or site.has_input("SizeTensor"):
        return False
    copied = {name: site.attr(name) for name in (*names, "align_corners", "align_mode", "interp_method", "data_layout")}
    site.emit(f"{site.op.type}_v2", site.output(), X=site.input(), **copied)
    return True


def _nearest_aligned(site: Site) -> bool:
    source, target = site.fixed(site.input(), [2, 3]), site.fixed(site.output(), [2, 3])
    value = site.input()
    for axis, (size, wanted) in enumerate(zip(source, target, strict=True), start=2):
        ratio = np.float32(size - 1) / np.float32(wanted - 1) if wanted > 1 else np.float32(0)
        index = site.constant((ratio * np.arange(wanted, dtype=np.float32) + np.float32(0.5)).astype(np.int64))
        value = site.emit("index_select", site.output() if axis == 3 else None, X=value, Index=index, dim=axis)
    return True


def _adaptive_pool(site: Site) -> bool:
    """Bins of unequal size: reduced one by one, along the height and then along the width."""
    if not site.attr("adaptive") or site.attr("global_pooling"):
        return False
    source, target = site.fixed(site.input(), [2, 3]), site.attr("ksize")
    if all(size % bins == 0 for size, bins in zip(source, target, strict=True)):
        return False
    reduction = {"avg": "reduce_mean", "max": "reduce_max"}[site.attr("pooling_type")]
    value = site.input()
    for axis, size, bins in zip((2, 3), source, target, strict=True):
        parts = []
        for index in range(bins):
            start, end = index * size // bins, -(-(index + 1) * size // bins)
            part = site.emit("slice", Input=value, axes=[axis], starts=[start], ends=[end])
            parts.append(site.emit(reduction, X=part, dim=[axis], keep_dim=True))
        value = site.emit("concat", site.output() if axis == 3 else None, X=parts, axis=axis)
    return True


def _layer_norm(site: Site) -> bool:
    """Over several dimensions: as one, since ONNX's scale and bias do not come flattened."""
    begin, shape = site.attr("begin_norm_axis"), site.shape(site.input())
    if begin == len(shape) - 1:
        return False
    sizes = site.fixed(site.input(), range(begin, len(shape)))
    flat = site.emit("reshape2", X=site.input(), shape=[0] * begin + [int(np.prod(sizes))])
    operands = {slot: site.input(slot) for slot in ("Scale", "Bias") if site.has_input(slot)}
    normal = site.emit("layer_norm", slot="Y", X=flat, **operands, begin_norm_axis=begin, epsilon=site.attr("epsilon"))
    site.emit("reshape2", site.output("Y"), X=normal, shape=[0] * begin + sizes)
    return True


def _conv2d_transpose(site: Site) -> bool:
    """What `output_size` asks for beyond the smallest size is ONNX's output_padding."""
    wanted = site.attr("output_size")
    if not wanted or site.attr("output_padding"):
        return False
    source, kernel = site.fixed(site.input("Input"), [2, 3]), site.shape(site.input("Filter"))[2:]
    strides, dilations, pads = site.attr("strides"), site.attr("dilations"), site.attr("paddings")
    pads = [pads[0], pads[0], pads[1], pads[1]] if len(pads) == 2 else pads
    extra = [
        wanted[i] - ((source[i] - 1) * strides[i] - pads[2 * i] - pads[2 * i + 1] + dilations[i] * (kernel[i] - 1) + 1)
        for i in range(2)
    ]
    copied = ("strides", "dilations", "paddings", "groups", "padding_algorithm", "data_format")
    operands = {slot: site.input(slot) for slot in ("Input", "Filter")}
    attrs = {name: site.attr(name) for name in copied}
    site.emit("conv2d_transpose", site.output("Output"), "Output", **operands, **attrs, output_padding=extra)
    return True


def _fill_constant(site: Site) -> bool:
    """paddle2onnx joins the sizes of a shape, which Paddle 2 may have as numbers without a dimension."""
    if not site.has_input("ShapeTensorList"):
        return False
    sizes = [site.emit("reshape2", X=size, shape=[1]) for size in site.op.input("ShapeTensorList")]
    attrs = {name: site.attr(name) for name in site.op.attr_names if not name.startswith("op_")}
    site.emit("fill_constant", site.output(), ShapeTensorList=sizes, **attrs)
    return True


def _channels_last(slot: str, result: str, layout: str) -> Rule:
    """Return a rule that moves the channels of NHWC data to the front for an operator, and back behind it."""

    def rule(site: Site) -> bool:
        if site.attr(layout, "NCHW") != "NHWC":
            return False
        operands = {name: site.op.input(name) for name in site.op.input_names if site.op.input(name)}
        operands[slot] = site.emit("transpose2", X=site.input(slot), axis=[0, 3, 1, 2])
        attrs = {name: site.attr(name) for name in site.op.attr_names if not name.startswith("op_")}
        inner = site.emit(site.op.type, slot=result, **operands, **{**attrs, layout: "NCHW"})
        site.emit("transpose2", site.output(result), X=inner, axis=[0, 2, 3, 1])
        return True

    return rule


def _first_of(*rules: Rule) -> Rule:
    """Return a rule that applies the first of `rules` that has something to do."""
    return lambda site: any(rule(site) is not False for rule in rules)


RULES: dict[str, Rule] = {
    "addmm": _addmm,
    "batch_norm": _channels_last("X", "Y", "data_layout"),
    "bicubic_interp": _interpolate,
    "bilinear_tensor_product": _bilinear_tensor_product,
    "clip_by_norm": _clip_by_norm,
    "conv2d": _channels_last("Input", "Output", "data_format"),
    "conv2d_transpose": _first_of(_channels_last("Input", "Output", "data_format"), _conv2d_transpose),
    "crop": _crop_tensor,
    "crop_tensor": _crop_tensor,
    "depthwise_conv2d": _channels_last("Input", "Output", "data_format"),
    "fill_constant": _fill_constant,
    "gru_unit": _gru_unit,
    "increment": _increment,
    "layer_norm": _layer_norm,
    "linear_interp": _interpolate,
    "lrn": _lrn,
    "maxout": _maxout,
    "nearest_interp": _interpolate,
    "pool2d": _first_of(_channels_last("X", "Out", "data_format"), _adaptive_pool),
    "reshape": _renamed("reshape2", "shape"),
    "reverse": _renamed("flip", "axis"),
    "sequence_mask": _sequence_mask,
    "shuffle_channel": _shuffle_channel,
    "soft_relu": _soft_relu,
    "stanh": _stanh,
    "transpose": _renamed("transpose2", "axis"),
    "trilinear_interp": _interpolate,
}
