"""Operators whose kernels of today do less than those of 1.8, or something else: rules that make up for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle.base import core

from .site import Site

_TYPES = core.VarDesc.VarType


# --- attributes that kernels no longer read, or read under another name ---


def _relu6(site: Site) -> None:
    """The kernel stops at 6, whatever the threshold; brelu does not. Its gradient can be told from the output, too."""
    if site.op.attr("threshold") == 6.0:
        return
    if site.op.type() == "relu6_grad":
        out = site.input("Out")
        site.op.remove_input("Out")
        site.set_input("X", out)
    site.become(site.op.type().replace("relu6", "brelu"))
    site.op._set_attr("t_min", 0.0)
    site.op._set_attr("t_max", site.op.attr("threshold"))


def _hard_swish(site: Site) -> None:
    """The kernel reads no attributes: x * (gate of x + offset) / scale, in so many operators."""
    threshold, scale, offset = _of_hard_swish(site)
    if (threshold, scale, offset) == (6.0, 6.0, 3.0):
        return
    x = site.input("X")
    gate = _emit(site, "brelu", {"X": _emit(site, "scale", {"X": x}, bias=offset)}, t_min=0.0, t_max=threshold)
    site.become("elementwise_mul")
    site.set_input("Y", _emit(site, "scale", {"X": gate}, scale=1.0 / scale))


def _hard_swish_grad(site: Site) -> None:
    """1.8 took the slope above the threshold for 1, whatever the scale."""
    threshold, scale, offset = _of_hard_swish(site)
    if (threshold, scale, offset) == (6.0, 6.0, 3.0):
        return
    x, flow = site.input("X"), site.input("Out@GRAD")
    shifted = _emit(site, "scale", {"X": x}, bias=offset)
    ones = _emit(site, "fill_any_like", {"X": x}, value=1.0)
    limit = _emit(site, "fill_any_like", {"X": x}, value=threshold)
    within = _emit(site, "brelu_grad", {"X": shifted, "Out@GRAD": ones}, "X@GRAD", t_min=0.0, t_max=threshold)
    slope = _emit(site, "scale", {"X": x}, scale=2.0 / scale, bias=offset / scale)
    beyond = _emit(site, "greater_equal", {"X": shifted, "Y": limit})
    beyond = _emit(site, "cast", {"X": beyond}, in_dtype=int(_TYPES.BOOL), out_dtype=int(_declared(site, x).dtype()))
    slope = _emit(site, "elementwise_mul", {"X": within, "Y": slope})
    factor = _emit(site, "elementwise_add", {"X": slope, "Y": beyond})
    _replace(site, "elementwise_mul", {"X": flow, "Y": factor}, {"Out": site.output("X@GRAD")})


def _of_hard_swish(site: Site) -> tuple[float, float, float]:
    return tuple(round(site.op.attr(name), 6) for name in ("threshold", "scale", "offset"))


def _renamed(**names: str) -> Callable[[Site], None]:
    """Return a rule that gives attributes the names of today, where a program has them under those of 1.8."""

    def rule(site: Site) -> None:
        for old, new in names.items():
            if site.op.has_attr(old) and site.op.attr(old) != site.op.attr(new):
                site.op._set_attr(new, site.op.attr(old))
                site.changed = True

    return rule


# --- arithmetic ---


def _leaky_relu(site: Site) -> None:
    """In 1.8 the result is the larger of x and alpha * x, also where alpha is more than 1."""
    if site.op.attr("alpha") > 1.0:
        x = site.input("X")
        site.set_input("Y", _emit(site, "scale", {"X": x}, scale=site.op.attr("alpha")))
        site.become("elementwise_max")


def _truncated_division(site: Site) -> None:
    """1.8 divided integers as C does, towards zero; so does today's elementwise_div, and floordiv rounds down."""
    if _is_integer(site):
        site.become("elementwise_div")


