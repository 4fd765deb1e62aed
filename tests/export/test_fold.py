import numpy as np
import onnx
import pytest
from onnx_graphs import answers, kinds, parse, rebuilt

from export.conversion.fold import fold, fold_bias
from export.conversion.graph import Graph

NORM = "BatchNormalization({}, scale, shift, mean, var)"
random = np.random.default_rng(4)


def normal(*shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(np.float32)


def statistics(channels: int) -> dict[str, np.ndarray]:
    """Scale, shift, mean and variance of a batch_norm, none of them trivial."""
    positive = random.uniform(0.3, 3, (2, channels)).astype(np.float32)
    return {"scale": positive[0], "shift": normal(channels), "mean": normal(channels), "var": positive[1]}


def check_same_answers(model: onnx.ModelProto, graph: Graph, x: np.ndarray) -> None:
    for before, after in zip(answers(model, x=x), answers(rebuilt(graph, model), x=x), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("convolution", "weights", "bias"),
    [
        ("Conv<pads=[1,1,1,1]>(x, w, b)", (6, 4, 3, 3), True),
        ("Conv<strides=[2,2]>(x, w)", (6, 4, 3, 3), False),
        ("Conv<group=2>(x, w, b)", (6, 2, 3, 3), True),
        ("ConvTranspose<strides=[2,2]>(x, w, b)", (4, 6, 3, 3), True),
        ("ConvTranspose<group=2>(x, w)", (4, 3, 2, 2), False),
    ],
)
def test_a_batch_norm_folds_into_the_convolution_before_it_whatever_the_padding(convolution, weights, bias):
    text = f"(float[N,4,7,7] x) => (float[N,6,H,W] y) {{ c = {convolution} y = {NORM.format('c')} }}"
    constants = {"w": normal(*weights), **({"b": normal(6)} if bias else {}), **statistics(6)}
    model = parse(text, **constants)
    graph = Graph(model)
    report = fold(graph)
    assert kinds(graph) == [convolution.split("<")[0]]
    assert list(report.folded) == ["y"]
    assert not report.kept
    check_same_answers(model, graph, normal(3, 4, 7, 7))


@pytest.mark.parametrize(("group", "weights", "bias"), [(1, (6, 4, 3, 3), True), (2, (6, 2, 3, 3), False)])
def test_a_batch_norm_folds_into_the_convolution_after_it_where_that_does_not_pad(group, weights, bias):
    text = f"""(float[N,4,8,8] x) => (float[N,6,H,W] y) {{
        p = MaxPool<kernel_shape=[2,2]>(x)
        n = BatchNormalization(p, scale, shift, mean, var)
        y = Conv<group={group}>(n, w{", b" if bias else ""}) }}"""
    model = parse(text, w=normal(*weights), **({"b": normal(6)} if bias else {}), **statistics(4))
    graph = Graph(model)
    report = fold(graph)
    assert kinds(graph) == ["MaxPool", "Conv"]
    assert report.folded == {"n": "into the Conv after it"}
    check_same_answers(model, graph, normal(3, 4, 8, 8))


def test_folded_weights_are_the_float64_product_rounded_once():
    model = parse(
        f"(float[N,4,8,8] x) => (float[N,6,6,6] y) {{ n = {NORM.format('x')} y = Conv(n, w, b) }}",
        w=normal(6, 4, 3, 3),
        b=normal(6),
        **statistics(4),
    )
    graph = Graph(model)
    before = {name: value.astype(np.float64) for name, value in graph.constants.items()}
    fold(graph)
    scale = before["scale"] / np.sqrt(before["var"] + np.float64(np.float32(1e-5)))
    shift = before["shift"] - before["mean"] * scale
    weights = before["w"] * scale[:, None, None]
    bias = before["b"] + (before["w"] * shift[:, None, None]).sum(axis=(1, 2, 3))
    np.testing.assert_array_equal(graph.constants["w"], weights.astype(np.float32))
    np.testing.assert_allclose(graph.constants["b"], bias, rtol=2e-7)


REFUSED = {
    "pads by [1, 1, 1, 1]": ("y = Conv<pads=[1,1,1,1]>(n, w, b)", ""),
    "pads": ('y = Conv<auto_pad="SAME_UPPER">(n, w, b)', ""),
    "several readers": ("y = Conv(n, w, b) z = Relu(n)", ", float[N,4,8,8] z"),
    "is Relu, not a convolution": ("r = Relu(n) y = Conv(r, w, b)", ""),
}


@pytest.mark.parametrize(("reason", "rest", "outputs"), [(reason, *case) for reason, case in REFUSED.items()])
def test_a_fold_that_would_not_be_exact_is_refused_and_says_why(reason, rest, outputs):
    text = f"(float[N,4,8,8] x) => (float[N,6,H,W] y{outputs}) {{ n = {NORM.format('x')} {rest} }}"
    model = parse(text, w=normal(6, 4, 3, 3), b=normal(6), **statistics(4))
    graph = Graph(model)
    report = fold(graph)
    assert "BatchNormalization" in kinds(graph)
    assert reason in report.kept["n"]
    check_same_answers(model, graph, normal(2, 4, 8, 8))


def test_a_convolution_whose_output_is_read_elsewhere_keeps_its_weights():
    text = """(float[N,4,8,8] x) => (float[N,6,6,6] y, float[N,6,6,6] z) {
        c = Conv(x, w, b) y = BatchNormalization(c, scale, shift, mean, var) z = Relu(c) }"""
    model = parse(text, w=normal(6, 4, 3, 3), b=normal(6), **statistics(6))
    graph = Graph(model)
    report = fold(graph)
    assert "other readers" in report.kept["y"]
    check_same_answers(model, graph, normal(2, 4, 8, 8))


def test_a_batch_norm_over_weights_that_are_computed_is_refused():
    text = """(float[N,4,8,8] x) => (float[N,6,6,6] y) {
        v = Abs(w) c = Conv(x, v) y = BatchNormalization(c, scale, shift, mean, var) }"""
    model = parse(text, w=normal(6, 4, 3, 3), **statistics(6))
    graph = Graph(model)
    assert "not constants" in fold(graph).kept["y"]


def test_weights_that_two_convolutions_share_change_for_one_alone():
    text = """(float[N,4,8,8] x) => (float[N,4,4,4] y) {
        a = Conv(x, w, b) c = Conv(a, w, b) y = BatchNormalization(c, scale, shift, mean, var) }"""
    model = parse(text, w=normal(4, 4, 3, 3), b=normal(4), **statistics(4))
    graph = Graph(model)
    fold(graph)
    assert kinds(graph) == ["Conv", "Conv"]
    check_same_answers(model, graph, normal(2, 4, 8, 8))


@pytest.mark.parametrize("shape", [(6, 1, 1), (1, 6, 1, 1), (1,)])
def test_a_number_a_channel_added_behind_a_convolution_becomes_its_bias(shape):
    model = parse(
        "(float[N,4,8,8] x) => (float[N,6,6,6] y) { c = Conv(x, w) y = Add(k, c) }",
        w=normal(6, 4, 3, 3),
        k=normal(*shape),
    )
    graph = Graph(model)
    assert fold_bias(graph, graph.nodes[1])
    assert kinds(graph) == ["Conv"]
    check_same_answers(model, graph, normal(2, 4, 8, 8))


@pytest.mark.parametrize("shape", [(6, 6, 1), (1, 1, 1, 6), (2, 6, 1, 1)])
def test_an_addition_that_is_no_bias_is_left(shape):
    model = parse(
        "(float[2,4,8,8] x) => (float[2,6,6,6] y) { c = Conv(x, w) y = Add(c, k) }",
        w=normal(6, 4, 3, 3),
        k=normal(*shape),
    )
    graph = Graph(model)
    assert not fold_bias(graph, graph.nodes[1])
    assert kinds(graph) == ["Conv", "Add"]


def test_one_channel_added_to_by_several_is_no_bias():
    model = parse(
        "(float[2,4,8,8] x) => (float[2,6,6,6] y) { c = Conv(x, w) y = Add(c, k) }",
        w=normal(1, 4, 3, 3),
        k=normal(6, 1, 1),
    )
    graph = Graph(model)
    assert not fold_bias(graph, graph.nodes[1])
