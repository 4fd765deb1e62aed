"""Operators that the core has lost, as files of fluid 1.8 hold them, by value with NumPy as the judge."""

import numpy as np
import pytest
from programs import sequences, waves

X, Y = waves(4, 5), waves(4, 5, phase=1.0)
SIGN = np.array([[1], [-1], [1], [-1]], "float32")
IDS = np.array([[1], [3], [0]], "int64")
ZERO, ONE = np.zeros((1, 1), "float32"), np.ones((1, 1), "float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cosine(x, y):
    return (
        (x * y).sum(1, keepdims=True)
        / np.linalg.norm(x, axis=1, keepdims=True)
        / np.linalg.norm(y, axis=1, keepdims=True)
    )


def smooth(x, y, sigma):
    difference = np.abs(x - y)
    near = 0.5 * sigma**2 * difference**2
    return np.where(difference < 1 / sigma**2, near, difference - 0.5 / sigma**2).sum(1, keepdims=True)


def focal(x, label, gamma, alpha):
    wanted = (label == np.arange(1, x.shape[1] + 1)).astype("f8")
    p = sigmoid(x.astype("f8"))
    return -wanted * alpha * (1 - p) ** gamma * np.log(p) - (1 - wanted) * (1 - alpha) * p**gamma * np.log(1 - p)


def lstm_unit(gates, cell, bias):
    i, f, o, j = np.split(gates, 4, axis=1)
    cell = sigmoid(f + bias) * cell + sigmoid(i) * np.tanh(j)
    return {"C": cell, "H": sigmoid(o) * np.tanh(cell)}


OPERATORS = [
    ("cos_sim", {"X": X, "Y": Y}, {}, {"Out": cosine(X, Y)}),
    ("diag", {"Diagonal": X[0]}, {}, {"Out": np.diag(X[0])}),
    ("expand_as", {"X": X[:2], "target_tensor": Y}, {}, {"Out": np.tile(X[:2], (2, 1))}),
    ("flatten", {"X": X.reshape(2, 2, 5)}, {"axis": 2}, {"Out": X}),
    ("isfinite", {"X": X}, {}, {"Out": np.array([True])}),
    ("isfinite", {"X": np.array([1, np.inf], "float32")}, {}, {"Out": np.array([False])}),
    (
        "lstm_unit",
        {"X": waves(2, 12), "C_prev": waves(2, 3)},
        {"forget_bias": 0.5},
        lstm_unit(waves(2, 12), waves(2, 3), 0.5),
    ),
    (
        "margin_rank_loss",
        {"Label": SIGN, "X1": X[:, :1], "X2": Y[:, :1]},
        {"margin": 0.1},
        {"Out": np.maximum(0, -SIGN * (X - Y)[:, :1] + 0.1)},
    ),
    (
        "mean_iou",
        {"Predictions": np.array([0, 1, 2, 1], "int32"), "Labels": np.array([0, 1, 1, 2], "int32")},
        {"num_classes": 3},
        {
            "OutMeanIou": np.array([(1 + 1 / 3 + 0) / 3]),
            "OutWrong": np.array([0, 2, 2], "int32"),
            "OutCorrect": np.array([1, 1, 0], "int32"),
        },
    ),
    ("one_hot", {"X": IDS}, {"depth": 4, "allow_out_of_range": False}, {"Out": np.eye(4)[IDS[:, 0]]}),
    (
        "one_hot",
        {"X": IDS, "depth_tensor": np.array([5], "int32")},
        {"depth": 1, "allow_out_of_range": False},
        {"Out": np.eye(5)[IDS[:, 0]]},
    ),
    (
        "pad_constant_like",
        {"X": waves(3, 4), "Y": waves(2, 3)},
        {"pad_value": 0.5},
        {"Out": np.pad(waves(2, 3), ((0, 1), (0, 1)), constant_values=0.5)},
    ),
    (
        "sigmoid_focal_loss",
        {"X": X, "Label": np.array([[1], [0], [5], [2]], "int32"), "FgNum": np.array([2], "int32")},
        {"gamma": 2.0, "alpha": 0.25},
        {"Out": focal(X, np.array([[1], [0], [5], [2]]), 2.0, 0.25) / 2},
    ),
    ("smooth_l1_loss", {"X": X, "Y": Y}, {"sigma": 2.0}, {"Out": smooth(X, Y, 2.0)}),
    ("squeeze", {"X": X[:, None]}, {"axes": [1]}, {"Out": X}),
    ("unsqueeze", {"X": X}, {"axes": [1]}, {"Out": X[:, None]}),
    # A tree of three nodes: the first has the two others below it, and a depth of 1 is each node alone.
    (
        "tree_conv",
        {
            "NodesVector": waves(1, 3, 2),
            "EdgeSet": np.array([[[1, 2], [1, 3]]], "int32"),
            "Filter": waves(2, 3, 2, 1),
        },
        {"max_depth": 1},
        {"Out": np.einsum("bnf,fos->bnos", waves(1, 3, 2), waves(2, 3, 2, 1)[:, 2])},
    ),
]

# What the core still has, and takes otherwise than files of 1.8 say it.
CHANGED = [
    ("dot", {"X": X, "Y": Y}, {}, {"Out": (X * Y).sum(1, keepdims=True)}),
    (
        "linspace",
        {"Start": np.array([0], "float32"), "Stop": np.array([10], "float32"), "Num": np.array([5], "int32")},
        {},
        {"Out": np.linspace(0, 10, 5)},
    ),
    (
        "reduce_sum",
        {"X": np.arange(6, dtype="int32").reshape(2, 3)},
        {"dim": [1], "keep_dim": False, "reduce_all": False},
        {"Out": np.array([3, 12], "int32")},
    ),
    (
        "strided_slice",
        {"Input": X},
        {"axes": [0], "starts": [3], "ends": [0], "strides": [-2], "infer_flags": [1]},
        {"Out": X[[3, 1]]},
    ),
]


def declared(fluid, name, value, lengths=None):
    block = fluid.default_main_program().global_block()
    return block.create_var(name=name, shape=value.shape, dtype=str(value.dtype), lod_level=1 if lengths else 0)


def append(fluid, op_type, inputs, outputs, attrs):
    """Append an operator that the core does not know, as a file has it."""
    op = fluid.default_main_program().global_block().desc.append_op()
    op.set_type(op_type)
    for slots, put in ((inputs, op.set_input), (outputs, op.set_output)):
        for slot, name in slots.items():
            put(slot, [name])
    for name, value in {"op_role": 0, **attrs}.items():
        op._set_attr(name, value)


def answers(fluid, op_type, inputs, attrs, wanted, lengths=None):
    for slot, value in inputs.items():
        declared(fluid, slot.lower(), value, lengths)
    for slot, value in wanted.items():
        declared(fluid, f"result_{slot.lower()}", value)
    outputs = {slot: f"result_{slot.lower()}" for slot in wanted}
    append(fluid, op_type, {slot: slot.lower() for slot in inputs}, outputs, attrs)
    read = fluid.Program.parse_from_string(fluid.default_main_program().desc.serialize_to_string())
    feed = {slot.lower(): sequences(fluid, value, lengths) if lengths else value for slot, value in inputs.items()}
    values = fluid.Executor().run(read, feed=feed, fetch_list=list(outputs.values()), return_numpy=False)
    return dict(zip(outputs, values, strict=True))


@pytest.mark.parametrize(
    ("op_type", "inputs", "attrs", "wanted"),
    [*OPERATORS, *CHANGED],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_operator_of_a_file_means_what_it_did(fluid, op_type, inputs, attrs, wanted):
    for slot, value in answers(fluid, op_type, inputs, attrs, wanted).items():
        got, expected = np.array(value), np.asarray(wanted[slot])
        assert got.shape == expected.shape
        assert got.dtype.kind == expected.dtype.kind
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


def test_lengths_pass_a_lost_operator(fluid):
    result = answers(fluid, "cos_sim", {"X": X, "Y": Y}, {}, {"Out": cosine(X, Y)}, lengths=[1, 3])
    assert result["Out"].recursive_sequence_lengths() == [[1, 3]]


def test_a_lost_recurrence_runs_step_by_step(fluid):
    gates, weight, project, bias = waves(4, 8), waves(3, 8, phase=1), waves(2, 3, phase=2), waves(1, 8, phase=3)
    wanted = {"Projection": np.zeros((4, 3)), "Cell": np.zeros((4, 2))}
    for steps in ([0], [1, 2, 3]):
        projected, cell = np.zeros((1, 3)), np.zeros((1, 2))
        for step in steps:
            g, i, f, o = np.split(gates[step : step + 1] + projected @ weight + bias, 4, axis=1)
            cell = np.tanh(g) * sigmoid(i) + cell * sigmoid(f)
            projected = np.tanh(sigmoid(o) * np.tanh(cell) @ project)
            wanted["Projection"][step], wanted["Cell"][step] = projected, cell
    weights = {"Weight": weight, "ProjWeight": project, "Bias": bias}
    for name, value in weights.items():
        var = declared(fluid, name.lower(), value)
        fluid.layers.assign(value, var)
    declared(fluid, "input", gates, lengths=[1, 3])
    for slot, value in wanted.items():
        declared(fluid, slot, value.astype("float32"), lengths=[1, 3])
    activations = {f"{part}_activation": "tanh" for part in ("cell", "candidate", "proj")}
    attrs = {"use_peepholes": False, "is_reverse": False, "cell_clip": 0.0, "proj_clip": 0.0, **activations}
    inputs = {"Input": "input", **{slot: slot.lower() for slot in weights}}
    append(fluid, "lstmp", inputs, {slot: slot for slot in wanted}, {**attrs, "gate_activation": "sigmoid"})
    feed = {"input": sequences(fluid, gates, [1, 3])}
    for value, expected in zip(
        fluid.Executor().run(feed=feed, fetch_list=list(wanted), return_numpy=False), wanted.values(), strict=True
    ):
        np.testing.assert_allclose(np.array(value), expected, rtol=1e-4, atol=1e-6)


def test_an_image_gets_the_boxes_that_it_is_matched_with(fluid):
    boxes = waves(4, 1, 3)
    matched = np.array([[0, -1, 1], [1, 0, -1]], "int32")
    wanted = np.full((2, 3, 3), 7, "float32")
    wanted[0, 0], wanted[0, 2], wanted[1, 0], wanted[1, 1] = boxes[[0, 1, 3, 2], 0]
    declared(fluid, "x", boxes, lengths=[2, 2])
    declared(fluid, "matched", matched)
    declared(fluid, "out", wanted)
    declared(fluid, "weight", wanted[..., :1])
    outputs = {"Out": "out", "OutWeight": "weight"}
    append(fluid, "target_assign", {"X": "x", "MatchIndices": "matched"}, outputs, {"mismatch_value": 7})
    feed = {"x": sequences(fluid, boxes, [2, 2]), "matched": matched}
    targets, weights = fluid.Executor().run(feed=feed, fetch_list=["out", "weight"])
    np.testing.assert_array_equal(targets, wanted)
    np.testing.assert_array_equal(weights[..., 0], matched >= 0)


def test_a_normalisation_in_place_is_followed_by_its_activation(fluid):
    given = {"X": X, "Scale": X[0], "Bias": X[1], "Mean": X[2], "Variance": np.abs(X[3])}
    for slot, value in given.items():
        declared(fluid, slot.lower(), value)
    for name in ("y", "saved_mean", "saved_variance"):
        declared(fluid, name, X)
    outputs = {"Y": "y", "MeanOut": "mean", "VarianceOut": "variance"}
    outputs |= {"SavedMean": "saved_mean", "SavedVariance": "saved_variance"}
    attrs = {"is_test": True, "epsilon": 1e-5, "activation": "leaky_relu", "alpha": 0.1, "data_layout": "NCHW"}
    append(fluid, "inplace_abn", {slot: slot.lower() for slot in given}, outputs, attrs)
    feed = {slot.lower(): value for slot, value in given.items()}
    expected = (X - X[2]) / np.sqrt(np.abs(X[3]) + 1e-5) * X[0] + X[1]
    got = fluid.Executor().run(feed=feed, fetch_list=["y"])[0]
    np.testing.assert_allclose(got, np.where(expected > 0, expected, 0.1 * expected), rtol=1e-4, atol=1e-6)
