"""Folds of an ONNX graph: arithmetic with constants that moves into a convolution's weights, exact up to rounding.

Each fold computes the new weights in float64 and rounds once. Where it would change what the graph computes it is
refused, and the refusal says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx

from export.conversion.graph import Graph, attribute, set_inputs


@dataclass(frozen=True)
class FoldReport:
    """What became of each batch_norm, by the name of its output in the Paddle program."""

    folded: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)


class _RefusalError(Exception):
    """A fold would not be exact; the message says why."""


def fold(graph: Graph) -> FoldReport:
    """Fold added biases and batch_norms into convolutions."""
    for node in list(graph.nodes):
        if node.op_type == "Add":
            fold_bias(graph, node)
    report = FoldReport()
    for node in list(graph.nodes):
        if node.op_type == "BatchNormalization":
            fold_batch_norm(graph, node, report)
    return report


def fold_bias(graph: Graph, add: onnx.NodeProto) -> bool:
    """Make an Add of one number a channel the bias of the convolution before it; False where it is something else."""
    for value, operand in (add.input, reversed(add.input)):
        convolution = graph.producer(value)
        if convolution is None or convolution.op_type not in ("Conv", "ConvTranspose"):
            continue
        constant, rank = graph.constants.get(operand), len(graph.shape(value) or ())
        if constant is None or graph.only_user(value) is not add or not _is_per_channel(constant, rank):
            continue
        try:
            weights, bias = _weights(graph, convolution)
        except _RefusalError:
            return False
        if constant.size not in (1, bias.size):  # one channel, broadcast to several, is more than a bias
            return False
        _replace(graph, convolution, weights, bias + constant.reshape(-1))
        _take_output(graph, convolution, add)
        return True
    return False


def fold_batch_norm(graph: Graph, norm: onnx.NodeProto, report: FoldReport) -> None:
    """Fold a batch_norm into the convolution before it, or else into the one after it, and report what was done."""
    reasons = []
    for attempt in (_into_previous, _into_next):
        try:
            report.folded[norm.output[0]] = attempt(graph, norm)
            return
        except _RefusalError as refusal:
            reasons.append(str(refusal))
    report.kept[norm.output[0]] = "; ".join(reasons)


def _into_previous(graph: Graph, norm: onnx.NodeProto) -> str:
    """W x + b, scaled and shifted, is (s W) x + (s b + t): exact whatever the padding."""
    scale, shift = _affine(graph, norm)
    convolution = graph.producer(norm.input[0])
    if convolution is None or convolution.op_type not in ("Conv", "ConvTranspose"):
        raise _RefusalError(
            f"before it is {'an input' if convolution is None else convolution.op_type}, not a convolution"
        )
    if graph.only_user(norm.input[0]) is not norm:
        raise _RefusalError("the convolution before it has other readers")
    weights, bias = _weights(graph, convolution)
    groups = attribute(convolution, "group", 1)
    if convolution.op_type == "Conv":  # weights [out, in / groups, ...]
        scaled = weights * scale.reshape(-1, *[1] * (weights.ndim - 1))
    else:  # weights [in, out / groups, ...]: the output channels of a group belong to its share of the inputs
        split = weights.reshape(groups, -1, *weights.shape[1:])
        scaled = (split * scale.reshape(groups, 1, -1, *[1] * (weights.ndim - 2))).reshape(weights.shape)
    _replace(graph, convolution, scaled, bias * scale + shift)
    _take_output(graph, convolution, norm)
    return f"into the {convolution.op_type} before it"


def _into_next(graph: Graph, norm: onnx.NodeProto) -> str:
    """W (s x + t) + b is (W s) x + (b + W t), wherever the convolution sees no padding: zeros would not be shifted."""
    scale, shift = _affine(graph, norm)
    convolution = graph.only_user(norm.output[0])
    if convolution is None:
        raise _RefusalError("after it are several readers, or it is an output")
    if convolution.op_type != "Conv" or convolution.input[0] != norm.output[0]:
        raise _RefusalError(f"after it is {convolution.op_type}, not a convolution")
    if attribute(convolution, "auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise _RefusalError("the convolution after it pads")
    if any(attribute(convolution, "pads", ())):
        raise _RefusalError(f"the convolution after it pads by {list(attribute(convolution, 'pads'))}")
    weights, bias = _weights(graph, convolution)
    groups = attribute(convolution, "group", 1)
    split = weights.reshape(groups, -1, *weights.shape[1:])  # [groups, out / groups, in / groups, ...]
    per_input = (groups, 1, -1, *[1] * (weights.ndim - 2))
    moved = (split * shift.reshape(per_input)).reshape(weights.shape[0], -1).sum(axis=1)
    scaled = (split * scale.reshape(per_input)).reshape(weights.shape)
    _replace(graph, convolution, scaled, bias + moved)
    set_inputs(convolution, [norm.input[0], *convolution.input[1:]])
    graph.remove(norm)
    return "into the Conv after it"


def _affine(graph: Graph, norm: onnx.NodeProto) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch_norm's scale and shift for each channel, in float64."""
    constants = [graph.constants.get(name) for name in norm.input[1:5]]
    if attribute(norm, "training_mode", 0) or any(constant is None for constant in constants):
        raise _RefusalError("its statistics are not constants")
    if any(graph.users(name) or name in graph.outputs for name in norm.output[1:] if name):
        raise _RefusalError("its statistics are read")
    gamma, beta, mean, variance = (np.asarray(constant, np.float64) for constant in constants)
    scale = gamma / np.sqrt(variance + attribute(norm, "epsilon", 1e-5))
    return scale, beta - mean * scale


