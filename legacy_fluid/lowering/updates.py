"""What optimizers append: updates whose arithmetic was another, and gradients of a few rows."""

from __future__ import annotations

from collections.abc import Callable

from paddle.base import core

from .site import Site


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


# --- gradients of a few rows ---


def clip_rows(site: Site) -> None:
    """The kernel for sparse gradients is gone: the gradient is made dense first, which is the same to an optimizer."""
    x, out = site.input("X"), site.output("Out")
    sparse = site.declared(x)
    if sparse.type() != core.VarDesc.VarType.SELECTED_ROWS:
        return
    dense = site.declared(out)
    dense.set_type(core.VarDesc.VarType.LOD_TENSOR)
    zeros = site.temporary_like(out)
    attrs = {"shape": sparse.shape(), "value": 0.0, "dtype": int(sparse.dtype())}
    site.insert_before("fill_constant", {}, {"Out": [zeros]}, attrs)
    site.set_input("X", site.emit("sum", {"X": [zeros, x]}))


def _rows_of_dense(site: Site) -> None:
    """What `clip_rows` made dense has no rows to tell apart."""
    if site.declared(site.input("X")).type() != core.VarDesc.VarType.SELECTED_ROWS:
        site.become("assign")


RULES: dict[str, Callable[[Site], None]] = {
    "adadelta": _adadelta,
    "adam": _adam,
    "get_tensor_from_selected_rows": _rows_of_dense,
    "lamb": _lamb,
}
