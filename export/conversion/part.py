"""The few channels of a convolution beyond whole blocks, computed where they cost little: the same answers, sooner.

onnxruntime's fast layout computes channels in blocks of a vector's width: of LeNet's 20, with AVX-512, 32, and the next
convolution sums over 32 as well. Parted, the first 16 go the way that all went. Those left over are computed for each
place of a pooling window as a channel of its own, by a kernel a little larger that moves on by whole windows, and the
maximum of these is the pool: 4 channels at 4 places fill a block. The next convolution becomes the sum of two, over whole
blocks and over the rest, for which there is a kernel that takes any few channels. LeNet runs 1.4 times as fast.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import helper

from export.conversion.graph import Graph, attribute
from export.conversion.widen import ELEMENTWISE, weights_of, widen_one

_PLACES = 2  # the axis of a window's places, behind the channels
_AXES_ARE_AN_INPUT = 18  # of ReduceMax, since this opset


class _Chain(NamedTuple):
    """A convolution, the next one, the nodes between them in their order, and the one of these that pools."""

    first: onnx.NodeProto
    between: list[onnx.NodeProto]
    pool: onnx.NodeProto
    second: onnx.NodeProto


def part(graph: Graph, multiple: int = 16) -> list[str]:
    """Part the channels of every convolution that allows it, and return the names of these nodes' outputs.

    Between it and the next there may be activations, and has to be a pool whose windows lie side by side. The channels
    beyond a multiple, times the places in a window, must fit in a block.
    """
    parted = []
    for node in [node for node in graph.nodes if node.op_type == "Conv"]:
        chain = _chain(graph, node)
        if chain is not None and _fits(graph, chain, multiple):
            widen_one(graph, chain.second, multiple)  # which could not be seen to be one afterwards
            _part(graph, chain, multiple)
            parted.append(node.output[0])
    return parted


def _chain(graph: Graph, first: onnx.NodeProto) -> _Chain | None:
    """Return what follows a convolution, None where it is something else."""
    between: list[onnx.NodeProto] = []
    value = first.output[0]
    while (node := graph.only_user(value)) is not None:
        if node.op_type == "Conv":
            pools = [each for each in between if each.op_type == "MaxPool"]
            return _Chain(first, between, pools[0], node) if len(pools) == 1 and node.input[0] == value else None
        if not (node.op_type in ELEMENTWISE or _has_windows_side_by_side(node)):
            return None
        between.append(node)
        value = node.output[0]
    return None


def _has_windows_side_by_side(node: onnx.NodeProto) -> bool:
    window = attribute(node, "kernel_shape", [])
    square = len(window) == 2 and window == [window[0]] * 2 == attribute(node, "strides")
    alone = len(node.output) == 1 and not attribute(node, "ceil_mode", 0)
    return node.op_type == "MaxPool" and square and alone and _is_plain(node, padded=False)


def _is_plain(node: onnx.NodeProto, padded: bool) -> bool:
    """Say whether a node's windows are without holes, of one group, and not padded, or only by numbers that it names."""
    pads = attribute(node, "auto_pad", b"NOTSET") == b"NOTSET" and (padded or not any(attribute(node, "pads", [])))
    return pads and set(attribute(node, "dilations", [1])) == {1} and attribute(node, "group", 1) == 1


def _fits(graph: Graph, chain: _Chain, multiple: int) -> bool:
    """Say whether it is known what the convolutions compute, and whether the channels left over are few enough."""
    first, second = weights_of(graph, chain.first), weights_of(graph, chain.second)
    sizes = (graph.shape(chain.pool.output[0]) or ())[2:]
    if first is None or second is None or len(sizes) != 2 or not all(isinstance(size, int) for size in sizes):
        return False
    if any(name not in graph.constants or len(graph.users(name)) > 1 for name in chain.first.input[2:]):
        return False
    plain = _is_plain(chain.first, padded=True) and set(attribute(chain.first, "strides", [1])) == {1}
    whole, rest = divmod(len(first), multiple)
    few = whole > 0 and 0 < rest * _window(chain) ** 2 <= multiple
    return plain and few and attribute(chain.second, "group", 1) == 1