def _weights(graph: Graph, convolution: onnx.NodeProto) -> tuple[np.ndarray, np.ndarray]:
    """Return a convolution's weights and its bias, zeros where it has none, in float64."""
    weights = graph.constants.get(convolution.input[1])
    if weights is None:
        raise _RefusalError("the convolution's weights are not constants")
    transposed = convolution.op_type == "ConvTranspose"
    channels = weights.shape[1] * attribute(convolution, "group", 1) if transposed else weights.shape[0]
    bias: np.ndarray | None = np.zeros(channels)
    if len(convolution.input) > 2:
        bias = graph.constants.get(convolution.input[2])
    if bias is None:
        raise _RefusalError("the convolution's bias is not a constant")
    return weights.astype(np.float64), bias.astype(np.float64)


def _replace(graph: Graph, convolution: onnx.NodeProto, weights: np.ndarray, bias: np.ndarray) -> None:
    """Give a convolution new weights and bias, under the old names unless another node reads those."""
    names = [convolution.input[1], convolution.input[2] if len(convolution.input) > 2 else ""]
    dtype = graph.constants[names[0]].dtype
    for index, value in enumerate((weights, bias)):
        name = names[index]
        if not name:
            names[index] = graph.add_constant(f"{names[0]}.bias", value.astype(dtype))
        elif len(graph.users(name)) > 1 or name in graph.outputs:
            names[index] = graph.add_constant(f"{name}.folded", value.astype(dtype))
        else:
            graph.constants[name] = value.astype(dtype)
    set_inputs(convolution, [convolution.input[0], *names])


def _take_output(graph: Graph, convolution: onnx.NodeProto, folded: onnx.NodeProto) -> None:
    """Let a convolution give what the node folded into it gave, and remove that node."""
    convolution.output[0] = folded.output[0]
    graph.remove(folded)


def _is_per_channel(constant: np.ndarray, rank: int) -> bool:
    """Say whether a constant, broadcast to [N, C, ...], is one number or one a channel."""
    aligned = (1,) * (rank - constant.ndim) + constant.shape
    return rank >= 3 and len(aligned) == rank and constant.size == aligned[1]
