"""Small ONNX classifiers of images, and images that they tell apart: a bright bar at a height for each class.

And models that give a value: the sum of what they take, less `LESS`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = 10
LESS = 0.5


def bar(label: int) -> np.ndarray:
    """Return a uint8 [28, 28] image of a bar on black."""
    image = np.zeros((28, 28), np.uint8)
    image[2 * label + 4 : 2 * label + 6, 6:22] = 255
    return image


def write_classifier(
    path: Path,
    metadata: dict[str, str] | None = None,
    batch: int | str = "batch",
    size: tuple[int, ...] = (1, 28, 28),
    softmax: bool = True,
    classes: int = CLASSES,
) -> Path:
    """Write a classifier of bars, or one of another input that has the same weights."""
    pixels = int(np.prod(size))
    weights = np.zeros((pixels, classes), np.float32)
    for label in range(CLASSES):
        weights[: bar(0).size, label] = bar(label).ravel()[:pixels] / 255 / 8
    nodes = [helper.make_node("Flatten", ["img"], ["flat"]), helper.make_node("MatMul", ["flat", "weights"], ["sums"])]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["sums"], ["prediction"], axis=1))
    output = "prediction" if softmax else "sums"
    return _save(
        path, nodes, {"weights": weights}, ("img", [batch, *size]), (output, [batch, classes]), metadata=metadata
    )


def write_value(path: Path, metadata: dict[str, str] | None = None, size: tuple[int, ...] = (1, 28, 28)) -> Path:
    """Write a model of images or rows that gives a value."""
    axes = np.arange(1, 1 + len(size), dtype=np.int64)
    nodes = [
        helper.make_node("ReduceSum", ["x", "axes"], ["sum"], keepdims=0),
        helper.make_node("Sub", ["sum", "less"], ["flat"]),
        helper.make_node("Unsqueeze", ["flat", "last"], ["value"]),
    ]
    constants = {"axes": axes, "less": np.float32(LESS), "last": np.array([1])}
    return _save(path, nodes, constants, ("x", ["batch", *size]), ("value", ["batch", 1]), metadata=metadata)


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray],
    *ends: tuple[str, list[int | str]],
    metadata: dict[str, str] | None,
) -> Path:
    source, target = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ends)
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "small", [source], [target], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return path
