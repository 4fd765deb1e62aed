"""Averages over windows that lie partly outside.

1.8 divided the sum of such a window by its whole size, padding and all that is beyond it included; the core of 2.6 by
the part within the padding, which it takes for equal on both sides. Here the images get their margins first, so that no
window lies outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .site import Site


def _average(site: Site) -> None:
    if _leaves_windows_outside(site):
        margins = _margins(site)
        site.set_input("X", site.emit("pad", {"X": site.input("X")}, paddings=margins, pad_value=0.0))
        _take_windows_inside(site)


def _average_grad(site: Site) -> None:
    if _leaves_windows_outside(site):
        margins, gradient = _margins(site), site.output("X@GRAD")
        wide = site.temporary_like(gradient)
        site.set_input("X", site.emit("pad", {"X": site.input("X")}, paddings=margins, pad_value=0.0))
        site.set_output("X@GRAD", wide)
        attrs = {"paddings": margins, "pad_value": 0.0}
        site.insert_after("pad_grad", {"Out@GRAD": [wide]}, {"X@GRAD": [gradient]}, attrs)
        _take_windows_inside(site)


def _leaves_windows_outside(site: Site) -> bool:
    whole = site.attr("exclusive", True) or site.attr("global_pooling", False) or site.attr("adaptive", False)
    if site.op.attr("pooling_type") != "avg" or whole or site.attr("padding_algorithm", "EXPLICIT") == "VALID":
        return False
    return site.attr("ceil_mode", False) or any(before != after for before, after in _paddings(site))


def _margins(site: Site) -> list[int]:
    """Return the sizes before and after each dimension; a stride less one at the end is what rounding up can need."""
    inner = []
    for (before, after), stride in zip(_paddings(site), site.op.attr("strides"), strict=True):
        inner += [before, after + (stride - 1 if site.attr("ceil_mode", False) else 0)]
    channels_last = site.attr("data_format", "NCHW").endswith("C")
    return [0, 0, *inner, 0, 0] if channels_last else [0, 0, 0, 0, *inner]


def _paddings(site: Site) -> list[tuple[int, int]]:
    """Return the sizes before and after each dimension; nothing where they follow from a size that is not known."""
    sizes, rank = site.op.attr("paddings"), len(site.op.attr("strides"))
    if site.attr("padding_algorithm", "EXPLICIT") == "SAME":
        return _paddings_to_same_size(site)
    return (
        list(zip(sizes, sizes, strict=True)) if len(sizes) == rank else list(zip(sizes[::2], sizes[1::2], strict=True))
    )


def _paddings_to_same_size(site: Site) -> list[tuple[int, int]]:
    channels_last = site.attr("data_format", "NCHW").endswith("C")
    shape = site.declared(site.input("X")).shape()
    sizes = shape[1:-1] if channels_last else shape[2:]
    if min(sizes) < 0:
        return []
    steps = zip(sizes, site.op.attr("strides"), site.op.attr("ksize"), strict=True)
    totals = [max((math.ceil(size / stride) - 1) * stride + window - size, 0) for size, stride, window in steps]
    return [(total // 2, total - total // 2) for total in totals]


def _take_windows_inside(site: Site) -> None:
    site.op._set_attr("padding_algorithm", "EXPLICIT")
    site.op._set_attr("paddings", [0] * len(site.op.attr("strides")))
    site.op._set_bool_attr("ceil_mode", False)


RULES: dict[str, Callable[[Site], None]] = {
    "pool2d": _average,
    "pool2d_grad": _average_grad,
    "pool3d": _average,
    "pool3d_grad": _average_grad,
}
