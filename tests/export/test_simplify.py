import numpy as np
import onnx
import pytest
from onnx_graphs import answers, kinds, parse, rebuilt

from export.conversion import simplify as passes
from export.conversion.graph import Graph

X = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)


def check(model: onnx.ModelProto, graph: Graph, x: np.ndarray = X) -> None:
    """The graph is valid and gives bit for bit what the model gave."""
    for before, after in zip(answers(model, x=x), answers(rebuilt(graph, model), x=x), strict=True):
        np.testing.assert_array_equal(after, before)


IDLE = {
    "Identity(x)": {},
    "Cast<to=1>(x)": {},
    "Transpose<perm=[0,1,2]>(x)": {},
    "Reshape(x, k)": {"k": np.array([0, 3, -1])},
    "Expand(x, k)": {"k": np.array([1, 3, 1])},
    "Tile(x, k)": {"k": np.array([1, 1, 1])},
    "Add(x, k)": {"k": np.zeros((1, 3, 1), np.float32)},
    "Sub(x, k)": {"k": np.zeros(1, np.float32)},
    "Mul(x, k)": {"k": np.ones(4, np.float32)},
    "Div(x, k)": {"k": np.ones((), np.float32)},
    "Concat<axis=1>(x)": {},
    "Sum(x)": {},
}


@pytest.mark.parametrize(("node", "constants"), IDLE.items())
def test_a_node_that_gives_back_its_input_is_removed(node, constants):
    model = parse(f"(float[N,3,4] x) => (float[N,3,4] y) {{ i = {node} y = Relu(i) }}", **constants)
    graph = Graph(model)
    assert passes.remove_identities(graph) == 1
    assert kinds(graph) == ["Relu"]
    check(model, graph)


BUSY = {
    "Cast<to=11>(x)": ({}, "double[N,3,4]"),
    "Transpose<perm=[0,2,1]>(x)": ({}, "float[N,4,3]"),
    "Reshape(x, k)": ({"k": np.array([0, 4, 3])}, "float[N,4,3]"),
    "Expand(x, k)": ({"k": np.array([2, 1, 1, 1])}, "float[2,N,3,4]"),
    "Add(x, k)": ({"k": np.array([0, 0, 0, 1], np.float32)}, "float[N,3,4]"),
    "Mul(x, k)": ({"k": np.ones((5, 1, 1, 1), np.float32)}, "float[5,N,3,4]"),
    "Sub(k, x)": ({"k": np.zeros(1, np.float32)}, "float[N,3,4]"),
}


@pytest.mark.parametrize(("node", "case"), BUSY.items())
def test_a_node_that_changes_something_stays(node, case):
    constants, after = case
    model = parse(f"(float[N,3,4] x) => ({after} y) {{ i = {node} y = Neg(i) }}", **constants)
    graph = Graph(model)
    assert passes.remove_identities(graph) == 0
    check(model, graph)


def test_an_identity_between_input_and_output_stays_because_an_output_must_be_computed():
    model = parse("(float[N,3,4] x) => (float[N,3,4] y) { y = Identity(x) }")
    graph = Graph(model)
    assert passes.remove_identities(graph) == 0
    check(model, graph)


def test_two_outputs_that_are_one_value_stay_two():
    model = parse(
        "(float[N,3,4] x) => (float[N,3,4] y, float[N,3,4] z) { r = Relu(x) y = Identity(r) z = Identity(r) }"
    )
    graph = Graph(model)
    assert passes.remove_identities(graph) == 1
    assert kinds(graph) == ["Relu", "Identity"]
    check(model, graph)


def test_what_a_subgraph_reads_is_left_alone():
    model = parse(
        """(float[N,3,4] x, bool c) => (float[N,3,4] y) {
            i = Identity(x)
            y = If (c) <then_branch = yes () => (float[N,3,4] t) { t = Relu(i) },
                        else_branch = no () => (float[N,3,4] e) { e = Neg(i) }> }"""
    )
    graph = Graph(model)
    passes.simplify(graph)
    assert kinds(graph) == ["Identity", "If"]


def test_nodes_over_constants_are_computed():
    model = parse(
        "(float[N,3,4] x) => (float[N,3,4] y) { m = Mul(w, k) r = Reshape(m, s) y = Add(x, r) }",
        w=np.arange(12, dtype=np.float32),
        k=np.full(12, 0.1, np.float32),
        s=np.array([3, 4]),
    )
    graph = Graph(model)
    assert passes.fold_constants(graph) == 2
    assert kinds(graph) == ["Add"]
    check(model, graph)


def test_a_constant_that_expanding_would_swell_is_left():
    model = parse(
        "(float[N,3,4] x) => (float[999,999] y) { y0 = Expand(w, s) y = Neg(y0) }",
        w=np.ones(1, np.float32),
        s=np.array([999, 999]),
    )
    graph = Graph(model)
    assert passes.fold_constants(graph) == 0


