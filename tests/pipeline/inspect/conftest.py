"""A run that was looked into."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fluidline.runs import RunFolder
from pipeline.config import TrainConfig
from pipeline.inspect.command import Inspection, inspect_run
from pipeline.train import train


@pytest.fixture(scope="session")
def trained(squares: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A LeNet trained for one pass on squares, with an ONNX file in its manifest; read it, do not write to it."""
    runs = tmp_path_factory.mktemp("inspected")
    options = TrainConfig(
        model="lenet", data=str(squares), runs_dir=str(runs), epochs=1, batch_size=32, learning_rate=0.0003, dropout=0.2
    )
    train(options, [])
    run = RunFolder(runs / "lenet")
    write_small_onnx(run.onnx)
    run.write_stage("onnx", [run.onnx], {}, parent=None)
    return run


@pytest.fixture(scope="session")
def inspected(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    """What is found in it."""
    return inspect_run(trained, image="3", out=tmp_path_factory.mktemp("found") / "inspect")


def write_small_onnx(path: Path) -> None:
    """Write a convolution, relu and a reshape by a constant as an ONNX file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = numpy_helper.from_array(np.ones((4, 1, 3, 3), np.float32), "filters")
    shape = numpy_helper.from_array(np.array([0, -1], np.int64), "shape_value")
    nodes = [
        helper.make_node("Conv", ["img", "filters"], ["maps"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=1),
        helper.make_node("Relu", ["maps"], ["positive"]),
        helper.make_node("Constant", [], ["shape"], value=shape),
        helper.make_node("Reshape", ["positive", "shape"], ["flat"]),
    ]
    image = helper.make_tensor_value_info("img", TensorProto.FLOAT, ["batch", 1, 28, 28])
    flat = helper.make_tensor_value_info("flat", TensorProto.FLOAT, ["batch", 4 * 28 * 28])
    graph = helper.make_graph(nodes, "small", [image], [flat], [weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
