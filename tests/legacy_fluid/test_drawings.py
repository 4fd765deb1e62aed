"""Programs as text and as drawings: debugger, graphviz, net_drawer."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

import legacy_fluid as fluid
from legacy_fluid import debugger, graphviz, layers, net_drawer
from legacy_fluid.proto import framework_pb2


@pytest.fixture(autouse=True)
def new_programs(fluid):
    return fluid


@pytest.fixture
def no_dot(monkeypatch):
    """A machine without Graphviz."""
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def loss():
    x, label = fluid.data("x", [None, 4]), fluid.data("label", [None, 1], "int64", lod_level=1)
    return layers.mean(layers.cross_entropy(layers.fc(x, 3, act="softmax"), label))


def message(op):
    return framework_pb2.OpDesc.FromString(op.desc.serialize_to_string())


def test_a_program_as_text(loss):
    layers.array_write(layers.fill_constant([2], "float32", 1.5), layers.zeros([1], "int64"))
    fluid.optimizer.SGD(0.1).minimize(loss)
    text = debugger.pprint_program_codes(fluid.default_main_program())
    lines = text.splitlines()
    assert lines[:2] == ["// block-0  parent--1", "// variables"]
    for line in (
        "Tensor x (tensor(type=float32, shape=[-1, 4]))",
        "LoDTensor label (level=1, tensor(type=int64, shape=[-1, 1]))",
        "fill_constant_0.tmp_0 = 1.5 [shape=[2]]",
    ):
        assert line in lines
    assert any(line.startswith("TensorArray array_write_0.out (level=0, tensor(") for line in lines)
    assert any(line.startswith("fc_0.tmp_0 = mul(X=x, Y=fc_0.w_0) [{") and "x_num_col_dims=1" in line for line in lines)
    assert "@GRAD" not in text
    block = fluid.default_main_program().global_block()
    assert "fc_0.w_0@GRAD" in debugger.pprint_block_codes(block, show_backward=True)


def test_parts_of_a_program_as_text():
    rows = (
        fluid.default_main_program()
        .global_block()
        .create_var(name="rows", type=fluid.core.VarDesc.VarType.SELECTED_ROWS, shape=[3, 2], dtype="float64")
    )
    desc = framework_pb2.VarDesc.FromString(rows.desc.serialize_to_string())
    assert debugger.repr_var(desc) == "SelectedRows rows (tensor(type=float64, shape=[3, 2]))"
    assert debugger.repr_lodtensor(desc) is debugger.repr_tensor_array(desc) is None
    op = layers.cast(fluid.data("x", [2]), "float64").op
    attributes = dict(debugger.repr_attr(attribute)[1] for attribute in message(op).attrs)
    assert attributes["out_dtype"] == 6
    assert debugger.repr_op(message(op)).startswith("cast_0.tmp_0 = cast(X=x) [{")
    assert [debugger.repr_data_type(number) for number in (0, 3, 4, 5)] == ["bool", "int64", "float16", "float32"]


def test_a_block_as_a_drawing(loss, no_dot, tmp_path, caplog):
    path = tmp_path / "block.dot"
    debugger.draw_block_graphviz(loss.block, highlights=["fc_0.w.*", "softmax"], path=str(path))
    drawing = path.read_text()
    assert drawing.startswith("digraph G {\n")
    assert drawing.endswith("}")
    nodes = dict(re.findall(r"^(\w+) \[label=(.*?) ,", drawing, re.MULTILINE | re.DOTALL))
    kinds = {name: kind for name in nodes for kind in ("op", "param", "arg") if name.startswith(f"{kind}_")}
    assert sorted(kinds.values()) == sorted(
        [*["op"] * len(loss.block.ops), *["param"] * 2, *["arg"] * (len(loss.block.vars) - 2)]
    )
    (product,) = [name for name, label in nodes.items() if label == "<<B>mul</B>>"]
    into = {nodes[source] for source in re.findall(rf"^(\w+) -> {product} ", drawing, re.MULTILINE)}
    assert any("fc_0.w_0" in label for label in into)
    assert '"x"' in into
    assert re.search(r'label=<<B>softmax</B>> ,color="orange"', drawing)
    assert re.search(r'label=<<B>mean</B>> ,color="#303A3A"', drawing)
    assert "install Graphviz" in caplog.text


def test_a_graph_is_its_description(no_dot, tmp_path):
    graph = graphviz.Graph("title", rankdir="TB", size=3)
    row = graph.rank_group("same", 1)
    first, second = graph.node('"a"', "n", rank=row, shape="box"), graph.node("b", "n")
    graph.edge(first, second, color="red")
    graph.edge(second, first)
    lines = graph.code().splitlines()
    assert lines[:4] == ["digraph G {", 'title = "title"', 'rankdir="TB";', "size=3;"]
    assert f"{{rank=same;{first.name}}}" in lines
    assert f'{first.name} [label="a" ,shape="box" ];' in lines
    assert f'{first.name} -> {second.name} [color="red"]' in lines
    assert f"{second.name} -> {first.name} " in lines
    assert graph.compile(str(tmp_path / "g.dot")) == str(tmp_path / "g.pdf")
    assert (tmp_path / "g.dot").read_text().startswith("digraph G {")


def test_a_program_as_a_graph(loss, no_dot, tmp_path):
    path = tmp_path / "net.dot"
    graph = net_drawer.draw_graph(
        fluid.default_startup_program(), fluid.default_main_program(), filename=str(path), graph_attr={"rankdir": "LR"}
    )
    ops = [*fluid.default_startup_program().global_block().ops, *loss.block.ops]
    labels = [node.label for node in graph.nodes]
    assert sorted(re.sub(r"_\d+$", "", label) for label in labels if label != "Feed") == sorted(op.type for op in ops)
    edges = {(edge.source.label, edge.target.label, edge.attrs["label"]) for edge in graph.edges}
    assert ("Feed", "mul_0", "X(x)") in edges
    assert ("mul_0", "elementwise_add_1", "X(fc_0.tmp_0)") in edges
    assert 'rankdir="LR";' in path.read_text()


def test_parts_of_a_graph(loss):
    op = message(loss.block.ops[0])
    node = net_drawer.draw_node(op)
    assert (node["name"], node["label"], node["shape"]) == ("mul", "mul", "oval")
    slot = SimpleNamespace(parameter="X")
    edge = net_drawer.draw_edge({"x": "Feed"}, op, slot, "x")
    assert edge == {"label": "X(x)", "head_name": "mul", "tail_name": "Feed"}
    count = net_drawer.unique_id()
    assert count() + 1 == count()


def test_a_failed_run_leaves_its_state(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    x = fluid.data("x", [None, 4])
    out = layers.fc(x, 1)
    program = fluid.default_main_program()
    before = len(program.global_block().ops)
    debugger.prepare_fast_nan_inf_debug(program)
    assert [op.type for op in program.global_block().ops[before:]] == ["sum"] * 5
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    ones = np.ones((2, 4), "float32")
    (value,) = debugger.run_fast_nan_inf_debug(exe, program, feed={"x": ones}, fetch_list=[out])
    assert value.shape == (2, 1)
    assert debugger.run_fast_nan_inf_debug(exe, program, feed={"x": ones[:, :3]}, fetch_list=[out]) is None
    (core,) = tmp_path.glob("core*.pdckpt")
    assert f"dumping a core into ./{core.name}" in capsys.readouterr().out
    assert core.stat().st_size > 20
