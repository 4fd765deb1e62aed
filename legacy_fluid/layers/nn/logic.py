"""Truth values."""

from __future__ import annotations

from typing import Any

from ...data_feeder import check_type
from ...framework import Variable
from ..layer_function_generator import operator

__all__ = ["allclose", "elementwise_equal", "logical_and", "logical_not", "logical_or", "logical_xor"]

_XY = {"X": "x", "Y": "y"}
_TRUTHS = {"dtypes": ("bool",), "types": {"out": (Variable, type(None))}}


@operator("logical_and", inputs=_XY, **_TRUTHS)
def logical_and(x, y, out=None, name=None):
    """Return where both x and y are true; in `out` where given."""


@operator("logical_or", inputs=_XY, **_TRUTHS)
def logical_or(x, y, out=None, name=None):
    """Return where x or y, or both, are true; in `out` where given."""


@operator("logical_xor", inputs=_XY, **_TRUTHS)
def logical_xor(x, y, out=None, name=None):
    """Return where one of x and y is true; in `out` where given."""


@operator("logical_not", **_TRUTHS)
def logical_not(x, out=None, name=None):
    """Return where x is false; in `out` where given."""


@operator(
    "equal",
    inputs=_XY,
    outputs={"Out": "bool"},
    stop_gradient=("Out",),
    constants={"force_cpu": False},
    layer="elementwise_equal",
)
def elementwise_equal(x, y, name=None):
    """Return where x equals y."""


def _as_text(given: dict[str, Any]) -> None:
    for argument, kind in (("rtol", float), ("atol", float), ("equal_nan", bool)):
        check_type(given[argument], argument, kind, "allclose")
    given["rtol"], given["atol"] = str(given["rtol"]), str(given["atol"])  # what the operator of today reads


@operator(
    "allclose",
    inputs={"Input": "input", "Other": "other"},
    outputs={"Out": "bool"},
    prepare=_as_text,
)
def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False, name=None):
    """Return whether |input - other| <= atol + rtol * |other| everywhere, bool, shape (1,)."""
