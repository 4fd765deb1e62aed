"""Arithmetic on two tensors, the second broadcast from dimension `axis` of the first, and on one."""

from __future__ import annotations

from ..layer_function_generator import operator

__all__ = [
    "elementwise_add",
    "elementwise_div",
    "elementwise_floordiv",
    "elementwise_max",
    "elementwise_min",
    "elementwise_mod",
    "elementwise_mul",
    "elementwise_pow",
    "elementwise_sub",
    "relu",
]

_XY = {"X": "x", "Y": "y"}


@operator("elementwise_add", inputs=_XY)
def elementwise_add(x, y, axis=-1, act=None, name=None):
    """Return x + y."""


@operator("elementwise_div", inputs=_XY)
def elementwise_div(x, y, axis=-1, act=None, name=None):
    """Return x / y."""


@operator("elementwise_sub", inputs=_XY)
def elementwise_sub(x, y, axis=-1, act=None, name=None):
    """Return x - y."""


@operator("elementwise_mul", inputs=_XY)
def elementwise_mul(x, y, axis=-1, act=None, name=None):
    """Return x * y."""


@operator("elementwise_max", inputs=_XY)
def elementwise_max(x, y, axis=-1, act=None, name=None):
    """Return the larger of x and y."""


@operator("elementwise_min", inputs=_XY)
def elementwise_min(x, y, axis=-1, act=None, name=None):
    """Return the smaller of x and y."""


@operator("elementwise_pow", inputs=_XY)
def elementwise_pow(x, y, axis=-1, act=None, name=None):
    """Return x to the power of y."""


@operator("elementwise_mod", inputs=_XY)
def elementwise_mod(x, y, axis=-1, act=None, name=None):
    """Return the remainder of x / y."""


@operator("elementwise_floordiv", inputs=_XY)
def elementwise_floordiv(x, y, axis=-1, act=None, name=None):
    """Return x / y rounded down."""


@operator("relu")
def relu(x, name=None):
    """Return max(x, 0)."""
