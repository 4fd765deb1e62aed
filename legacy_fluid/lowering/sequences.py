"""Sequence lengths: which operators pass them on, and which do not."""

from __future__ import annotations

from collections.abc import Callable

from paddle.base import core

from .site import Site

_TYPES = core.VarDesc.VarType


def _reduction(site: Site) -> None:
    """In 1.8 the rows that remain are still those of the sequences, and sums of int32 are int32."""
    if site.op.type() == "reduce_sum" and site.declared(site.input("X")).dtype() == _TYPES.INT32:
        site.op._set_attr("out_dtype", int(_TYPES.INT32))
        site.changed = True
    rank = len(site.declared(site.input("X")).shape())
    keeps_rows = not site.op.attr("reduce_all") and all(dim % rank for dim in site.op.attr("dim"))
    if _has_lengths(site) and keeps_rows:
        out, x = site.output("Out"), site.input("X")
        whole = site.temporary_like(out)
        site.set_output("Out", whole)
        site.insert_after("lod_reset", {"X": [whole], "Y": [x]}, {"Out": [out]}, {})


def _without_lengths(site: Site) -> None:
    """In 1.8 rows that were chosen or cut anew belong to no sequence."""
    if not _has_lengths(site):
        return
    out = site.output("Out")
    dims = list(range(len(site.declared(out).shape())))
    raw = site.temporary_like(out)
    site.set_output("Out", raw)
    # A transposition forgets the lengths, and this one does nothing else.
    site.emit_after("transpose2", {"X": raw}, out, hidden="XShape", axis=dims)


def _reshape2(site: Site) -> None:
    """In 1.8 only as many rows as before are still those of the sequences."""
    row, new_row = (_size_of_row(site.declared(name).shape()) for name in (site.input("X"), site.output("Out")))
    if row > 0 and new_row > 0 and row != new_row:
        _without_lengths(site)


def _size_of_row(shape: list[int]) -> int:
    size = 1
    for length in shape[1:]:
        size = size * length if length > 0 else 0
    return size


def _has_lengths(site: Site) -> bool:
    x = site.declared(site.input("X"))
    return x.type() == _TYPES.LOD_TENSOR and x.lod_level() > 0


RULES: dict[str, Callable[[Site], None]] = {
    "crop_tensor": _without_lengths,
    "gather": _without_lengths,
    "reduce_max": _reduction,
    "reduce_mean": _reduction,
    "reduce_min": _reduction,
    "reduce_prod": _reduction,
    "reduce_sum": _reduction,
    "reshape2": _reshape2,
    "reverse": _without_lengths,
    "scatter": _without_lengths,
}