def _window(chain: _Chain) -> int:
    size: int = attribute(chain.pool, "strides")[0]
    return size


def _part(graph: Graph, chain: _Chain, multiple: int) -> None:
    first, second = chain.first, chain.second
    whole = len(graph.constants[first.input[1]]) // multiple * multiple
    rest = _rest(graph, chain, whole)
    weights, result = graph.constants[second.input[1]], second.output[0]
    others = graph.add_constant(f"{second.input[1]}.rest", weights[:, whole:])
    sums = [f"{result}.whole", f"{result}.rest"]
    parts = [_like(second, second.input, sums[0]), _like(second, [rest[-1].output[0], others], sums[1])]
    place = next(index for index, node in enumerate(graph.nodes) if node is second)
    graph.nodes[place : place + 1] = [*rest, *parts, helper.make_node("Add", sums, [result])]
    graph.constants[second.input[1]] = weights[:, :whole]
    for name in first.input[1:]:
        graph.constants[name] = graph.constants[name][:whole]


def _rest(graph: Graph, chain: _Chain, whole: int) -> list[onnx.NodeProto]:
    """Return the nodes that compute the channels from `whole` on, up to what the second convolution takes."""
    nodes: list[onnx.NodeProto] = []
    value = chain.first.input[0]
    for node in (chain.first, *chain.between):
        result = f"{node.output[0]}.rest"
        if node is chain.first:
            nodes.append(_at_places(graph, chain, whole, result))
        elif node is chain.pool:
            nodes += _maximum(graph, chain, value, result)
        else:
            nodes.append(_like(node, [value, *node.input[1:]], result))
        value = result
    return nodes


def _at_places(graph: Graph, chain: _Chain, whole: int, result: str) -> onnx.NodeProto:
    """Return the first convolution for the channels from `whole` on, each at every place of a window, window by window."""
    node, window = chain.first, _window(chain)
    weights, *bias = (graph.constants[name][whole:] for name in node.input[1:])
    channels, inputs, height, width = weights.shape
    kernel = (height + window - 1, width + window - 1)
    placed = np.zeros((channels, window, window, inputs, *kernel), weights.dtype)
    for y in range(window):
        for x in range(window):
            placed[:, y, x, :, y : y + height, x : x + width] = weights
    values = [placed.reshape(-1, inputs, *kernel), *(np.repeat(each, window**2) for each in bias)]
    names = [graph.add_constant(f"{name}.rest", each) for name, each in zip(node.input[1:], values, strict=True)]
    return _like(node, [node.input[0], *names], result, kernel_shape=kernel, strides=[window] * 2)


def _maximum(graph: Graph, chain: _Chain, value: str, result: str) -> list[onnx.NodeProto]:
    """Return the nodes that take the maximum over the places of a window."""
    sizes = (graph.shape(chain.pool.output[0]) or ())[2:]
    shape = graph.add_constant(f"{result}.shape", np.array([0, -1, _window(chain) ** 2, *sizes], np.int64))
    places = f"{result}.places"
    if graph.opset < _AXES_ARE_AN_INPUT:
        maximum = helper.make_node("ReduceMax", [places], [result], axes=[_PLACES], keepdims=0)
    else:
        axes = graph.add_constant(f"{result}.axes", np.array([_PLACES], np.int64))
        maximum = helper.make_node("ReduceMax", [places, axes], [result], keepdims=0)
    return [helper.make_node("Reshape", [value, shape], [places]), maximum]


def _like(node: onnx.NodeProto, inputs: Iterable[str], output: str, **attributes: Any) -> onnx.NodeProto:
    """Return a node that does the same with other values, but for the attributes that are given."""
    kept = [item for item in node.attribute if item.name not in attributes]
    made = helper.make_node(node.op_type, list(inputs), [output], **attributes)
    made.attribute.extend(kept)
    return made
