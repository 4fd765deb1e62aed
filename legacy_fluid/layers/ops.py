"""`fluid.layers.ops`: functions of one tensor, element by element."""

from __future__ import annotations

from ..framework import Variable
from .layer_function_generator import operator
from .utils import FLOATS16, NUMBERS16

__all__ = [
    "abs",
    "acos",
    "asin",
    "atan",
    "ceil",
    "cos",
    "cumsum",
    "erf",
    "exp",
    "floor",
    "gelu",
    "hard_shrink",
    "logsigmoid",
    "reciprocal",
    "round",
    "rsqrt",
    "sigmoid",
    "sin",
    "softplus",
    "softshrink",
    "softsign",
    "sqrt",
    "square",
    "tanh",
    "tanh_shrink",
    "thresholded_relu",
]


@operator("abs", dtypes=NUMBERS16)
def abs(x, name=None):
    """Return the absolute value of x."""


@operator("acos", dtypes=FLOATS16)
def acos(x, name=None):
    """Return the arc cosine of x, in radians."""


@operator("asin", dtypes=FLOATS16)
def asin(x, name=None):
    """Return the arc sine of x, in radians."""


@operator("atan", dtypes=FLOATS16)
def atan(x, name=None):
    """Return the arc tangent of x, in radians."""


@operator("ceil", dtypes=FLOATS16)
def ceil(x, name=None):
    """Return the smallest whole number not below x."""


@operator("cos", dtypes=FLOATS16)
def cos(x, name=None):
    """Return the cosine of x, in radians."""


@operator("cumsum", types={"x": Variable})
def cumsum(x, axis=None, exclusive=None, reverse=None):
    """Return the sum along `axis`, the last by default, of the elements up to each.

    Args:
        exclusive: leave the element itself out.
        reverse: sum from the end.
    """


@operator("erf")
def erf(x):
    """Return the Gauss error function of x."""


@operator("exp", dtypes=NUMBERS16)
def exp(x, name=None):
    """Return e to the power of x."""


@operator("floor", dtypes=FLOATS16)
def floor(x, name=None):
    """Return the largest whole number not above x."""


@operator("gelu")
def gelu(x, approximate=False):
    """Return x times the normal distribution function of x, or its approximation by tanh (arXiv:1606.08415)."""


@operator("hard_shrink", dtypes=FLOATS16)
def hard_shrink(x, threshold=None):
    """Return x where its absolute value exceeds `threshold` (0.5 by default), and 0 elsewhere."""


@operator("logsigmoid", dtypes=FLOATS16)
def logsigmoid(x, name=None):
    """Return the logarithm of the sigmoid of x."""


@operator("reciprocal", dtypes=FLOATS16)
def reciprocal(x, name=None):
    """Return 1 / x."""


@operator("round", dtypes=FLOATS16)
def round(x, name=None):
    """Return the whole number nearest to x."""


@operator("rsqrt", dtypes=FLOATS16)
def rsqrt(x, name=None):
    """Return 1 / sqrt(x)."""


@operator("sigmoid", dtypes=FLOATS16)
def sigmoid(x, name=None):
    """Return 1 / (1 + exp(-x))."""


@operator("sin", dtypes=FLOATS16)
def sin(x, name=None):
    """Return the sine of x, in radians."""


@operator("softplus", dtypes=FLOATS16)
def softplus(x, name=None):
    """Return log(1 + exp(x))."""


@operator("softshrink", dtypes=FLOATS16, rename={"alpha": "lambda"})
def softshrink(x, alpha=None):
    """Return x moved towards 0 by `alpha` (0.5 by default), and 0 where it would pass it."""


@operator("softsign", dtypes=FLOATS16)
def softsign(x, name=None):
    """Return x / (1 + |x|)."""


@operator("sqrt", dtypes=FLOATS16)
def sqrt(x, name=None):
    """Return the square root of x."""


@operator("square", dtypes=NUMBERS16)
def square(x, name=None):
    """Return x * x."""


@operator("tanh", dtypes=FLOATS16)
def tanh(x, name=None):
    """Return the hyperbolic tangent of x."""


@operator("tanh_shrink", dtypes=FLOATS16)
def tanh_shrink(x, name=None):
    """Return x - tanh(x)."""


@operator("thresholded_relu", dtypes=FLOATS16)
def thresholded_relu(x, threshold=None):
    """Return x where it exceeds `threshold` (1 by default), and 0 elsewhere."""