def _truncated_remainder(site: Site) -> None:
    """In 1.8 the remainder of integers has the sign of the dividend."""
    if not _is_integer(site):
        return
    x, y, axis = site.input("X"), site.input("Y"), site.op.attr("axis")
    quotient = _emit(site, "elementwise_div", {"X": x, "Y": y}, axis=axis)
    site.set_input("Y", _emit(site, "elementwise_mul", {"X": quotient, "Y": y}, axis=axis))
    site.become("elementwise_sub")
    site.op._set_attr("axis", -1)


def _is_integer(site: Site) -> bool:
    return _declared(site, site.input("X")).dtype() in (_TYPES.INT32, _TYPES.INT64)


def _gradient_along_axis(site: Site) -> None:
    """These kernels broadcast from the last dimension alone: let Y have all dimensions that follow `axis`."""
    y, axis = site.input("Y"), site.op.attr("axis")
    rank, rank_of_y = (len(_declared(site, name).shape()) for name in (site.input("X"), y))
    missing = rank - axis - rank_of_y
    if axis == -1 or missing <= 0:
        return
    dims = list(range(rank_of_y, rank_of_y + missing))
    site.set_input("Y", _emit(site, "unsqueeze2", {"X": y}, hidden="XShape", axes=dims))
    site.op._set_attr("axis", -1)
    if gradient := site.output("Y@GRAD"):
        wide = _temporary(site, y)
        site.set_output("Y@GRAD", wide)
        _emit_after(site, "squeeze2", {"X": wide}, gradient, hidden="XShape", axes=dims)


def _cumsum(site: Site) -> None:
    """An exclusive sum is wrong today where it is written over its input, or has one element: sum with a 0 before."""
    if site.op.attr("exclusive"):
        _sum_of_others(site, "X", "Out", site.op.attr("reverse"))


def _cumsum_grad(site: Site) -> None:
    if site.op.attr("exclusive"):
        _sum_of_others(site, "Out@GRAD", "X@GRAD", not site.op.attr("reverse"))


def _sum_of_others(site: Site, source: str, target: str, reverse: bool) -> None:
    x, out, axis = site.input(source), site.output(target), site.op.attr("axis")
    rank = len(_declared(site, x).shape())
    axis = axis % rank
    borders = [0] * (2 * rank)
    borders[2 * axis + int(reverse)] = 1
    padded = _emit(site, "pad", {"X": x}, paddings=borders, pad_value=0.0)
    longer = _temporary(site, out)
    _replace(site, "cumsum", {"X": padded}, {"Out": longer}, axis=axis, reverse=reverse, exclusive=False)
    start, end = (1, _END) if reverse else (0, -1)
    site.insert_after("slice", {"Input": [longer]}, {"Out": [out]}, {"axes": [axis], "starts": [start], "ends": [end]})


_END = 10000000  # beyond every dimension


# --- indices ---


def _gather_grad(site: Site) -> None:
    """Of a row that was gathered twice, 1.8 took the last gradient, unless overwrite was False; today's kernel adds."""
    if not (site.op.has_attr("overwrite") and site.op.attr("overwrite")):
        return
    index, flow, out = site.input("Index"), site.input("Out@GRAD"), site.output("X@GRAD")
    zeros = _emit(site, "fill_zeros_like", {"X": site.input("X")})
    _replace(site, "scatter", {"X": zeros, "Ids": index, "Updates": flow}, {"Out": out}, overwrite=True)


def _scatter_grad(site: Site) -> None:
    """1.8 let the whole gradient pass to X, the rows that were replaced included."""
    if out := site.output("X@GRAD"):
        site.set_output("X@GRAD", _temporary(site, out))
        site.insert_after("assign", {"X": [site.input("Out@GRAD")]}, {"Out": [out]}, {})


# --- images with a border: the kernel is gone, and pad3d does the same for one dimension more ---

# What 1.8 calls a way of padding -> what pad3d calls it.
PAD_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}


