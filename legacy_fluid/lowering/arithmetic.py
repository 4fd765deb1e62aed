"""Arithmetic that rounds, broadcasts or types its results otherwise than in 1.8."""

from __future__ import annotations

from collections.abc import Callable

from paddle.base import core

from .site import Site

_TYPES = core.VarDesc.VarType


def _truncated_division(site: Site) -> None:
    """1.8 divided integers as C does, towards zero; so does today's elementwise_div, and floordiv rounds down."""
    if _is_integer(site):
        site.become("elementwise_div")


def _truncated_remainder(site: Site) -> None:
    """In 1.8 the remainder of integers has the sign of the dividend."""
    if not _is_integer(site):
        return
    x, y, axis = site.input("X"), site.input("Y"), site.op.attr("axis")
    quotient = site.emit("elementwise_div", {"X": x, "Y": y}, axis=axis)
    site.set_input("Y", site.emit("elementwise_mul", {"X": quotient, "Y": y}, axis=axis))
    site.become("elementwise_sub")
    site.op._set_attr("axis", -1)


def _is_integer(site: Site) -> bool:
    return site.declared(site.input("X")).dtype() in (_TYPES.INT32, _TYPES.INT64)


def _gradient_along_axis(site: Site) -> None:
    """These kernels broadcast from the last dimension alone: let Y have all dimensions that follow `axis`."""
    y, axis = site.input("Y"), site.op.attr("axis")
    rank, rank_of_y = (len(site.declared(name).shape()) for name in (site.input("X"), y))
    missing = rank - axis - rank_of_y
    if axis == -1 or missing <= 0:
        return
    dims = list(range(rank_of_y, rank_of_y + missing))
    site.set_input("Y", site.emit("unsqueeze2", {"X": y}, hidden="XShape", axes=dims))
    site.op._set_attr("axis", -1)
    if gradient := site.output("Y@GRAD"):
        wide = site.temporary_like(y)
        site.set_output("Y@GRAD", wide)
        site.emit_after("squeeze2", {"X": wide}, gradient, hidden="XShape", axes=dims)


def _dot(site: Site) -> None:
    """Of matrices, 1.8 kept a dimension of size 1."""
    x, y = site.input("X"), site.input("Y")
    if len(site.declared(x).shape()) > 1:
        product = site.emit("elementwise_mul", {"X": x, "Y": y}, axis=-1)
        out = {"Out": site.output("Out")}
        site.replace("reduce_sum", {"X": product}, out, dim=[-1], keep_dim=True, reduce_all=False)


def _cumsum(site: Site) -> None:
    """An exclusive sum is wrong today where it is written over its input, or has one element: sum with a 0 before."""
    if site.op.attr("exclusive"):
        _sum_of_others(site, "X", "Out", site.op.attr("reverse"))


def _cumsum_grad(site: Site) -> None:
    if site.op.attr("exclusive"):
        _sum_of_others(site, "Out@GRAD", "X@GRAD", not site.op.attr("reverse"))


def _sum_of_others(site: Site, source: str, target: str, reverse: bool) -> None:
    x, out, axis = site.input(source), site.output(target), site.op.attr("axis")
    rank = len(site.declared(x).shape())
    axis = axis % rank
    borders = [0] * (2 * rank)
    borders[2 * axis + int(reverse)] = 1
    padded = site.emit("pad", {"X": x}, paddings=borders, pad_value=0.0)
    longer = site.temporary_like(out)
    site.replace("cumsum", {"X": padded}, {"Out": longer}, axis=axis, reverse=reverse, exclusive=False)
    start, end = (1, _END) if reverse else (0, -1)
    site.insert_after("slice", {"Input": [longer]}, {"Out": [out]}, {"axes": [axis], "starts": [start], "ends": [end]})


_END = 10000000  # beyond every dimension


def _linspace(site: Site) -> None:
    """1.8 took the dtype from where the numbers start; today's operator is told."""
    if not site.op.has_attr("dtype"):
        site.op._set_attr("dtype", int(site.declared(site.input("Start")).dtype()))
        site.changed = True


RULES: dict[str, Callable[[Site], None]] = {
    "cumsum": _cumsum,
    "cumsum_grad": _cumsum_grad,
    "dot": _dot,
    "elementwise_floordiv": _truncated_division,
    "elementwise_max_grad": _gradient_along_axis,
    "elementwise_min_grad": _gradient_along_axis,
    "elementwise_mod": _truncated_remainder,
    "elementwise_pow_grad": _gradient_along_axis,
    "linspace": _linspace,
}
