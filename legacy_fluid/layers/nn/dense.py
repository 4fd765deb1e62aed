"""Matrix products, fully connected layers, softmax and the mean."""

from __future__ import annotations

from math import prod
from typing import Any

from ...layer_helper import LayerHelper
from ..layer_function_generator import operator

__all__ = ["fc", "mean", "mul", "softmax", "topk"]


@operator("mul", inputs={"X": "x", "Y": "y"})
def mul(x, y, x_num_col_dims=1, y_num_col_dims=1, name=None):
    """Return the matrix product of x and y, each flattened to a matrix after its first `*_num_col_dims` dimensions."""


@operator("mean")
def mean(x, name=None):
    """Return the mean of all elements, shape (1,)."""


@operator("softmax", inputs={"X": "input"})
def softmax(input, use_cudnn=False, name=None, axis=-1):
    """Return exp(input) scaled to sum to one along `axis`."""


def topk(input: Any, k: Any, name: str | None = None) -> tuple[Any, Any]:
    """Return the `k` largest entries of the last dimension, and their int64 indices.

    Args:
        k: int, or an int32 Variable of shape (1,).
    """
    helper = LayerHelper("top_k", name=name)
    values = helper.create_variable_for_type_inference(dtype=input.dtype)
    indices = helper.create_variable_for_type_inference(dtype="int64")
    is_number = isinstance(k, int)
    helper.append_op(
        type="top_k",
        inputs={"X": [input]} if is_number else {"X": [input], "K": [k]},
        outputs={"Out": [values], "Indices": [indices]},
        attrs={"k": k} if is_number else {},
    )
    values.stop_gradient = True
    indices.stop_gradient = True
    return values, indices


def fc(
    input: Any,
    size: int,
    num_flatten_dims: int = 1,
    param_attr: Any = None,
    bias_attr: Any = None,
    act: str | None = None,
    name: str | None = None,
) -> Any:
    """Return act(sum of input_i W_i + b): a fully connected layer.

    Args:
        input: Variable [N, ...], or a list of them, each with a weight of its own.
        size: number of units.
        num_flatten_dims: how many leading dimensions stay; -1 for all but the last.
        param_attr: of the weights [prod(shape[num_flatten_dims:]), size]; one for each input, or one for all.
        bias_attr: of the bias [size]; False for none.
    """
    helper = LayerHelper("fc", input=input, param_attr=param_attr, bias_attr=bias_attr, act=act, name=name)
    dtype = helper.input_dtype()
    products = []
    for source, attr in helper.iter_inputs_and_params():
        kept = len(source.shape) - 1 if num_flatten_dims == -1 else num_flatten_dims
        weight = helper.create_parameter(attr=attr, shape=[prod(source.shape[kept:]), size], dtype=dtype)
        product = helper.create_variable_for_type_inference(dtype)
        helper.append_op(
            type="mul",
            inputs={"X": source, "Y": weight},
            outputs={"Out": product},
            attrs={"x_num_col_dims": kept, "y_num_col_dims": 1},
        )
        products.append(product)
    total = products[0]
    if len(products) > 1:
        total = helper.create_variable_for_type_inference(dtype)
        helper.append_op(type="sum", inputs={"X": products}, outputs={"Out": total}, attrs={"use_mkldnn": False})
    biased = helper.append_bias_op(total, dim_start=num_flatten_dims)
    return helper.append_activation(biased)
