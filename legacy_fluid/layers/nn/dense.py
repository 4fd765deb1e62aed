"""Fully connected layers."""

from __future__ import annotations

from math import prod
from typing import Any

from ...data_feeder import check_dtype, check_type
from ...framework import Variable
from ...layer_helper import LayerHelper
from ..utils import FLOATS16

__all__ = ["fc"]


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
    check_type(input, "input", (list, tuple, Variable), "fc")
    for index, source in enumerate(input if isinstance(input, list | tuple) else []):
        check_type(source, f"input[{index}]", Variable, "fc")
    dtype = helper.input_dtype()
    check_dtype(dtype, "input", FLOATS16, "fc")
    products = []
    for source, attr in helper.iter_inputs_and_params():
        if num_flatten_dims == -1:
            num_flatten_dims = len(source.shape) - 1
        weight_shape = [prod(source.shape[num_flatten_dims:]), size]
        weight = helper.create_parameter(attr=attr, shape=weight_shape, dtype=dtype)
        product = helper.create_variable_for_type_inference(dtype)
        helper.append_op(
            type="mul",
            inputs={"X": source, "Y": weight},
            outputs={"Out": product},
            attrs={"x_num_col_dims": num_flatten_dims, "y_num_col_dims": 1},
        )
        products.append(product)
    total = products[0]
    if len(products) > 1:
        total = helper.create_variable_for_type_inference(dtype)
        helper.append_op(type="sum", inputs={"X": products}, outputs={"Out": total}, attrs={"use_mkldnn": False})
    biased = helper.append_bias_op(total, dim_start=num_flatten_dims)
    return helper.append_activation(biased)
