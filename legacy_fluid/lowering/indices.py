"""Elements by their place: chosen, replaced, turned round, and the borders of images."""

from __future__ import annotations

from collections.abc import Callable

from .site import Site


def _gather_grad(site: Site) -> None:
    """Of a row that was gathered twice, 1.8 took the last gradient, unless overwrite was False; today's kernel adds."""
    if not (site.op.has_attr("overwrite") and site.op.attr("overwrite")):
        return
    index, flow, out = site.input("Index"), site.input("Out@GRAD"), site.output("X@GRAD")
    zeros = site.emit("fill_zeros_like", {"X": site.input("X")})
    site.replace("scatter", {"X": zeros, "Ids": index, "Updates": flow}, {"Out": out}, overwrite=True)


def _scatter_grad(site: Site) -> None:
    """1.8 let the whole gradient pass to X, the rows that were replaced included."""
    if out := site.output("X@GRAD"):
        site.set_output("X@GRAD", site.temporary_like(out))
        site.insert_after("assign", {"X": [site.input("Out@GRAD")]}, {"Out": [out]}, {})


def _strided_slice(site: Site) -> None:
    """Backwards, 1.8 took every stride-th element counted from the lower end, and put what it took in reverse."""
    op = site.op
    strides = op.attr("strides")
    if all(stride > 0 for stride in strides) or any(op.input(slot) for slot in op.input_names() if slot != "Input"):
        return
    starts, ends, axes = op.attr("starts"), op.attr("ends"), op.attr("axes")
    backwards = [axis for axis, stride in zip(axes, strides, strict=True) if stride < 0]
    for index, stride in enumerate(strides):
        if stride < 0:
            start, end = starts[index], ends[index]
            starts[index], ends[index] = end + 1, (_END if start == -1 else start + 1)
    for name, values in (("starts", starts), ("ends", ends), ("strides", [abs(stride) for stride in strides])):
        op._set_attr(name, values)
    gone = op.attr("decrease_axis") if op.has_attr("decrease_axis") else []
    dims = [axis - sum(dim < axis for dim in gone) for axis in backwards]
    out = site.output("Out")
    ahead = site.temporary_like(out)
    site.set_output("Out", ahead)
    site.insert_after("reverse", {"X": [ahead]}, {"Out": [out]}, {"axis": dims})


_END = 10000000  # beyond every dimension


# --- images with a border: the kernel is gone, and pad3d does the same for one dimension more ---

# What 1.8 calls a way of padding -> what pad3d calls it.
PAD_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}


def _pad2d(site: Site) -> None:
    depth = _pad_with_depth(site)
    out = site.output("Out")
    site.set_input("X", site.emit("unsqueeze2", {"X": site.input("X")}, hidden="XShape", axes=depth))
    deep = site.temporary_like(out)
    site.set_output("Out", deep)
    site.become("pad3d")
    site.emit_after("squeeze2", {"X": deep}, out, hidden="XShape", axes=depth)


def _pad2d_grad(site: Site) -> None:
    depth = _pad_with_depth(site)
    for slot in ("X", "Out@GRAD"):
        site.set_input(slot, site.emit("unsqueeze2", {"X": site.input(slot)}, hidden="XShape", axes=depth))
    out = site.output("X@GRAD")
    deep = site.temporary_like(out)
    site.set_output("X@GRAD", deep)
    site.become("pad3d_grad")
    site.emit_after("squeeze2", {"X": deep}, out, hidden="XShape", axes=depth)


def _pad_with_depth(site: Site) -> list[int]:
    """Turn pad2d's attributes into pad3d's; return where the depth goes."""
    op = site.op
    is_channels_first = op.attr("data_format") == "NCHW"
    op._set_attr("mode", PAD_MODES[op.attr("mode")])
    op._set_attr("value", op.attr("pad_value"))
    op._set_attr("data_format", "NCDHW" if is_channels_first else "NDHWC")
    if paddings := site.input("Paddings"):
        rows, columns = (
            site.emit("slice", {"Input": paddings}, axes=[0], starts=[start], ends=[start + 2]) for start in (0, 2)
        )
        none = site.emit("fill_any_like", {"X": rows}, value=0.0)
        site.set_input("Paddings", site.emit("concat", {"X": [columns, rows, none]}, axis=0))
    else:
        top, bottom, left, right = op.attr("paddings")
        op._set_attr("paddings", [left, right, top, bottom, 0, 0])
    return [2] if is_channels_first else [1]


# --- attributes under another name ---


def _renamed(**names: str) -> Callable[[Site], None]:
    """Return a rule that gives attributes the names of today, where a program has them under those of 1.8."""

    def rule(site: Site) -> None:
        for old, new in names.items():
            if site.op.has_attr(old) and not (site.op.has_attr(new) and site.op.attr(old) == site.op.attr(new)):
                site.op._set_attr(new, site.op.attr(old))
                site.changed = True

    return rule


RULES: dict[str, Callable[[Site], None]] = {
    "flip": _renamed(dims="axis"),
    "gather_grad": _gather_grad,
    "pad2d": _pad2d,
    "pad2d_grad": _pad2d_grad,
    "roll": _renamed(dims="axis"),
    "roll_grad": _renamed(dims="axis"),
    "scatter_grad": _scatter_grad,
    "strided_slice": _strided_slice,
    "trace": _renamed(dim1="axis1", dim2="axis2"),
    "trace_grad": _renamed(dim1="axis1", dim2="axis2"),
}