def _pad2d(site: Site) -> None:
    depth = _pad_with_depth(site)
    out = site.output("Out")
    site.set_input("X", _emit(site, "unsqueeze2", {"X": site.input("X")}, hidden="XShape", axes=depth))
    deep = _temporary(site, out)
    site.set_output("Out", deep)
    site.become("pad3d")
    _emit_after(site, "squeeze2", {"X": deep}, out, hidden="XShape", axes=depth)


def _pad2d_grad(site: Site) -> None:
    depth = _pad_with_depth(site)
    for slot in ("X", "Out@GRAD"):
        site.set_input(slot, _emit(site, "unsqueeze2", {"X": site.input(slot)}, hidden="XShape", axes=depth))
    out = site.output("X@GRAD")
    deep = _temporary(site, out)
    site.set_output("X@GRAD", deep)
    site.become("pad3d_grad")
    _emit_after(site, "squeeze2", {"X": deep}, out, hidden="XShape", axes=depth)


def _pad_with_depth(site: Site) -> list[int]:
    """Turn pad2d's attributes into pad3d's; return where the depth goes."""
    op = site.op
    is_channels_first = op.attr("data_format") == "NCHW"
    op._set_attr("mode", PAD_MODES[op.attr("mode")])
    op._set_attr("value", op.attr("pad_value"))
    op._set_attr("data_format", "NCDHW" if is_channels_first else "NDHWC")
    if paddings := site.input("Paddings"):
        rows, columns = (
            _emit(site, "slice", {"Input": paddings}, axes=[0], starts=[start], ends=[start + 2]) for start in (0, 2)
        )
        none = _emit(site, "fill_any_like", {"X": rows}, value=0.0)
        site.set_input("Paddings", _emit(site, "concat", {"X": [columns, rows, none]}, axis=0))
    else:
        top, bottom, left, right = op.attr("paddings")
        op._set_attr("paddings", [left, right, top, bottom, 0, 0])
    return [2] if is_channels_first else [1]


# --- sparse gradients ---


def clip_rows(site: Site) -> None:
    """The kernel for sparse gradients is gone: the gradient is made dense first, which is the same to an optimizer."""
    x, out = site.input("X"), site.output("Out")
    sparse = _declared(site, x)
    if sparse.type() != _TYPES.SELECTED_ROWS:
        return
    dense = _declared(site, out)
    dense.set_type(_TYPES.LOD_TENSOR)
    zeros = _temporary(site, out)
    attrs = {"shape": sparse.shape(), "value": 0.0, "dtype": int(sparse.dtype())}
    site.insert_before("fill_constant", {}, {"Out": [zeros]}, attrs)
    site.set_input("X", _emit(site, "sum", {"X": [zeros, x]}))


def _rows_of_dense(site: Site) -> None:
    """What `clip_rows` made dense has no rows to tell apart."""
    if _declared(site, site.input("X")).type() != _TYPES.SELECTED_ROWS:
        site.become("assign")


# --- sequence lengths: what passes them on, and what does not ---


def _reduction(site: Site) -> None:
    """In 1.8 the rows that remain are still those of the sequences."""
    rank = len(_declared(site, site.input("X")).shape())
    keeps_rows = not site.op.attr("reduce_all") and all(dim % rank for dim in site.op.attr("dim"))
    if _has_lengths(site) and keeps_rows:
        out, x = site.output("Out"), site.input("X")
        whole = _temporary(site, out)
        site.set_output("Out", whole)
        site.insert_after("lod_reset", {"X": [whole], "Y": [x]}, {"Out": [out]}, {})


def _without_lengths(site: Site) -> None:
    """In 1.8 rows that were chosen or cut anew belong to no sequence."""
    if not _has_lengths(site):
        return
    out = site.output("Out")
    dims = list(range(len(_declared(site, out).shape())))
    raw = _temporary(site, out)
    site.set_output("Out", raw)
    # A transposition forgets the lengths, and this one does nothing else.
    _emit_after(site, "transpose2", {"X": raw}, out, hidden="XShape", axis=dims)


def _reshape2(site: Site) -> None:
    """In 1.8 only as many rows as before are still those of the sequences."""
    row, new_row = (_size_of_row(_declared(site, name).shape()) for name in (site.input("X"), site.output("Out")))
    if row > 0 and new_row > 0 and row != new_row:
        _without_lengths(site)


