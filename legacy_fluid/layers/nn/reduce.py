"""Sums, means, extremes and products over dimensions, all of them where `dim` is None; a list of dimensions or one."""

from __future__ import annotations

from typing import Any

from ...data_feeder import check_variable_and_dtype
from ..layer_function_generator import operator
from ..ops import exp
from ..utils import FLOATS, FLOATS16, NUMBERS, dtype_of_sum
from .elementwise import log

__all__ = [
    "logsumexp",
    "mean",
    "reduce_all",
    "reduce_any",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
]


def _all_where_none(given: dict[str, Any]) -> dict[str, Any]:
    dim = given["dim"]
    dim = dim if dim is None or isinstance(dim, list) else [dim]
    given["dim"] = dim or [0]
    return {"reduce_all": not dim}


def _levels_of_rows(given: dict[str, Any]) -> int:
    """The rows that remain are still those of the sequences."""
    x = given["input"]
    return x.lod_level if all(dim % len(x.shape) for dim in given["dim"]) else 0


@operator("mean", dtypes=FLOATS16)
def mean(x, name=None):
    """Return the mean of all elements, shape (1,)."""


@operator("reduce_all", dtypes=("bool",), prepare=_all_where_none)
def reduce_all(input, dim=None, keep_dim=False, name=None):
    """Return whether all elements are true."""


@operator("reduce_any", dtypes=("bool",), prepare=_all_where_none)
def reduce_any(input, dim=None, keep_dim=False, name=None):
    """Return whether any element is true."""


@operator("reduce_max", prepare=_all_where_none, lod_level=_levels_of_rows)
def reduce_max(input, dim=None, keep_dim=False, name=None):
    """Return the largest element."""


@operator("reduce_mean", dtypes=NUMBERS, prepare=_all_where_none, lod_level=_levels_of_rows)
def reduce_mean(input, dim=None, keep_dim=False, name=None):
    """Return the mean of the elements."""


@operator("reduce_min", prepare=_all_where_none, lod_level=_levels_of_rows)
def reduce_min(input, dim=None, keep_dim=False, name=None):
    """Return the smallest element."""


@operator("reduce_prod", prepare=_all_where_none, lod_level=_levels_of_rows)
def reduce_prod(input, dim=None, keep_dim=False, name=None):
    """Return the product of the elements."""


def _sum_of_own_dtype(given: dict[str, Any]) -> dict[str, Any]:
    return {**_all_where_none(given), **dtype_of_sum(given["input"])}


@operator("reduce_sum", dtypes=NUMBERS, prepare=_sum_of_own_dtype, lod_level=_levels_of_rows)
def reduce_sum(input, dim=None, keep_dim=False, name=None):
    """Return the sum of the elements."""


def logsumexp(x: Any, dim: Any = None, keepdim: bool = False, out: Any = None, name: str | None = None) -> Any:
    """Return the logarithm of the sum of exp(x) over `dim`; in `out` where given."""
    assert x is not None, "logsumexp: x is None; give a Variable"
    check_variable_and_dtype(x, "x", FLOATS, "logsumexp")
    total = reduce_sum(exp(x), dim, keepdim)
    if out is None:
        return log(total, name)
    check_variable_and_dtype(out, "out", [x.dtype], "logsumexp")
    return _log_into(total, out, name)


@operator("log", layer="logsumexp")
def _log_into(x, out=None, name=None):
    """The last operator of logsumexp."""
