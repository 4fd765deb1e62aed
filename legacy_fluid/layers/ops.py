"""`fluid.layers.ops`: functions of one tensor, element by element."""

from __future__ import annotations

from .layer_function_generator import operator

__all__ = ["sigmoid", "square", "tanh"]


@operator("sigmoid")
def sigmoid(x, name=None):
    """Return 1 / (1 + exp(-x))."""


@operator("square")
def square(x, name=None):
    """Return x * x."""


@operator("tanh")
def tanh(x, name=None):
    """Return the hyperbolic tangent of x."""
