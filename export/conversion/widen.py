"""Wider convolutions that give the same answers: channels filled up with zeros to a multiple of what a vector holds.

onnxruntime's fast layout for convolutions (NCHWc) keeps channels in blocks of a vector's width. Where a convolution's
channels are no multiple of it, the tensor goes back to the plain layout after it, and pooling runs on that: filled up,
everything from the first convolution to the last stays in blocks. It pays where the block has 16 channels (AVX-512),
for the kernels compute whole blocks anyhow.
"""

from __future__ import annotations

import math

import numpy as np
import onnx

from export.conversion.graph import Graph, attribute

ELEMENTWISE = ("Relu", "LeakyRelu", "Clip", "Tanh", "Sigmoid", "Identity")
# Operators that keep channels apart, so that a channel of zeros stays one of a single number.
_CHANNELWISE = (*ELEMENTWISE, "MaxPool", "AveragePool")


def widen(graph: Graph, multiple: int = 16) -> list[str]:
    """Fill up the channels of every convolution that allows it, and return the names of these nodes' outputs.

    What follows has to be channelwise, one reader after the other, up to a convolution or a matrix product: its weights
    for the new channels are zeros, so that the sums are the same.
    """
    return [node.output[0] for node in graph.nodes if node.op_type == "Conv" and widen_one(graph, node, multiple)]


def widen_one(graph: Graph, convolution: onnx.NodeProto, multiple: int) -> bool:
    """Fill up the channels of a convolution; False where it does not allow it, or has no need."""
    weights = weights_of(graph, convolution)
    if weights is None or attribute(convolution, "group", 1) != 1 or not weights.shape[0] % multiple:
        return False
    channels = weights.shape[0]
    more = multiple - channels % multiple
    bias = graph.constants.get(convolution.input[2]) if len(convolution.input) > 2 else None
    if len(convolution.input) > 2 and (bias is None or len(graph.users(convolution.input[2])) > 1):
        return False
    reader, per_channel = _reader(graph, convolution.output[0])
    if reader is None or not _widen_input(graph, reader, channels, more, per_channel):
        return False
    graph.constants[convolution.input[1]] = _filled(weights, 0, more)
    if bias is not None:
        graph.constants[convolution.input[2]] = _filled(bias, 0, more)
    return True


def _reader(graph: Graph, value: str) -> tuple[onnx.NodeProto | None, int]:
    """Return the node that sums over a value's channels, and how many of its inputs a channel has by then."""
    per_channel = 1
    while (user := graph.only_user(value)) is not None:
        if user.op_type in ("Conv", "MatMul", "Gemm"):
            return (user, per_channel) if user.input[0] == value else (None, 0)
        if user.op_type == "Flatten" and attribute(user, "axis", 1) == 1:
            shape = (graph.shape(value) or ())[2:]
            if not all(isinstance(size, int) for size in shape):
                return None, 0
            per_channel = math.prod(size for size in shape if isinstance(size, int))
        elif user.op_type not in _CHANNELWISE:
            return None, 0
        value = user.output[0]
    return None, 0


def _widen_input(graph: Graph, reader: onnx.NodeProto, channels: int, more: int, per_channel: int) -> bool:
    """Give a node's weights zeros for the channels that come; False where they are not its own, or not so laid out."""
    weights = weights_of(graph, reader)
    if weights is None or attribute(reader, "group", 1) != 1 or attribute(reader, "transA", 0):
        return False
    axis = 1 if reader.op_type == "Conv" or attribute(reader, "transB", 0) else 0
    if weights.ndim < 2 or weights.shape[axis] != channels * per_channel:
        return False
    graph.constants[reader.input[1]] = _filled(weights, axis, more * per_channel)
    return True


def weights_of(graph: Graph, node: onnx.NodeProto) -> np.ndarray | None:
    """Return the constant weights that only this node reads."""
    return graph.constants.get(node.input[1]) if len(graph.users(node.input[1])) == 1 else None


def _filled(values: np.ndarray, axis: int, more: int) -> np.ndarray:
    return np.pad(values, [(0, more if dim == axis else 0) for dim in range(values.ndim)])
