import numpy as np
import pytest
from onnx_graphs import answers, parse, rebuilt

from export.conversion.graph import Graph
from export.conversion.part import part

random = np.random.default_rng(7)


def normal(*shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(np.float32)


NET = """(float[N,2,13,12] x) => (float[N,C,H,W] y) {
    a = Conv%s(x, w, b) r = Relu(a) p = MaxPool<kernel_shape=[2,2],strides=[2,2]>(r) t = Tanh(p)
    c = Conv%s(t, v) y = Sigmoid(c) }"""


@pytest.mark.parametrize("opset", [17, 18])
@pytest.mark.parametrize(("first", "second"), [("", ""), ("<pads=[1,0,2,1]>", "<pads=[1,1,1,1],strides=[2,1]>")])
def test_channels_beyond_whole_blocks_are_parted_and_the_answers_stay(first, second, opset):
    weights = {"w": normal(10, 2, 3, 3), "b": normal(10), "v": normal(7, 10, 3, 3)}
    model = parse(NET % (first, second), **weights)
    model.opset_import[0].version = opset
    graph = Graph(model)
    assert part(graph, 8) == ["a"]
    assert graph.constants["w"].shape == (8, 2, 3, 3)
    assert graph.constants["w.rest"].shape == (2 * 4, 2, 4, 4)
    assert graph.constants["v"].shape == (7, 8, 3, 3)
    assert graph.constants["v.rest"].shape == (7, 2, 3, 3)
    x = normal(3, 2, 13, 12)
    np.testing.assert_allclose(answers(rebuilt(graph, model), x=x)[0], answers(model, x=x)[0], rtol=1e-5, atol=1e-6)


def test_windows_of_three_have_nine_places():
    text = """(float[N,1,11,11] x) => (float[N,C,H,W] y) {
        a = Conv(x, w) p = MaxPool<kernel_shape=[3,3],strides=[3,3]>(a) l = Clip(p, low, high) y = Conv(l, v) }"""
    weights = {"w": normal(17, 1, 3, 3), "v": normal(4, 17, 2, 2), "low": np.float32(-1), "high": np.float32(1)}
    model = parse(text, **weights)
    graph = Graph(model)
    assert part(graph, 16) == ["a"]
    assert graph.constants["w.rest"].shape == (9, 1, 5, 5)
    x = normal(2, 1, 11, 11)
    np.testing.assert_allclose(answers(rebuilt(graph, model), x=x)[0], answers(model, x=x)[0], rtol=1e-5, atol=1e-5)


POOL = "MaxPool<kernel_shape=[2,2],strides=[2,2]>"
LEFT = {
    "has whole blocks": f"a = Conv(x, w8) p = {POOL}(a) y = Conv(p, v8)",
    "has less than a block": f"a = Conv(x, w3) p = {POOL}(a) y = Conv(p, v3)",
    "has too many beyond": f"a = Conv(x, w11) p = {POOL}(a) y = Conv(p, v11)",
    "is not pooled": "a = Conv(x, w10) r = Relu(a) y = Conv(r, v10)",
    "is pooled by windows that overlap": "a = Conv(x, w10) p = MaxPool<kernel_shape=[3,3],strides=[2,2]>(a) y = Conv(p, v10)",
    "is pooled to a size rounded up": f"a = Conv(x, w10) p = {POOL.replace('>', ',ceil_mode=1>')}(a) y = Conv(p, v10)",
    "moves on by two": f"a = Conv<strides=[2,2]>(x, w10) p = {POOL}(a) y = Conv(p, v10)",
    "has two readers": f"a = Conv(x, w10) p = {POOL}(a) q = {POOL}(a) s = Add(p, q) y = Conv(s, v10)",
    "meets a grouped one": f"a = Conv(x, w10) p = {POOL}(a) y = Conv<group=2>(p, g)",
    "meets a sum over channels": f"a = Conv(x, w10) p = {POOL}(a) y = Softmax<axis=1>(p)",
}


@pytest.mark.parametrize("nodes", LEFT.values(), ids=LEFT.keys())
def test_a_convolution_is_left_alone_that(nodes):
    constants = {f"w{count}": normal(count, 2, 3, 3) for count in (3, 8, 10, 11)}
    constants |= {f"v{count}": normal(4, count, 2, 2) for count in (3, 8, 10, 11)}
    constants |= {"g": normal(4, 5, 2, 2)}
    used = {name: value for name, value in constants.items() if f", {name})" in nodes}
    model = parse(f"(float[N,2,12,12] x) => (float[N,C,H,W] y) {{ {nodes} }}", **used)
    graph = Graph(model)
    before = [node.SerializeToString() for node in graph.nodes]
    assert part(graph, 8) == []
    assert [node.SerializeToString() for node in graph.nodes] == before
