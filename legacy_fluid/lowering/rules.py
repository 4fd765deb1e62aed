"""What the 2.6.2 core wants otherwise than 1.8 did: a rule for each such operator, which changes its site in place."""

from __future__ import annotations

import math
from collections.abc import Callable

from paddle.base import core

from .kernels import KERNEL_RULES, clip_rows
from .site import Site


def _batch_norm(site: Site) -> None:
    """Training needs a place to keep what the backward pass reuses; 1.8 on CPU had none."""
    if not site.op.attr("is_test") and site.output("ReserveSpace") is None:
        site.set_output("ReserveSpace", _reserve_space(site, site.output("SavedMean")))


def _batch_norm_grad(site: Site) -> None:
    if site.input("ReserveSpace") is None:
        site.set_input("ReserveSpace", _reserve_space(site, site.input("SavedMean")))


def _reserve_space(site: Site, saved_mean: str | None) -> str:
    return site.temporary(f"{saved_mean}@RESERVE_SPACE", shape=[-1])


def _lamb(site: Site) -> None:
    """1.8 did not correct the moments for their start at zero: with powers of zero the core does not either."""
    for beta in ("Beta1Pow", "Beta2Pow"):
        zero = site.constant(f"{site.input('Param')}@{beta.upper()}", 0.0)
        site.set_input(beta, zero)
        site.set_output(f"{beta}Out", zero)


def _adadelta(site: Site) -> None:
    """In 1.8 the parameter's step was computed from the averages after their update, and without a learning rate."""
    param, grad, out = site.input("Param"), site.input("Grad"), site.output("ParamOut")
    grads, updates = site.output("AvgSquaredGradOut"), site.output("AvgSquaredUpdateOut")
    epsilon = {"scale": 1.0, "bias": site.op.attr("epsilon")}
    unused, num, den, step = (site.temporary(f"{param}@ADADELTA_{i}", like=param) for i in range(4))
    site.set_output("ParamOut", unused)
    site.insert_after("scale", {"X": [updates]}, {"Out": [num]}, epsilon)
    site.insert_after("scale", {"X": [grads]}, {"Out": [den]}, epsilon)
    site.insert_after("elementwise_div", {"X": [num], "Y": [den]}, {"Out": [num]}, {"axis": -1})
    site.insert_after("sqrt", {"X": [num]}, {"Out": [den]}, {})
    site.insert_after("elementwise_mul", {"X": [den], "Y": [grad]}, {"Out": [step]}, {"axis": -1})
    site.insert_after("elementwise_sub", {"X": [param], "Y": [step]}, {"Out": [out]}, {"axis": -1})


def _adam(site: Site) -> None:
    """1.8 added epsilon to the second moment's root itself; the core takes it times sqrt(1 - beta2 ** step)."""
    if site.input("EpsilonTensor") is not None:
        return
    power, epsilon = site.input("Beta2Pow"), f"{site.input('Param')}@EPSILON"
    grad = site.block.find_var_recursive(site.input("Grad").encode())
    # For rows alone the kernel, then as now, multiplies the power by beta2 before it is used.
    by_rows = grad is not None and grad.type() == core.VarDesc.VarType.SELECTED_ROWS
    scale = -site.op.attr("beta2") if by_rows else -1.0
    site.temporary(epsilon, shape=[1])
    site.insert_before("scale", {"X": [power]}, {"Out": [epsilon]}, {"scale": scale, "bias": 1.0})
    site.insert_before("rsqrt", {"X": [epsilon]}, {"Out": [epsilon]}, {})
    site.insert_before("scale", {"X": [epsilon]}, {"Out": [epsilon]}, {"scale": site.op.attr("epsilon")})
    site.set_input("EpsilonTensor", epsilon)


def _memory_helper(site: Site) -> None:
    """What a recurrence links from step to step is a copy."""
    site.become("assign")


def _memory_helper_grad(site: Site) -> None:
    """After the last step nothing flows back yet: what the recurrence did not write counts as zero."""
    value, flows_in, flows_out = site.input("X"), site.input("Out@GRAD"), site.output("X@GRAD")
    zero = site.temporary(f"{flows_out}@ZERO", like=value)
    site.insert_before("fill_zeros_like", {"X": [value]}, {"Out": [zero]}, {})
    for slot in site.op.input_names():
        site.op.remove_input(slot)
    for slot in site.op.output_names():
        site.op.remove_output(slot)
    site.become("sum")
    site.op.set_input("X", [zero, flows_in])
    site.set_output("Out", flows_out)


def _recurrent_grad(site: Site) -> None:
    """An output that the loss does not use has no gradient, and the core looks for the variable of each."""
    wanted = site.op.input("outputs@GRAD")
    given = [name for name in wanted if site.block.find_var_recursive(name.encode()) is not None]
    if given != wanted:
        site.op.set_input("outputs@GRAD", given)
        site.changed = True


def _clip(site: Site) -> None:
    if _is_without_bounds(site):
        _memory_helper(site)
    else:
        clip_rows(site)


def _clip_grad(site: Site) -> None:
    if _is_without_bounds(site):
        _memory_helper_grad(site)


def _is_without_bounds(site: Site) -> bool:
    """Whether a clip stands in the place of a recurrence's copy; see layers.control_flow.static_rnn."""
    return site.op.attr("min") == -math.inf and site.op.attr("max") == math.inf


RULES: dict[str, Callable[[Site], None]] = {
    **KERNEL_RULES,
    "adadelta": _adadelta,
    "adam": _adam,
    "batch_norm": _batch_norm,
    "batch_norm_grad": _batch_norm_grad,
    "clip": _clip,
    "clip_grad": _clip_grad,
    "lamb": _lamb,
    "recurrent_grad": _recurrent_grad,
    "rnn_memory_helper": _memory_helper,
    "rnn_memory_helper_grad": _memory_helper_grad,
}
