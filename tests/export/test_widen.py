import numpy as np
import pytest
from onnx_graphs import answers, parse, rebuilt

from export.conversion.graph import Graph
from export.conversion.widen import widen

random = np.random.default_rng(6)


def normal(*shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(np.float32)


LENET = """(float[N,1,12,12] x) => (float[N,5] y) {
    a = Conv(x, w, b) r = Relu(a) p = MaxPool<kernel_shape=[2,2],strides=[2,2]>(r)
    c = Conv(p, v) t = Tanh(c) q = AveragePool<kernel_shape=[3,3]>(t)
    f = Flatten(q) y = %s }"""


@pytest.mark.parametrize(
    ("product", "matrix"), [("MatMul(f, m)", (7, 5)), ("Gemm(f, m)", (7, 5)), ("Gemm<transB=1>(f, m)", (5, 7))]
)
def test_channels_are_filled_up_and_the_answers_stay(product, matrix):
    model = parse(LENET % product, w=normal(3, 1, 3, 3), b=normal(3), v=normal(7, 3, 3, 3), m=normal(*matrix))
    graph = Graph(model)
    assert widen(graph, 4) == ["a", "c"]
    assert graph.constants["w"].shape == (4, 1, 3, 3)
    assert graph.constants["v"].shape == (8, 4, 3, 3)
    x = normal(2, 1, 12, 12)
    np.testing.assert_allclose(answers(rebuilt(graph, model), x=x)[0], answers(model, x=x)[0], rtol=1e-5, atol=1e-5)


def test_each_channel_takes_its_own_rows_of_the_matrix():
    text = "(float[N,2,4,4] x) => (float[N,5] y) { a = Conv(x, w) f = Flatten(a) y = MatMul(f, m) }"
    model = parse(text, w=normal(3, 2, 3, 3), m=normal(12, 5))
    graph = Graph(model)
    assert widen(graph, 8) == ["a"]
    assert graph.constants["m"].shape == (32, 5)
    x = normal(2, 2, 4, 4)
    np.testing.assert_allclose(answers(rebuilt(graph, model), x=x)[0], answers(model, x=x)[0], rtol=1e-5, atol=1e-5)


LEFT = {
    "is an output": "y = Conv(x, w)",
    "has two readers": "a = Conv(x, w) r = Relu(a) t = Tanh(a) y = Add(r, t)",
    "meets a sum over channels": "a = Conv(x, w) y = Softmax<axis=1>(a)",
    "is grouped": "a = Conv<group=2>(x, g) y = Conv(a, v)",
    "meets a grouped one": "a = Conv(x, w) y = Conv<group=3>(a, g)",
    "fits already": "a = Conv(x, fits) y = Conv(a, v4)",
    "shares its weights": "a = Conv(x, w) b = Relu(a) c = Conv(b, v) d = Conv(x, w) e = Conv(d, v) y = Add(c, e)",
}


@pytest.mark.parametrize("nodes", LEFT.values(), ids=LEFT.keys())
def test_a_convolution_is_left_alone_that(nodes):
    constants = {"w": (3, 2, 1, 1), "v": (6, 3, 1, 1), "g": (3, 1, 1, 1), "fits": (4, 2, 1, 1), "v4": (6, 4, 1, 1)}
    if "group=2" in nodes:
        constants |= {"g": (6, 1, 1, 1), "v": (6, 6, 1, 1)}
    used = {name: normal(*shape) for name, shape in constants.items() if f", {name})" in nodes}
    model = parse(f"(float[N,2,4,4] x) => (float[N,C,4,4] y) {{ {nodes} }}", **used)
    graph = Graph(model)
    assert widen(graph, 4) == []
    for name, value in used.items():
        np.testing.assert_array_equal(graph.constants[name], value)
