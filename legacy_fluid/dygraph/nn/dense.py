"""Layers of matrices: Linear, FC, Embedding, BilinearTensorProduct."""

from __future__ import annotations

import math
from typing import Any

from ... import layers
from ...data_feeder import check_variable_and_dtype
from . import signatures_of_1_5 as old
from .operator_layer import OperatorLayer, as_in_1_5

__all__ = ["FC", "BilinearTensorProduct", "Embedding", "Linear"]


class Linear(OperatorLayer):
    """act(input x weight + bias), over the last dimension of the input.

    Args:
        input_dim, output_dim: sizes of that dimension, before and after.
        param_attr, bias_attr: of weight [input_dim, output_dim] and bias [output_dim].
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        param_attr: Any = None,
        bias_attr: Any = None,
        act: str | None = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        self._act, self._dtype = act, dtype
        self.weight = self.create_parameter([input_dim, output_dim], param_attr, dtype)
        self.bias = self.create_parameter([output_dim], bias_attr, dtype, is_bias=True)

    def forward(self, input: Any) -> Any:
        check_variable_and_dtype(input, "input", ["float16", "float32", "float64"], "Linear")
        attrs = {"transpose_X": False, "transpose_Y": False, "alpha": 1.0}
        product = self._append("matmul", {"X": input, "Y": self.weight}, attrs)
        return self._finish(product, len(input.shape) - 1, self.bias, self._act)


def _count_features(given: dict[str, Any], inputs: tuple[Any, ...]) -> None:
    parts = inputs[0] if isinstance(inputs[0], list | tuple) else [inputs[0]]
    given["input_dims"] = [math.prod(part.shape[given["num_flatten_dims"] :]) for part in parts]


@as_in_1_5(old.fc, _count_features)
class FC(OperatorLayer):
    """The fully connected layer of 1.5 and 1.6: `FC(name_scope, size)` counts its inputs when it is called first.

    Args:
        input_dims: the number of features of each input.
        size: number of outputs.
        num_flatten_dims: of the dimensions that stay; those from there on are features.
    """

    def __init__(
        self,
        input_dims: list[int],
        size: int,
        num_flatten_dims: int = 1,
        param_attr: Any = None,
        bias_attr: Any = None,
        act: str | None = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        self._num_flatten_dims, self._act, self._dtype = num_flatten_dims, act, dtype
        self._weights = []
        for index, features in enumerate(input_dims):
            weight = self.create_parameter([features, size], param_attr, dtype)
            self._weights.append(self.add_parameter(f"weight_{index}" if index else "weight", weight))
        self.bias = self.create_parameter([size], bias_attr, dtype, is_bias=True)

    def forward(self, input: Any) -> Any:
        attrs = {"x_num_col_dims": self._num_flatten_dims, "y_num_col_dims": 1}
        parts = input if isinstance(input, list | tuple) else [input]
        products = [self._append("mul", {"X": x, "Y": y}, attrs) for x, y in zip(parts, self._weights, strict=True)]
        total = products[0] if len(products) == 1 else layers.sums(products)
        return self._finish(total, self._num_flatten_dims, self.bias, self._act)


@as_in_1_5(old.embedding)
class Embedding(OperatorLayer):
    """Look up the rows of a table: ids [...] become [..., size[1]].

    Args:
        size: [number of rows, their length].
        is_sparse: keep the gradient as the rows that were used.
        padding_idx: the id whose row is zeros.
    """

    def __init__(
        self,
        size: Any,
        is_sparse: bool = False,
        is_distributed: bool = False,
        padding_idx: int | None = None,
        param_attr: Any = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        self._size, self._is_sparse, self._is_distributed = size, is_sparse, is_distributed
        self._padding_idx = -1 if padding_idx is None else padding_idx if padding_idx >= 0 else size[0] + padding_idx
        self._param_attr, self._dtype = param_attr, dtype
        self._remote_prefetch = is_sparse and not is_distributed
        self.weight = self.create_parameter(size, param_attr, dtype)

    def forward(self, input: Any) -> Any:
        check_variable_and_dtype(input, "input", ["int64"], "Embedding")
        attrs = {
            "is_sparse": self._is_sparse,
            "is_distributed": self._is_distributed,
            "remote_prefetch": self._remote_prefetch,
            "padding_idx": self._padding_idx,
        }
        return self._append("lookup_table_v2", {"Ids": input, "W": self.weight}, attrs, Out=self._dtype)


def _count_both(given: dict[str, Any], inputs: tuple[Any, ...]) -> None:
    given |= {"input1_dim": inputs[0].shape[1], "input2_dim": inputs[1].shape[1], "output_dim": given["size"]}


@as_in_1_5(old.bilinear_tensor_product, _count_both)
class BilinearTensorProduct(OperatorLayer):
    """act(x x weight[i] x y + bias[i]) for each output i."""

    def __init__(
        self,
        input1_dim: int,
        input2_dim: int,
        output_dim: int,
        name: str | None = None,
        act: str | None = None,
        param_attr: Any = None,
        bias_attr: Any = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        self._param_attr, self._bias_attr, self._act, self._name, self._dtype = param_attr, bias_attr, act, name, dtype
        self._input1_dim, self._input2_dim, self._output_dim = input1_dim, input2_dim, output_dim
        self.weight = self.create_parameter([output_dim, input1_dim, input2_dim], param_attr, dtype)
        self.bias = self.create_parameter([1, output_dim], bias_attr, dtype, is_bias=True)

    def forward(self, x: Any, y: Any) -> Any:
        for name, value in (("x", x), ("y", y)):
            check_variable_and_dtype(value, name, ["float32", "float64"], "BilinearTensorProduct")
        inputs = {"X": x, "Y": y, "Weight": self.weight, "Bias": self.bias}
        return self._finish(self._append("bilinear_tensor_product", inputs), 1, act=self._act)
