"""Programs and ONNX files read as networks, and their table of layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import write_small_onnx

import legacy_fluid as fluid
from fluidline.errors import DataError
from pipeline import graphs
from pipeline.config import TrainConfig
from pipeline.inspect.from_onnx import read_onnx
from pipeline.inspect.from_program import forward, part_to, program_text, read_program
from pipeline.inspect.layers import layer_table
from pipeline.inspect.network import Network


def network_of(graph: Any, shape: tuple[int, ...] = (1, 28, 28)) -> Network:
    program = fluid.Program()
    with fluid.program_guard(program, fluid.Program()), fluid.unique_name.guard():
        output = graph(fluid.layers.data("img", list(shape)))
    return read_program(forward(program, output.name), output.name, "a program")


def test_lenet_is_read_with_its_settings_shapes_and_parameters() -> None:
    network = network_of(graphs.lenet)
    rows = layer_table(network).rows
    assert [row["operator"] for row in rows] == [
        "conv2d", "elementwise_add", "relu", "pool2d", "batch_norm", "conv2d", "elementwise_add", "relu", "pool2d",
        "mul", "elementwise_add", "softmax",
    ]  # fmt: skip
    assert rows[0]["settings"] == {"kernel": [5, 5], "stride": [1, 1], "padding": [0, 0]}
    assert (rows[0]["input"], rows[0]["output"]) == ([["N", 1, 28, 28]], [["N", 20, 24, 24]])
    assert rows[3]["settings"] == {"kernel": [2, 2], "stride": [2, 2], "padding": [0, 0], "type": "max"}
    assert sum(row["parameters"] for row in rows) == 500 + 20 + 40 + 25_000 + 50 + 8_000 + 10
    assert layer_table(network).notes == ["33,620 parameters in all, and 40 numbers of statistics that are not learnt"]


def test_a_layer_gives_what_its_last_operator_gives() -> None:
    outputs = network_of(graphs.lenet).layer_outputs()
    assert {layer: tensor.name for layer, tensor in outputs.items()} == {
        "conv2d_0": "conv2d_0.tmp_2",
        "pool2d_0": "pool2d_0.tmp_0",
        "batch_norm_0": "batch_norm_0.tmp_2",
        "conv2d_1": "conv2d_1.tmp_2",
        "pool2d_1": "pool2d_1.tmp_0",
        "fc_0": "fc_0.tmp_2",
    }


def test_settings_that_are_no_one_s_choice_are_left_out_and_others_are_there() -> None:
    def graph(img: Any) -> Any:
        hidden = fluid.layers.conv2d(img, 4, 3, stride=2, padding=1, dilation=2)
        hidden = fluid.layers.pool2d(hidden, pool_type="avg", global_pooling=True)
        return fluid.layers.leaky_relu(hidden, alpha=0.25)

    conv, _, pool, leaky = network_of(graph).operators
    assert conv.settings == {"kernel": [3, 3], "stride": [2, 2], "padding": [1, 1], "dilation": [2, 2]}
    assert pool.settings == {"type": "avg", "global_pooling": True}
    assert leaky.settings == {"alpha": 0.25}


def test_branches_are_joined_as_the_program_joins_them() -> None:
    def graph(img: Any) -> Any:
        hidden = fluid.layers.relu(img)
        return fluid.layers.elementwise_add(fluid.layers.sigmoid(hidden), hidden)

    network = network_of(graph)
    edges = [(maker, user) for maker, user, _ in network.edges()]
    assert edges == [(None, 0), (0, 1), (1, 2), (0, 2), (2, None)]


def test_of_a_training_program_only_the_way_to_the_answer_is_read() -> None:
    from pipeline.program import build_programs

    config = TrainConfig(model="lenet", dropout=0.5)
    programs = build_programs(config, 10)
    output = programs.prediction.name
    in_use = read_program(forward(programs.train, output), output, "")
    in_training = read_program(part_to(programs.train, output), output, "")
    assert [tensor.name for tensor in in_use.inputs] == ["img"]
    assert {tensor.name for tensor in in_training.inputs} == {"img", *programs.dropout_seeds}
    assert [each.type for each in in_use.operators] == [each.type for each in in_training.operators]


def test_the_text_of_a_program_has_variables_and_operators_and_no_source_lines() -> None:
    program = fluid.Program()
    with fluid.program_guard(program, fluid.Program()), fluid.unique_name.guard():
        graphs.softmax(fluid.layers.data("img", [1, 28, 28]))
    text = program_text(program)
    assert "Tensor fc_0.w_0 (tensor(type=float32, shape=[784, 10]))" in text
    assert "fc_0.tmp_0 = mul(X=img, Y=fc_0.w_0)" in text
    assert "op_callstack" not in text
    assert "use_mkldnn" not in text


def test_an_onnx_file_is_read_with_constants_as_parameters_and_the_usual_left_out(tmp_path: Path) -> None:
    write_small_onnx(tmp_path / "model.onnx")
    network = read_onnx(tmp_path / "model.onnx")
    conv, relu, reshape = network.operators
    assert network.title == "model.onnx: opset 17"
    assert [(tensor.name, tensor.shape) for tensor in network.inputs] == [("img", ("batch", 1, 28, 28))]
    assert conv.settings == {"kernel": [3, 3], "padding": [1, 1, 1, 1]}
    assert relu.inputs[0].shape == ("batch", 4, 28, 28)
    assert [(each.name, each.shape, each.learnt) for each in conv.parameters] == [("filters", (4, 1, 3, 3), True)]
    assert [(each.shape, each.dtype, each.learnt) for each in reshape.parameters] == [((2,), "int64", False)]


def test_a_torn_onnx_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\xff" * 100)
    with pytest.raises(DataError, match=r"model\.onnx is not an ONNX file"):
        read_onnx(tmp_path / "model.onnx")
