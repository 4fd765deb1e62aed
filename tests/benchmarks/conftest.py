"""A model that is quick to make, for the benchmarks that serve one or predict with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file that takes images as a LeNet does; its weights are drawn."""
    weights = np.random.default_rng(0).normal(size=(784, 10)).astype(np.float32) / 28
    nodes = [
        helper.make_node("Flatten", ["img"], ["pixels"]),
        helper.make_node("MatMul", ["pixels", "weights"], ["sums"]),
        helper.make_node("Softmax", ["sums"], ["prediction"]),
    ]
    images = helper.make_tensor_value_info("img", TensorProto.FLOAT, ["batch", 1, 28, 28])
    answers = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["batch", 10])
    graph = helper.make_graph(nodes, "drawn", [images], [answers], [numpy_helper.from_array(weights, "weights")])
    file = tmp_path_factory.mktemp("model") / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
    return file
