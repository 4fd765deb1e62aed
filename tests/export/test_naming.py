import numpy as np
from onnx_graphs import parse

from export.conversion.graph import Graph
from export.conversion.naming import declare_inputs, declared, name_values
from export.conversion.signature import Signature, TensorSpec

SIGNATURE = Signature(
    (TensorSpec("img", "float32", ("batch", 4)),),
    (TensorSpec("prediction", "float32", ("batch", 3)), TensorSpec("best", "int64", ("batch", 1))),
)
TEXT = """(float[D0,4] x) => (float[D1,3] t_0, int64[D2,1] i_7) {
    m = MatMul(x, fc_0_w_0) r = Reshape(m, helper_1) s = Softmax(r) v, i_7 = TopK(s, k_2) t_0 = Relu(s) }"""


def named() -> Graph:
    constants = {"fc_0_w_0": np.ones((4, 3), np.float32), "helper_1": np.array([-1, 3]), "k_2": np.array([1])}
    model = parse(TEXT, **constants)
    declare_inputs(model, SIGNATURE)
    graph = Graph(model)
    name_values(graph, SIGNATURE, ["fc_0_w_0", "removed_w_0"])
    return graph


def test_inputs_and_outputs_take_the_names_and_dimensions_of_the_signature():
    ends = ([declared(spec) for spec in specs] for specs in (SIGNATURE.inputs, SIGNATURE.outputs))
    graph = named().to_model("net", *ends).graph
    assert [value.name for value in (*graph.input, *graph.output)] == ["img", "prediction", "best"]
    assert {value.type.tensor_type.shape.dim[0].dim_param for value in (*graph.input, *graph.output)} == {"batch"}


def test_nodes_are_numbered_by_kind_and_values_are_called_after_them():
    graph = named()
    assert [node.name for node in graph.nodes] == ["MatMul_0", "Reshape_0", "Softmax_0", "TopK_0", "Relu_0"]
    assert list(graph.nodes[1].input) == ["MatMul_0_output_0", "Reshape_0_shape"]
    assert list(graph.nodes[3].output) == ["TopK_0_output_0", "best"]


def test_parameters_keep_the_name_that_they_have_in_the_paddle_program():
    assert set(named().constants) == {"fc_0_w_0", "Reshape_0_shape", "TopK_0_K"}
