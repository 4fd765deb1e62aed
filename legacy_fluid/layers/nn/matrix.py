"""Products of matrices and vectors."""

from __future__ import annotations

from typing import Any

from ...data_feeder import check_type, check_variable_and_dtype
from ...framework import in_dygraph_mode
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..utils import FLOATS, FLOATS16, NUMBERS, Composer, named_or_temporary

__all__ = [
    "addmm",
    "bilinear_tensor_product",
    "bmm",
    "cross",
    "dist",
    "dot",
    "fsp_matrix",
    "matmul",
    "mul",
]

_XY = {"X": "x", "Y": "y"}


@operator("mul", inputs=_XY, dtypes=FLOATS16)
def mul(x, y, x_num_col_dims=1, y_num_col_dims=1, name=None):
    """Return the matrix product of x and y, each flattened to a matrix after its first `*_num_col_dims` dimensions."""


@operator("bmm", inputs=_XY)
def bmm(x, y, name=None):
    """Return the matrix products of x [N, I, K] and y [N, K, J], [N, I, J]."""


@operator(
    "addmm",
    inputs={"Input": "input", "X": "x", "Y": "y"},
    dtypes={"x": FLOATS, "y": FLOATS},
    rename={"alpha": "Alpha", "beta": "Beta"},
)
def addmm(input, x, y, alpha=1.0, beta=1.0, name=None):
    """Return alpha * (matrix product of x and y) + beta * input."""


def _of_a_dimension(given: dict[str, Any]) -> None:
    given["dim"] = given["dim"] or None  # 0 is taken for none, as in 1.8


@operator("cross", inputs={"X": "input", "Y": "other"}, prepare=_of_a_dimension)
def cross(input, other, dim=None):
    """Return the vector product along `dim`, a dimension of size 3; along the first such where None or 0."""


def _as_float(given: dict[str, Any]) -> None:
    check_type(given["p"], "p", (float, int), "dist")
    given["p"] = float(given["p"])


@operator("dist", inputs=_XY, dtypes=FLOATS, prepare=_as_float)
def dist(x, y, p=2):
    """Return the p-norm of x - y, shape (1,); p may be 0 or infinite."""


@operator("fsp", inputs=_XY, dtypes=FLOATS, layer="fsp_matrix")
def fsp_matrix(x, y):
    """Return the products of each channel of x [N, C1, H, W] with each of y [N, C2, H, W], averaged, [N, C1, C2]."""


def dot(x: Any, y: Any, name: str | None = None) -> Any:
    """Return the inner products of the vectors in the last dimension of x and y."""
    assert x is not None, "dot: x is None; give a Variable"
    assert y is not None, "dot: y is None; give a Variable"
    check_variable_and_dtype(x, "x", NUMBERS, "dot")
    check_variable_and_dtype(y, "y", NUMBERS, "dot")
    helper = LayerHelper("dot", name=name)
    out = named_or_temporary(helper, name, x.dtype)
    if len(x.shape) == 1:
        helper.append_op(type="dot", inputs={"X": x, "Y": y}, outputs={"Out": out})
        return out
    # The operator of today leaves no dimension where 1.8 left one of size 1.
    append = Composer(helper)
    return append.total(append("elementwise_mul", {"X": x, "Y": y}), dim=-1, out=out)


def matmul(
    x: Any,
    y: Any,
    transpose_x: bool = False,
    transpose_y: bool = False,
    alpha: float = 1.0,
    name: str | None = None,
) -> Any:
    """Return alpha * (matrix product of x and y), whose dimensions before the last two are a batch.

    Args:
        transpose_x, transpose_y: exchange the last two dimensions first.

    Raises:
        ValueError: batch dimensions differ.
    """
    check_variable_and_dtype(x, "x", FLOATS16, "matmul")
    check_variable_and_dtype(y, "y", FLOATS16, "matmul")
    if not in_dygraph_mode():
        _check_matrices(list(x.shape), list(y.shape), transpose_x, transpose_y)
    helper = LayerHelper("matmul", name=name)
    out = helper.create_variable_for_type_inference(dtype=x.dtype)
    attrs = {"transpose_X": transpose_x, "transpose_Y": transpose_y, "alpha": float(alpha)}
    helper.append_op(type="matmul", inputs={"X": x, "Y": y}, outputs={"Out": out}, attrs=attrs)
    return out


def _check_matrices(x: list[int], y: list[int], transpose_x: bool, transpose_y: bool) -> None:
    x = [1, *x] if len(x) == 1 else x
    y = [*y, 1] if len(y) == 1 else y
    width = x[-2] if transpose_x else x[-1]
    height = y[-1] if transpose_y else y[-2]
    assert width == height or -1 in (width, height), (
        f"matmul: the width of x, {width}, is not the height of y, {height} (shapes {x} and {y})"
    )
    if len(x) > 2 and len(y) > 2:
        for of_x, of_y in zip(x[:-2], y, strict=False):
            if of_x >= 0 and of_y >= 0 and of_x != of_y:
                raise ValueError(f"matmul: the batch dimensions of x and y differ (shapes {x} and {y})")


def bilinear_tensor_product(
    x: Any,
    y: Any,
    size: int,
    act: str | None = None,
    name: str | None = None,
    param_attr: Any = None,
    bias_attr: Any = None,
) -> Any:
    """Return x W_i y + b_i for x [N, M], y [N, K] and i below `size`, [N, size].

    Args:
        param_attr: of W [size, M, K].
        bias_attr: of b [1, size]; False for none.
    """
    helper = LayerHelper("bilinear_tensor_product", x=x, act=act, name=name, param_attr=param_attr, bias_attr=bias_attr)
    dtype = helper.input_dtype("x")
    weight = helper.create_parameter(attr=helper.param_attr, shape=[size, x.shape[1], y.shape[1]], dtype=dtype)
    out = helper.create_variable_for_type_inference(dtype=dtype)
    inputs = {"X": x, "Y": y, "Weight": weight}
    if helper.bias_attr:
        inputs["Bias"] = helper.create_parameter(attr=helper.bias_attr, shape=[1, size], dtype=dtype, is_bias=True)
    helper.append_op(type="bilinear_tensor_product", inputs=inputs, outputs={"Out": out})
    return helper.append_activation(out)