def _size_of_row(shape: list[int]) -> int:
    size = 1
    for length in shape[1:]:
        size = size * length if length > 0 else 0
    return size


def _has_lengths(site: Site) -> bool:
    x = _declared(site, site.input("X"))
    return x.type() == _TYPES.LOD_TENSOR and x.lod_level() > 0


# --- what the rules are made of ---


def _declared(site: Site, name: str | None) -> Any:
    """Return the core.VarDesc of a variable."""
    return site.block.find_var_recursive(name.encode())


def _temporary(site: Site, like: str) -> str:
    return site.temporary(f"{like}@LOWERED_{site.block.op_size()}", like=like)


def _emit(
    site: Site, op_type: str, inputs: dict[str, Any], slot: str = "Out", hidden: str | None = None, **attrs: Any
) -> str:
    """Put an operator before the site; return the name of its output."""
    first = next(iter(inputs.values()))
    out = _temporary(site, first[0] if isinstance(first, list) else first)
    site.insert_before(op_type, _listed(inputs), {slot: [out], **_unused(hidden, out, site)}, attrs)
    return out


def _emit_after(site: Site, op_type: str, inputs: dict[str, str], out: str, hidden: str, **attrs: Any) -> None:
    """Put an operator behind the site, whose output is `out`."""
    site.insert_after(op_type, _listed(inputs), {"Out": [out], **_unused(hidden, out, site)}, attrs)


def _replace(site: Site, op_type: str, inputs: dict[str, str], outputs: dict[str, str], **attrs: Any) -> None:
    """Make the site another operator, with other inputs and outputs."""
    for slot in site.op.input_names():
        site.op.remove_input(slot)
    for slot in site.op.output_names():
        site.op.remove_output(slot)
    site.become(op_type)
    for slot, name in inputs.items():
        site.set_input(slot, name)
    for slot, name in outputs.items():
        site.set_output(slot, name)
    for name, value in attrs.items():
        site.op._set_attr(name, value)


def _listed(slots: dict[str, Any]) -> dict[str, list[str]]:
    return {slot: names if isinstance(names, list) else [names] for slot, names in slots.items()}


def _unused(slot: str | None, like: str, site: Site) -> dict[str, list[str]]:
    return {slot: [site.temporary(f"{like}@UNUSED_{site.block.op_size()}", like=like)]} if slot else {}


KERNEL_RULES: dict[str, Callable[[Site], None]] = {
    "crop_tensor": _without_lengths,
    "cumsum": _cumsum,
    "cumsum_grad": _cumsum_grad,
    "elementwise_floordiv": _truncated_division,
    "elementwise_max_grad": _gradient_along_axis,
    "elementwise_min_grad": _gradient_along_axis,
    "elementwise_mod": _truncated_remainder,
    "elementwise_pow_grad": _gradient_along_axis,
    "flip": _renamed(dims="axis"),
    "gather": _without_lengths,
    "gather_grad": _gather_grad,
    "get_tensor_from_selected_rows": _rows_of_dense,
    "hard_swish": _hard_swish,
    "hard_swish_grad": _hard_swish_grad,
    "leaky_relu": _leaky_relu,
    "pad2d": _pad2d,
    "pad2d_grad": _pad2d_grad,
    "reduce_max": _reduction,
    "reduce_mean": _reduction,
    "reduce_min": _reduction,
    "reduce_prod": _reduction,
    "reduce_sum": _reduction,
    "relu6": _relu6,
    "relu6_grad": _relu6,
    "reshape2": _reshape2,
    "reverse": _without_lengths,
    "roll": _renamed(dims="axis"),
    "roll_grad": _renamed(dims="axis"),
    "scatter_grad": _scatter_grad,
    "trace": _renamed(dim1="axis1", dim2="axis2"),
    "trace_grad": _renamed(dim1="axis1", dim2="axis2"),
}
