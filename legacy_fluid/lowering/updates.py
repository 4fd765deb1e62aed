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
    touched = _touched(site, site.input("Grad"))
    by_rows = touched is not None or _is_sparse(site, site.input("Grad"))
    if site.input("EpsilonTensor") is not None:
        return
    power, epsilon = site.input("Beta2Pow"), f"{site.input('Param')}@EPSILON"
    scale = -1.0
    if by_rows and site.op.attr("lazy_mode") and touched is None:
        scale = -site.op.attr("beta2")  # for rows alone the kernel, then as now, multiplies the power before its use
    elif by_rows:
        power = _as_dense(site)
        if site.op.attr("lazy_mode"):
            _leave_untouched(site, touched)
    site.temporary(epsilon, shape=[1])
    site.insert_before("scale", {"X": [power]}, {"Out": [epsilon]}, {"scale": scale, "bias": 1.0})
    site.insert_before("rsqrt", {"X": [epsilon]}, {"Out": [epsilon]}, {})
    site.insert_before("scale", {"X": [epsilon]}, {"Out": [epsilon]}, {"scale": site.op.attr("epsilon")})
    site.set_input("EpsilonTensor", epsilon)


def _as_dense(site: Site) -> str:
    """Let Adam do with a dense gradient what 1.8 did with one of rows: its powers are a step ahead.

    Today's kernel for rows takes another epsilon for those that have a gradient than for those that have none.

    Returns:
        the name of the second moment's power.
    """
    if _is_sparse(site, site.input("Grad")):
        site.set_input("Grad", _dense(site, site.input("Grad"), like=site.input("Param")))
    for beta in ("Beta1", "Beta2"):
        after = site.output(f"{beta}PowOut")
        ahead = site.emit("scale", {"X": site.input(f"{beta}Pow")}, scale=site.op.attr(beta.lower()))
        site.set_input(f"{beta}Pow", ahead)
        site.set_output(f"{beta}PowOut", site.temporary_like(after))
        site.insert_after("assign", {"X": [ahead]}, {"Out": [after]}, {})
    return ahead


def _leave_untouched(site: Site, touched: str) -> None:
    """Let an update change only where a gradient is."""
    for slot in ("Param", "Moment1", "Moment2"):
        before, after = site.input(slot), site.output(f"{slot}Out")
        new = site.temporary_like(after)
        site.set_output(f"{slot}Out", new)
        site.insert_after("where", {"Condition": [touched], "X": [new], "Y": [before]}, {"Out": [after]}, {})


# --- gradients of a few rows ---


def clip_rows(site: Site) -> None:
    """The kernel for sparse gradients is gone: the gradient is made dense first, and it is noted which rows it had."""
    x, out = site.input("X"), site.output("Out")
    if not _is_sparse(site, x):
        return
    site.declared(out).set_type(core.VarDesc.VarType.LOD_TENSOR)
    ones = _ones_in_rows(site, x)
    touched = site.temporary(f"{out}{_TOUCHED}", like=out)
    site.declared(touched).set_dtype(core.VarDesc.VarType.BOOL)
    dtypes = {"in_dtype": int(site.declared(x).dtype()), "out_dtype": int(core.VarDesc.VarType.BOOL)}
    site.insert_before("cast", {"X": [_dense(site, ones, like=out)]}, {"Out": [touched]}, dtypes)
    site.set_input("X", _dense(site, x, like=out))


def _ones_in_rows(site: Site, rows: str) -> str:
    ones, like = site.emit("scale", {"X": rows}, scale=0.0, bias=1.0), site.declared(rows)
    var = site.declared(ones)
    var.set_type(core.VarDesc.VarType.SELECTED_ROWS)  # which leaves it without shape and dtype
    var.set_shape(like.shape())
    var.set_dtype(like.dtype())
    return ones


_TOUCHED = "@TOUCHED"  # the name of what tells where a dense gradient, of rows once, has them


def _touched(site: Site, gradient: str) -> str | None:
    name = f"{gradient}{_TOUCHED}"
    return name if site.declared(name) is not None else None


def _is_sparse(site: Site, name: str) -> bool:
    return site.declared(name).type() == core.VarDesc.VarType.SELECTED_ROWS


def _dense(site: Site, rows: str, like: str) -> str:
    """Put what makes a sparse gradient dense before the operator; return its name."""
    sparse = site.declared(rows)
    zeros = site.temporary_like(like)
    attrs = {"shape": sparse.shape(), "value": 0.0, "dtype": int(sparse.dtype())}
    site.insert_before("fill_constant", {}, {"Out": [zeros]}, attrs)
    return site.emit("sum", {"X": [zeros, rows]})


def _rows_of_dense(site: Site) -> None:
    """What `clip_rows` made dense has no rows to tell apart."""
    if not _is_sparse(site, site.input("X")):
        site.become("assign")


def _dense_alone(site: Site) -> None:
    """For these 1.8 raised where today's kernels read what is not there."""
    if _is_sparse(site, site.input("Grad")):
        refuse_rows(site.op.type(), site.input("Param"))


def refuse_rows(op_type: str, param: str) -> None:
    """Raise core.EnforceNotMet: the gradient of a parameter has some rows only, and an optimizer needs it whole."""
    raise core.EnforceNotMet(
        f"{op_type}: the gradient of {param} has some rows only, which this optimizer does not take: "
        "make the embedding with is_sparse=False, or use SGD, Momentum, Adagrad, RMSProp or Adam"
    )


RULES: dict[str, Callable[[Site], None]] = {
    "adadelta": _adadelta,
    "adam": _adam,
    "adamax": _dense_alone,
    "decayed_adagrad": _dense_alone,
    "dpsgd": _dense_alone,
    "get_tensor_from_selected_rows": _rows_of_dense,
    "lamb": _lamb,
    "lars_momentum": _dense_alone,
}
