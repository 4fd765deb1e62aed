"""Convolution over trees."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import layers, unique_name
from ...data_feeder import check_type, convert_dtype
from ...framework import Variable, in_dygraph_mode
from ..base import to_variable
from . import signatures_of_1_5 as old
from .operator_layer import OperatorLayer, as_in_1_5

__all__ = ["TreeConv"]


@as_in_1_5(old.tree_conv, lambda given, inputs: given.update(feature_size=inputs[0].shape[2]))
class TreeConv(OperatorLayer):
    """Convolve over each node of a tree and what is below it (Mou et al., arXiv:1409.5718).

    Called on the nodes' features [batch, nodes, feature_size] and int32 edges [batch, edges, 2], (parent, child) with
    nodes numbered from 1 and (0, 0) where there are no more, it returns [batch, nodes, output_size, num_filters].

    Args:
        max_depth: how far below a node counts, itself included.
        bias_attr: there are biases only where it is given.
    """

    def __init__(
        self,
        feature_size: int,
        output_size: int,
        num_filters: int = 1,
        max_depth: int = 2,
        act: str | None = "tanh",
        param_attr: Any = None,
        bias_attr: Any = None,
        name: str | None = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        self._name, self._act, self._max_depth = name, act, max_depth
        self._feature_size, self._output_size, self._num_filters = feature_size, output_size, num_filters
        self._bias_attr, self._param_attr, self._dtype = bias_attr, param_attr, dtype
        if bias_attr:
            self.bias = self.create_parameter([num_filters], bias_attr, dtype, is_bias=True)
        self.weight = self.create_parameter([feature_size, 3, output_size, num_filters], param_attr, dtype)

    def forward(self, nodes_vector: Any, edge_set: Any) -> Any:
        check_type(nodes_vector, "nodes_vector", Variable, "TreeConv")
        check_type(edge_set, "edge_set", Variable, "TreeConv")
        out = convolve(nodes_vector, edge_set, self.weight, self._max_depth)
        return self._finish(out, 3 if self._bias_attr else 1, self.bias if self._bias_attr else None, self._act)


def convolve(nodes_vector: Any, edge_set: Any, weight: Any, max_depth: int) -> Any:
    """Do what the operator tree_conv did, which is gone from the core; `weight` is [feature_size, 3, outputs, filters]."""
    nodes = nodes_vector.shape[1]
    features, _, outputs, filters = weight.shape
    shares = _shares(nodes_vector, edge_set, max_depth)
    # For each node, three sums over what is below it, each by shares of its own; then one product for all.
    below = layers.reshape(layers.matmul(shares, nodes_vector), [-1, nodes, 3 * features])
    by_share = layers.reshape(layers.transpose(weight, [1, 0, 2, 3]), [3 * features, outputs * filters])
    return layers.reshape(layers.matmul(below, by_share), [-1, nodes, outputs, filters])


def _shares(nodes_vector: Any, edge_set: Any, max_depth: int) -> Any:
    """Return [batch, 3 * nodes, nodes]: by how much each node counts for each other."""
    nodes, dtype = nodes_vector.shape[1], convert_dtype(nodes_vector.dtype)

    def of_arrays(edges: Any) -> np.ndarray:
        shares = np.stack([tree_shares(tree, nodes, max_depth) for tree in np.asarray(edges)])
        return shares.reshape(-1, 3 * nodes, nodes).astype(dtype)

    if in_dygraph_mode():
        return to_variable(of_arrays(edge_set.numpy()))
    shares = edge_set.block.create_var(
        name=unique_name.generate("tree_conv.shares"), shape=[edge_set.shape[0], 3 * nodes, nodes], dtype=dtype
    )
    return layers.py_func(of_arrays, edge_set, shares)


def tree_shares(edges: np.ndarray, nodes: int, max_depth: int) -> np.ndarray:
    """Return [nodes, 3, nodes]: for each node of a tree, how much those below it are left, right and top of it.

    Args:
        edges: (parent, child) pairs, numbered from 1, up to the first (0, 0).
    """
    children: dict[int, list[int]] = {}
    number = 1
    for parent, child in edges.tolist():
        if not (parent and child):
            break
        children.setdefault(parent, []).append(child)
        number += 1
    shares = np.zeros((nodes, 3, nodes))
    for root in range(1, min(number, nodes) + 1):
        level = [(root, 0.5)]
        for depth in range(max_depth):
            top = 1 - depth / max_depth
            for node, place in level:
                left = (1 - top) * place
                shares[root - 1, :, node - 1] += left, (1 - top) * (1 - left), top
            level = [
                (child, index / (len(siblings) - 1) if len(siblings) > 1 else 0.5)
                for node, _ in level
                for siblings in [children.get(node, [])]
                for index, child in enumerate(siblings)
            ]
    return shares
