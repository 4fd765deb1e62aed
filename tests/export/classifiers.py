"""Small ONNX classifiers of 28x28 images, and images that they tell apart: a bright bar at a height for each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = 10


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
) -> Path:
    """Write a classifier of bars, or one of another input that has the same weights."""
    pixels = int(np.prod(size))
    weights = np.zeros((pixels, CLASSES), np.float32)
    for label in range(CLASSES):
        weights[: bar(0).size, label] = bar(label).ravel()[:pixels] / 255 / 8
    nodes = [helper.make_node("Flatten", ["img"], ["flat"]), helper.make_node("MatMul", ["flat", "weights"], ["sums"])]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["sums"], ["prediction"], axis=1))
    graph = helper.make_graph(
        nodes,
        "bars",
        [helper.make_tensor_value_info("img", TensorProto.FLOAT, [batch, *size])],
        [helper.make_tensor_value_info("prediction" if softmax else "sums", TensorProto.FLOAT, [batch, CLASSES])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return path
