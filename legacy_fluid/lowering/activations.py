"""Activations whose kernels of today read fewer attributes than those of 1.8, or take them otherwise."""

from __future__ import annotations

from collections.abc import Callable

from paddle.base import core

from .site import Site

_TYPES = core.VarDesc.VarType


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
    gate = site.emit("brelu", {"X": site.emit("scale", {"X": x}, bias=offset)}, t_min=0.0, t_max=threshold)
    site.become("elementwise_mul")
    site.set_input("Y", site.emit("scale", {"X": gate}, scale=1.0 / scale))


def _hard_swish_grad(site: Site) -> None:
    """1.8 took the slope above the threshold for 1, whatever the scale."""
    threshold, scale, offset = _of_hard_swish(site)
    if (threshold, scale, offset) == (6.0, 6.0, 3.0):
        return
    x, flow = site.input("X"), site.input("Out@GRAD")
    shifted = site.emit("scale", {"X": x}, bias=offset)
    ones = site.emit("fill_any_like", {"X": x}, value=1.0)
    limit = site.emit("fill_any_like", {"X": x}, value=threshold)
    within = site.emit("brelu_grad", {"X": shifted, "Out@GRAD": ones}, "X@GRAD", t_min=0.0, t_max=threshold)
    slope = site.emit("scale", {"X": x}, scale=2.0 / scale, bias=offset / scale)
    beyond = site.emit("greater_equal", {"X": shifted, "Y": limit})
    beyond = site.emit("cast", {"X": beyond}, in_dtype=int(_TYPES.BOOL), out_dtype=int(site.declared(x).dtype()))
    slope = site.emit("elementwise_mul", {"X": within, "Y": slope})
    factor = site.emit("elementwise_add", {"X": slope, "Y": beyond})
    site.replace("elementwise_mul", {"X": flow, "Y": factor}, {"Out": site.output("X@GRAD")})


def _of_hard_swish(site: Site) -> tuple[float, float, float]:
    return tuple(round(site.op.attr(name), 6) for name in ("threshold", "scale", "offset"))


def _leaky_relu(site: Site) -> None:
    """In 1.8 the result is the larger of x and alpha * x, also where alpha is more than 1."""
    if site.op.attr("alpha") > 1.0:
        x = site.input("X")
        site.set_input("Y", site.emit("scale", {"X": x}, scale=site.op.attr("alpha")))
        site.become("elementwise_max")


def _leaky_relu_grad(site: Site) -> None:
    """The slope was 1 where the result is above 0, and alpha elsewhere, at 0 too: so it still is with prelu."""
    x, flow, out = site.input("X"), site.input("Out@GRAD"), site.output("X@GRAD")
    alpha = site.constant(f"{out}@ALPHA", site.op.attr("alpha"), site.declared(x).dtype())
    if site.op.attr("alpha") < 0:
        x = site.emit("abs", {"X": x})
    inputs = {"X": x, "Alpha": alpha, "Out@GRAD": flow}
    site.replace("prelu_grad", inputs, {"X@GRAD": out}, mode="all", data_format="NCHW")


RULES: dict[str, Callable[[Site], None]] = {
    "hard_swish": _hard_swish,
    "hard_swish_grad": _hard_swish_grad,
    "leaky_relu": _leaky_relu,
    "leaky_relu_grad": _leaky_relu_grad,
    "relu6": _relu6,
    "relu6_grad": _relu6,
}
