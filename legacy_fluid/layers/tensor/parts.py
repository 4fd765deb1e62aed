"""What holds of a tensor, and its parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...data_feeder import check_dtype, check_type, check_variable_and_dtype
from ...framework import Variable
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..utils import NUMBERS, NUMBERS16, declare, keep_attribute, named_or_temporary
from .copies import assign

__all__ = [
    "argmax",
    "argmin",
    "argsort",
    "diag",
    "has_inf",
    "has_nan",
    "isfinite",
    "kron",
    "reverse",
    "trace",
    "tril",
    "triu",
]


def argmin(x: Any, axis: int = 0) -> Any:
    """Return the index of the smallest element along `axis`, int64."""
    return _index_of("arg_min", x, axis, "argmin")


def argmax(x: Any, axis: int = 0) -> Any:
    """Return the index of the largest element along `axis`, int64."""
    return _index_of("arg_max", x, axis, "argmax")


def _index_of(op_type: str, x: Any, axis: int, layer: str) -> Any:
    check_variable_and_dtype(x, "x", (*NUMBERS, "uint8", "int16"), layer)
    helper = LayerHelper(op_type)
    out = helper.create_variable_for_type_inference("int64")
    helper.append_op(type=op_type, inputs={"X": x}, outputs={"Out": [out]}, attrs={"axis": axis})
    out.stop_gradient = True
    if len(x.shape) == 1:
        declare(out, shape=[])  # one of the few 0-D results of 1.8
    return out


@operator(
    "argsort",
    outputs={"Out": None, "Indices": "int64"},
    stop_gradient=("Out", "Indices"),
    dtypes=(*NUMBERS, "int16", "uint8"),
)
def argsort(input, axis=-1, descending=False, name=None):
    """Return input sorted along `axis`, and the int64 indices that sort it; neither passes gradients on."""


def reverse(x: Any, axis: Any) -> Any:
    """Return x with the order of elements reversed along `axis`, an int or several."""
    check_variable_and_dtype(x, "x", (*NUMBERS, "uint8"), "reverse")
    check_type(axis, "axis", (int, tuple, list), "reverse")
    return _reverse(x, [axis] if isinstance(axis, int) else axis)


@operator("reverse", lod_level=lambda given: 0)
def _reverse(x, axis):
    """The operator of reverse."""


@operator("isinf", types={"x": Variable})
def has_inf(x):
    """Return whether any element is infinite, shape (1,)."""


@operator("isnan", types={"x": Variable})
def has_nan(x):
    """Return whether any element is not a number, shape (1,)."""


def isfinite(x: Any) -> Any:
    """Return whether all elements are finite, bool, shape (1,)."""
    check_variable_and_dtype(x, "x", NUMBERS, "isfinite")
    helper = LayerHelper("isfinite")
    # The core has lost the operator; today's looks at each element.
    out, each = (helper.create_variable_for_type_inference("bool") for _ in range(2))
    helper.append_op(type="isfinite_v2", inputs={"X": x}, outputs={"Out": each})
    attrs = {"dim": [0], "keep_dim": False, "reduce_all": True}
    helper.append_op(type="reduce_all", inputs={"X": each}, outputs={"Out": out}, attrs=attrs)
    return out


def diag(diagonal: Any) -> Any:
    """Return the square matrix with a vector, a Variable or an array, on its diagonal."""
    check_type(diagonal, "diagonal", (Variable, np.ndarray), "diag")
    check_dtype(diagonal.dtype, "diagonal", NUMBERS, "diag")
    helper = LayerHelper("diag")
    if not isinstance(diagonal, Variable):
        diagonal = assign(diagonal)
    out = helper.create_variable_for_type_inference(dtype=diagonal.dtype)
    helper.append_op(type="diag_v2", inputs={"X": [diagonal]}, outputs={"Out": [out]})
    out.stop_gradient = True
    return out


@operator("kron", inputs={"X": "x", "Y": "y"}, dtypes=dict.fromkeys(("x", "y", "out"), NUMBERS16))
def kron(x, y, out=None, name=None):
    """Return the Kronecker product of x and y."""


def tril(input: Any, diagonal: int = 0, name: str | None = None) -> Any:
    """Return the elements of matrices on and below `diagonal` (0 is the main one), and zeros elsewhere."""
    return _triangle("tril", input, diagonal, name)


def triu(input: Any, diagonal: int = 0, name: str | None = None) -> Any:
    """Return the elements of matrices on and above `diagonal` (0 is the main one), and zeros elsewhere."""
    return _triangle("triu", input, diagonal, name)


def _triangle(layer: str, x: Any, diagonal: int, name: str | None) -> Any:
    assert x is not None, f"{layer}: input is None; give a Variable"
    check_variable_and_dtype(x, "x", NUMBERS, layer)
    if len(x.shape) < 2:
        raise ValueError(f"{layer}: input has at least 2 dimensions, not shape {x.shape}")
    if not isinstance(diagonal, int):
        raise TypeError(f"{layer}: diagonal is an int, not {diagonal!r}")
    helper = LayerHelper(layer, name=name)
    out = named_or_temporary(helper, helper.name, x.dtype)
    attrs = {"diagonal": diagonal, "lower": layer == "tril"}
    helper.append_op(type="tril_triu", inputs={"X": x}, outputs={"Out": out}, attrs=attrs)
    return out


def trace(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1, out: Any = None, name: str | None = None) -> Any:
    """Return the sum of the diagonal `offset` of the matrices that dimensions `dim1` and `dim2` make; in `out` if given."""
    check_dtype(input.dtype, "Input", NUMBERS16, "trace")
    rank = len(input.shape)
    assert rank >= 2, f"trace: input has at least 2 dimensions, not shape {input.shape}"
    for argument, dim in (("dim1", dim1), ("dim2", dim2)):
        assert dim < rank, f"trace: {argument} is below {rank}, the number of dimensions of input, not {dim}"
    assert dim1 % rank != dim2 % rank, f"trace: dim1 and dim2 are different dimensions, not both {dim1}"
    helper = LayerHelper("trace", name=name)
    if out is None:
        out = helper.create_variable_for_type_inference(dtype=input.dtype)
    else:
        check_variable_and_dtype(out, "out", NUMBERS16, "trace")
    attrs = {"offset": offset, "axis1": dim1, "axis2": dim2}
    op = helper.append_op(type="trace", inputs={"Input": [input]}, outputs={"Out": [out]}, attrs=attrs)
    keep_attribute(op, "dim1", dim1)
    keep_attribute(op, "dim2", dim2)
    return out
