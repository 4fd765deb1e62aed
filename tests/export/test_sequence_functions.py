"""Each function over sequences by value: onnxruntime runs it, NumPy says what fluid gives, one sequence at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from export.conversion.sequence_functions import DOMAIN, FUNCTIONS
from export.conversion.sequences import SEQUENCE_OPERATORS
from fluidline.errors import DataError

SEQUENCE_STATES = {"lstm": ("H0", "C0"), "gru": ("H0",)}
random = np.random.default_rng(3)
LENGTHS = np.array([4, 1, 3])
EMPTY = np.array([2, 0, 3, 0])


def normal(*shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(np.float32)


def run(kind: str, attrs: dict[str, Any], outputs: int = 1, opset: int = 17, **inputs: np.ndarray) -> list[np.ndarray]:
    """Return what the function of a fluid operator gives for the inputs, by slot."""
    slots = sorted(inputs)
    function = FUNCTIONS[kind](kind, slots, attrs, opset)
    names = list(function.output)[:outputs]
    declared = [
        helper.make_tensor_value_info(slot, helper.np_dtype_to_tensor_dtype(inputs[slot].dtype), inputs[slot].shape)
        for slot in slots
    ]
    graph = helper.make_graph(
        [helper.make_node(kind, slots, names, domain=DOMAIN)],
        "g",
        declared,
        [onnx.ValueInfoProto(name=n) for n in names],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(DOMAIN, 1)]
    model = helper.make_model(graph, opset_imports=imports, functions=[function], ir_version=8)
    inlined = onnx.inliner.inline_local_functions(model)
    session = onnxruntime.InferenceSession(inlined.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, inputs))


def parts(x: np.ndarray, lengths: np.ndarray = LENGTHS) -> list[np.ndarray]:
    return np.split(x, np.cumsum(lengths)[:-1])


POOLS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "SUM": lambda rows: rows.sum(0),
    "AVERAGE": lambda rows: rows.mean(0),
    "SQRT": lambda rows: rows.sum(0) / np.sqrt(len(rows)),
    "MAX": lambda rows: rows.max(0),
    "FIRST": lambda rows: rows[0],
    "LAST": lambda rows: rows[-1],
}


@pytest.mark.parametrize("opset", range(15, 20))
@pytest.mark.parametrize("kind", POOLS)
def test_pooling_gives_a_row_for_each_sequence_and_the_pad_value_for_an_empty_one(kind, opset):
    x = normal(5, 3)
    [found] = run("sequence_pool", {"pooltype": kind, "pad_value": 0.5}, opset=opset, X=x, Lengths=EMPTY)
    expected = [POOLS[kind](rows) if len(rows) else np.full(3, 0.5) for rows in parts(x, EMPTY)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_softmax_is_over_each_sequence():
    x = normal(8, 1) * 20
    [found] = run("sequence_softmax", {}, X=x, Lengths=LENGTHS)
    expected = [np.exp(rows - rows.max()) / np.exp(rows - rows.max()).sum() for rows in parts(x)]
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize(("start", "length"), [(-1, 3), (0, 2), (-3, 2), (1, 2)])
def test_windows_end_with_their_sequence(start, length):
    x, weights = normal(8, 3), normal(length * 3, 5)
    attrs = {"contextStart": start, "contextLength": length}
    [found] = run("sequence_conv", attrs, X=x, Lengths=LENGTHS, Filter=weights)
    rows = []
    for part in parts(x):
        padded = np.concatenate([np.zeros((9, 3)), part, np.zeros((9, 3))])
        rows += [padded[9 + t + start : 9 + t + start + length].reshape(-1) for t in range(len(part))]
    np.testing.assert_allclose(found, np.array(rows) @ weights, rtol=1e-4, atol=1e-5)


def test_a_convolution_with_trained_padding_is_refused():
    with pytest.raises(DataError, match="trained padding"):
        FUNCTIONS["sequence_conv"]("f", ["Filter", "Lengths", "X"], {"paddingTrainable": True}, 17)


@pytest.mark.parametrize("kind", ["sequence_expand", "sequence_expand_as"])
def test_expanding_repeats_each_row_by_the_length_of_its_sequence(kind):
    x = normal(3, 2)
    [found] = run(kind, {}, X=x, Y=normal(8, 2), Lengths=LENGTHS)
    np.testing.assert_array_equal(found, np.repeat(x, LENGTHS, axis=0))


def test_reversing_turns_each_sequence_round():
    x = normal(8, 2)
    [found] = run("sequence_reverse", {}, X=x, Lengths=LENGTHS)
    np.testing.assert_array_equal(found, np.concatenate([rows[::-1] for rows in parts(x)]))


def test_padding_fills_up_to_the_longest_and_unpadding_takes_it_off():
    x = normal(8, 2)
    padded, lengths = run("sequence_pad", {}, 2, X=x, PadValue=np.array([0.5], np.float32), Lengths=LENGTHS)
    assert padded.shape == (3, 4, 2)
    assert lengths.tolist() == LENGTHS.tolist()
    for rows, filled in zip(parts(x), padded, strict=True):
        np.testing.assert_array_equal(filled, np.concatenate([rows, np.full((4 - len(rows), 2), 0.5)]))
    [found] = run("sequence_unpad", {}, X=padded, Length=LENGTHS, Lengths=LENGTHS)
    np.testing.assert_array_equal(found, x)


def test_padding_to_a_fixed_length_is_refused():
    with pytest.raises(DataError, match="to a fixed length"):
        FUNCTIONS["sequence_pad"]("f", ["Lengths", "PadValue", "X"], {"padded_length": 9}, 17)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("opset", [15, 17, 18])
@pytest.mark.parametrize("peepholes", [True, False])
@pytest.mark.parametrize("reverse", [True, False])
def test_an_lstm_runs_along_each_sequence(reverse, peepholes, opset):
    x, weight, bias = normal(8, 12), normal(3, 12), normal(1, 21 if peepholes else 12)
    attrs = {"use_peepholes": peepholes, "is_reverse": reverse}
    attrs |= {"candidate_activation": "tanh", "cell_activation": "tanh", "gate_activation": "sigmoid"}
    found = run("lstm", attrs, 2, opset, Input=x, Weight=weight, Bias=bias, Lengths=LENGTHS)
    checks = np.split(bias[0, 12:], 3) if peepholes else np.zeros((3, 3))
    expected: list[list[np.ndarray]] = [[], []]
    for rows in parts(x):
        h = c = np.zeros(3)
        states = []
        for row in rows[::-1] if reverse else rows:
            g, i, f, o = np.split(row + h @ weight + bias[0, :12], 4)
            c = sigmoid(f + c * checks[1]) * c + sigmoid(i + c * checks[0]) * np.tanh(g)
            h = sigmoid(o + c * checks[2]) * np.tanh(c)
            states.append((h, c))
        for which in (0, 1):
            expected[which] += [state[which] for state in (states[::-1] if reverse else states)]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("origin", [True, False])
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("reverse", [True, False])
def test_a_gru_runs_along_each_sequence(reverse, biased, origin):
    x, weight, bias = normal(8, 9), normal(3, 9), normal(1, 9)
    attrs = {"is_reverse": reverse, "origin_mode": origin, "activation": "tanh", "gate_activation": "sigmoid"}
    inputs = {"Input": x, "Weight": weight, "Lengths": LENGTHS, **({"Bias": bias} if biased else {})}
    [found] = run("gru", attrs, 1, **inputs)
    gates, candidate = weight.ravel()[:18].reshape(3, 6), weight.ravel()[18:].reshape(3, 3)
    expected = []
    for rows in parts(x + bias if biased else x):
        h = np.zeros(3)
        states = []
        for row in rows[::-1] if reverse else rows:
            u, r = np.split(sigmoid(row[:6] + h @ gates), 2)
            c = np.tanh(row[6:] + (r * h) @ candidate)
            h = u * h + (1 - u) * c if origin else (1 - u) * h + u * c
            states.append(h)
        expected += states[::-1] if reverse else states
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("opset", [15, 18])
@pytest.mark.parametrize("lengths", [LENGTHS, np.array([1, 1])])
def test_decoding_finds_the_likeliest_of_all_paths(lengths, opset):
    emission, transition = normal(lengths.sum(), 3), normal(5, 3)
    [found] = run("crf_decoding", {}, opset=opset, Emission=emission, Transition=transition, Lengths=lengths)
    assert found.shape == (lengths.sum(), 1)

    def score(rows: np.ndarray, path: tuple[int, ...]) -> float:
        steps = sum(transition[2 + a, b] for a, b in itertools.pairwise(path))
        return transition[0, path[0]] + transition[1, path[-1]] + rows[np.arange(len(path)), path].sum() + steps

    for rows, tags in zip(parts(emission, lengths), parts(found[:, 0], lengths), strict=True):
        best = max(itertools.product(range(3), repeat=len(rows)), key=lambda path: score(rows, path))
        assert tags.tolist() == list(best)


def test_decoding_against_labels_is_refused():
    with pytest.raises(DataError, match="with labels"):
        FUNCTIONS["crf_decoding"]("f", ["Emission", "Label", "Lengths", "Transition"], {}, 17)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_recurrence_may_begin_with_given_states(kind):
    gates = {"lstm": 4, "gru": 3}[kind]
    attrs = {"is_reverse": False, "origin_mode": False, "activation": "tanh", "use_peepholes": False}
    attrs |= dict.fromkeys(("gate_activation", "candidate_activation", "cell_activation"), "tanh")
    inputs = {"Weight": normal(3, 3 * gates), "Bias": normal(1, 3 * gates)}
    x = normal(6, 3 * gates)
    whole = run(kind, attrs, len(SEQUENCE_STATES[kind]), **inputs, Input=x, Lengths=np.array([6]))
    # The second half begins with the states in which the first half ended.
    begins = {slot: states[2:3] for slot, states in zip(SEQUENCE_STATES[kind], whole, strict=True)}
    half = run(kind, attrs, 1, **inputs, **begins, Input=x[3:], Lengths=np.array([3]))
    np.testing.assert_allclose(half[0], whole[0][3:], rtol=1e-5, atol=1e-6)


def test_every_operator_that_is_passed_on_has_its_function():
    assert set(SEQUENCE_OPERATORS) == set(FUNCTIONS)