@pytest.mark.parametrize(
    ("read", "constants", "value"),
    [
        ("Gather(s, i)", {"i": np.array(2)}, 4),
        ("Gather(s, i)", {"i": np.array([-1, 1])}, [4, 3]),
        ("Slice(s, a, b)", {"a": np.array([1]), "b": np.array([3])}, [3, 4]),
        (
            "Slice(s, a, b, z, t)",
            {"a": np.array([2]), "b": np.array([0]), "z": np.array([0]), "t": np.array([-1])},
            [4, 3],
        ),
    ],
)
def test_a_fixed_size_read_out_of_a_shape_becomes_a_constant(read, constants, value):
    rank = f"[{len(value)}]" if isinstance(value, list) else ""
    model = parse(f"(float[N,3,4] x) => (int64{rank} y) {{ s = Shape(x) r = {read} y = Neg(r) }}", **constants)
    graph = Graph(model)
    assert passes.fold_shape_reads(graph) == 1
    np.testing.assert_array_equal(graph.constants["r"], value)


def test_a_free_size_read_out_of_a_shape_stays():
    model = parse("(float[N,3,4] x) => (int64 y) { s = Shape(x) r = Gather(s, i) y = Neg(r) }", i=np.array(0))
    graph = Graph(model)
    assert passes.fold_shape_reads(graph) == 0


def test_a_target_computed_from_shapes_becomes_a_constant():
    model = parse(
        """(float[N,3,4] x) => (float[N,12] y) {
            s = Shape(x) n = Slice(s, zero, one) t = Concat<axis=0>(n, twelve) y = Reshape(x, t) }""",
        zero=np.array([0]),
        one=np.array([1]),
        twelve=np.array([12]),
    )
    graph = Graph(model)
    passes.simplify(graph)
    assert kinds(graph) == ["Reshape"]
    assert graph.constants["y.shape"].tolist() == [0, 12]
    check(model, graph)


@pytest.mark.parametrize(
    ("chain", "after", "left"),
    [
        ("a = Unsqueeze(x, one) b = Squeeze(a, one)", "float[N,3,4]", ["Relu"]),
        ("a = Flatten<axis=1>(x) b = Reshape(a, back)", "float[N,3,4]", ["Relu"]),
        ("a = Flatten<axis=1>(x) b = Unsqueeze(a, one)", "float[N,1,12]", ["Reshape", "Relu"]),
    ],
)
def test_a_chain_of_reshapes_becomes_one_or_none(chain, after, left):
    model = parse(
        f"(float[N,3,4] x) => ({after} y) {{ {chain} y = Relu(b) }}", one=np.array([1]), back=np.array([-1, 3, 4])
    )
    graph = Graph(model)
    passes.simplify(graph)
    assert kinds(graph) == left
    check(model, graph)


def test_a_reshape_that_another_node_reads_is_not_merged():
    model = parse(
        """(float[N,3,4] x) => (float[N,12] y, float[N,1,12] z) {
            a = Flatten<axis=1>(x) y = Relu(a) z = Unsqueeze(a, one) }""",
        one=np.array([1]),
    )
    graph = Graph(model)
    assert passes.merge_reshapes(graph) == 0
    check(model, graph)


def test_a_reshape_of_a_target_is_not_merged_with_the_reshape_to_it():
    model = parse(
        "(float[2,3,4] x, int64[2,1] t) => (float[6,4] y) { u = Reshape(t, flat) y = Reshape(x, u) }",
        flat=np.array([2]),
    )
    graph = Graph(model)
    assert passes.merge_reshapes(graph) == 0


def test_what_no_output_depends_on_is_removed():
    model = parse(
        "(float[N,3,4] x) => (float[N,3,4] y) { d = Mul(x, k) e = Neg(d) y = Relu(x) }", k=np.ones(1, np.float32)
    )
    graph = Graph(model)
    assert passes.remove_dead_nodes(graph) == 2
    assert kinds(graph) == ["Relu"]
    assert not graph.constants
    check(model, graph)


def test_what_is_computed_twice_is_computed_once():
    model = parse(
        "(float[N,3,4] x) => (float[N,12] y) { a = Reshape(x, s) b = Reshape(x, t) c = Neg(a) d = Neg(b) y = Add(c, d) }",
        s=np.array([-1, 12]),
        t=np.array([-1, 12]),
    )
    graph = Graph(model)
    passes.simplify(graph)
    assert kinds(graph) == ["Reshape", "Neg", "Add"]
    check(model, graph)


def test_nodes_that_differ_in_an_attribute_or_are_random_stay_apart():
    model = parse(
        """(float[N,3,4] x) => (float[N,3,4] y) {
            a = Softmax<axis=1>(x) b = Softmax<axis=2>(x) c = RandomNormalLike(x) d = RandomNormalLike(x)
            e = Sub(a, b) f = Sub(c, d) y = Add(e, f) }"""
    )
    graph = Graph(model)
    assert passes.merge_equal_nodes(graph) == 0


def test_parameters_stay_apart_though_they_are_equal():
    model = parse(
        "(float[N,3,4] x) => (float[N,3,4] y) { a = Add(x, v) y = Mul(a, w) }",
        v=np.full(4, 2, np.float32),
        w=np.full(4, 2, np.float32),
    )
    graph = Graph(model)
    assert passes.merge_equal_constants(graph) == 0
