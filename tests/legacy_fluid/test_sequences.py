"""Sequences laid end to end, and recurrent networks over them, against the same in NumPy."""

from itertools import pairwise

import numpy as np
import pytest
from programs import fed, parameter, run, sequences, waves

LENGTHS = [2, 3, 1]
STARTS = np.cumsum([0, *LENGTHS])
PARTS = [slice(*pair) for pair in pairwise(STARTS)]
ROWS = waves(6, 4)


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def windows(part, size=3):
    padded = np.pad(part, ((size // 2, size // 2), (0, 0)))
    return np.stack([padded[i : i + size].reshape(-1) for i in range(len(part))])


FILTERS = waves(12, 3, phase=1.0)

# layer -> (how it is called, what each sequence becomes)
LAYERS = {
    "pool sum": (lambda L, x: L.sequence_pool(x, "sum"), lambda s: s.sum(0, keepdims=True)),
    "pool average": (lambda L, x: L.sequence_pool(x, "average"), lambda s: s.mean(0, keepdims=True)),
    "pool sqrt": (lambda L, x: L.sequence_pool(x, "sqrt"), lambda s: s.sum(0, keepdims=True) / np.sqrt(len(s))),
    "pool max": (lambda L, x: L.sequence_pool(x, "MAX"), lambda s: s.max(0, keepdims=True)),
    "first step": (lambda L, x: L.sequence_first_step(x), lambda s: s[:1]),
    "last step": (lambda L, x: L.sequence_last_step(x), lambda s: s[-1:]),
    "reverse": (lambda L, x: L.sequence_reverse(x), lambda s: s[::-1]),
    "reshape": (lambda L, x: L.sequence_reshape(x, 2), lambda s: s.reshape(-1, 2)),
    "concat": (lambda L, x: L.sequence_concat([x, x]), lambda s: np.concatenate([s, s])),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_does_to_each_sequence_what_it_says(fluid, name):
    call, rule = LAYERS[name]
    out = call(fluid.layers, fed(fluid, "x", ROWS, LENGTHS))
    fluid.backward.append_backward(fluid.layers.reduce_sum(out * out))
    value, grad = run(fluid, {"x": sequences(fluid, ROWS, LENGTHS)}, [out, "x@GRAD"])
    np.testing.assert_allclose(value, np.concatenate([rule(ROWS[part]) for part in PARTS]), rtol=1e-5)
    moved = ROWS + 1e-3 * (np.arange(ROWS.size).reshape(ROWS.shape) == 9)
    change = sum((rule(moved[p]) ** 2).sum() - (rule(ROWS[p]) ** 2).sum() for p in PARTS)
    np.testing.assert_allclose(grad.reshape(-1)[9], change / 1e-3, atol=5e-3)


def test_softmax_is_over_each_sequence(fluid):
    scores = ROWS[:, :1].copy()
    out = fluid.layers.sequence_softmax(fed(fluid, "x", scores, LENGTHS))
    (value,) = run(fluid, {"x": sequences(fluid, scores, LENGTHS)}, [out])
    np.testing.assert_allclose(value, np.concatenate([softmax(scores[part]) for part in PARTS]), rtol=1e-5)


def test_a_convolution_does_not_look_beyond_its_sequence(fluid):
    x = fed(fluid, "x", ROWS, LENGTHS)
    out = fluid.layers.sequence_conv(x, 3, param_attr=parameter(fluid, "w", FILTERS), bias_attr=False)
    (value,) = run(fluid, {"x": sequences(fluid, ROWS, LENGTHS)}, [out])
    np.testing.assert_allclose(
        value, np.concatenate([windows(ROWS[part]) @ FILTERS for part in PARTS]), rtol=1e-4, atol=1e-6
    )


def test_padding_and_back(fluid):
    L = fluid.layers
    x = fed(fluid, "x", ROWS, LENGTHS)
    padded, lengths = L.sequence_pad(x, L.assign(np.array([9.0], "float32")))
    back = L.sequence_unpad(padded, lengths)
    values = run(fluid, {"x": sequences(fluid, ROWS, LENGTHS)}, [padded, lengths, back])
    expected = np.full((3, 3, 4), 9.0, "float32")
    for row, part in zip(expected, PARTS, strict=True):
        row[: part.stop - part.start] = ROWS[part]
    assert np.array_equal(values[0], expected)
    assert values[1].tolist() == LENGTHS
    assert np.array_equal(values[2], ROWS)


def test_expanding_repeats_rows_as_another_has_steps(fluid):
    L, few = fluid.layers, waves(3, 2)
    x, y = fed(fluid, "x", few), fed(fluid, "y", ROWS, LENGTHS)
    out, as_other = L.sequence_expand(x, y), L.sequence_expand_as(x, y)
    feed = {"x": few, "y": sequences(fluid, ROWS, LENGTHS)}
    for value in run(fluid, feed, [out, as_other]):
        assert np.array_equal(value, np.repeat(few, LENGTHS, axis=0))


def test_slices_enumeration_scatter_and_masks(fluid):
    L = fluid.layers
    x = fed(fluid, "x", ROWS, LENGTHS)
    offset, length = L.assign(np.array([[0], [1], [0]], "int64")), L.assign(np.array([[1], [2], [1]], "int64"))
    ids = np.arange(6, dtype="int64").reshape(6, 1)
    pairs = L.sequence_enumerate(fed(fluid, "ids", ids, LENGTHS), 2, pad_value=7)
    mask = L.sequence_mask(L.assign(np.array([2, 0, 3], "int64")), maxlen=4, dtype="float32")
    out = L.sequence_slice(x, offset, length)
    feed = {"x": sequences(fluid, ROWS, LENGTHS), "ids": sequences(fluid, ids, LENGTHS)}
    values = run(fluid, feed, [out, pairs, mask])
    assert np.array_equal(values[0], ROWS[[0, 3, 4, 5]])
    assert values[1].tolist() == [[0, 1], [1, 7], [2, 3], [3, 4], [4, 7], [5, 7]]
    assert values[2].tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(gates, weight, bias):
    width = weight.shape[0]
    h = c = np.zeros(width)
    hidden = []
    for row in gates:
        candidate, i, f, o = np.split(row + h @ weight + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
        h = sigmoid(o) * np.tanh(c)
        hidden.append(h)
    return np.stack(hidden)


def gru(gates, weight, bias):
    width = weight.shape[0]
    h, hidden = np.zeros(width), []
    for row in gates + bias:
        u, r = np.split(sigmoid(row[: 2 * width] + h @ weight[:, : 2 * width]), 2)
        candidate = np.tanh(row[2 * width :] + (r * h) @ weight[:, 2 * width :])
        h = u * candidate + (1 - u) * h
        hidden.append(h)
    return np.stack(hidden)


@pytest.mark.parametrize("is_reverse", [False, True])
@pytest.mark.parametrize(("name", "rule", "gates"), [("dynamic_lstm", lstm, 4), ("dynamic_gru", gru, 3)])
def test_a_recurrent_network_runs_over_each_sequence(fluid, name, rule, gates, is_reverse):
    width = 2
    rows, weight, bias = (
        waves(6, gates * width),
        waves(width, gates * width, phase=1.0),
        waves(1, gates * width, phase=2.0),
    )
    arguments = {"use_peepholes": False} if name == "dynamic_lstm" else {}
    out = getattr(fluid.layers, name)(
        fed(fluid, "x", rows, LENGTHS),
        size=width * (4 if name == "dynamic_lstm" else 1),
        param_attr=parameter(fluid, "w", weight),
        bias_attr=parameter(fluid, "b", bias),
        is_reverse=is_reverse,
        **arguments,
    )
    (value,) = run(fluid, {"x": sequences(fluid, rows, LENGTHS)}, [out[0] if isinstance(out, tuple) else out])
    step = -1 if is_reverse else 1
    if name == "dynamic_gru":
        # The operator's weights stand as [D, 2 D] and [D, D], one after the other.
        flat = weight.reshape(-1)
        weight = np.hstack([flat[: 2 * width * width].reshape(width, -1), flat[2 * width * width :].reshape(width, -1)])
    expected = [rule(rows[part][::step], weight, bias[0])[::step] for part in PARTS]
    np.testing.assert_allclose(value, np.concatenate(expected), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("activation", ["tanh", "relu"])  # 1.8 took the cell's, unless it was "identity"
def test_the_lstm_with_a_projection_carries_the_projection(fluid, activation):
    width, size = 2, 3
    rows, bias = waves(6, 4 * width), waves(1, 4 * width, phase=3.0)
    x = fed(fluid, "x", rows, LENGTHS)
    out, cells = fluid.layers.dynamic_lstmp(
        x,
        size=4 * width,
        proj_size=size,
        param_attr=fluid.ParamAttr(initializer=fluid.initializer.Constant(0.2)),
        bias_attr=parameter(fluid, "b", bias),
        use_peepholes=False,
        proj_activation=activation,
    )
    assert not any(fluid.gradients([fluid.layers.reduce_sum(cells)], [x]))  # nor did the cells give a gradient
    weight, projection = np.full((size, 4 * width), 0.2), np.full((width, size), 0.2)
    (value,) = run(fluid, {"x": sequences(fluid, rows, LENGTHS)}, [out])
    expected = []
    for part in PARTS:
        r, c = np.zeros(size), np.zeros(width)
        for row in rows[part]:
            candidate, i, f, o = np.split(row + r @ weight + bias[0], 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
            r = np.tanh((sigmoid(o) * np.tanh(c)) @ projection)
            expected.append(r)
    np.testing.assert_allclose(value, np.stack(expected), rtol=1e-4, atol=1e-6)


def test_a_step_of_an_lstm_and_of_a_gru(fluid):
    x, h, c = waves(3, 4), waves(3, 2, phase=1.0), waves(3, 2, phase=2.0)
    weight, bias = waves(6, 8, phase=3.0), waves(8, phase=4.0)
    hidden, cell = fluid.layers.lstm_unit(
        fed(fluid, "x", x),
        fed(fluid, "h", h),
        fed(fluid, "c", c),
        forget_bias=0.5,
        param_attr=parameter(fluid, "w", weight),
        bias_attr=parameter(fluid, "b", bias),
    )
    values = run(fluid, {"x": x, "h": h, "c": c}, [hidden, cell])
    i, f, o, j = np.split(np.hstack([x, h]) @ weight + bias, 4, axis=1)
    expected = c * sigmoid(f + 0.5) + sigmoid(i) * np.tanh(j)
    np.testing.assert_allclose(values[1], expected, rtol=1e-5)
    np.testing.assert_allclose(values[0], sigmoid(o) * np.tanh(expected), rtol=1e-5)


@pytest.mark.parametrize("cell", ["GRUCell", "LSTMCell"])
def test_a_cell_stops_at_each_sequences_length(fluid, cell):
    L, value = fluid.layers, waves(2, 3, 4)
    x, lengths = fed(fluid, "x", value), L.assign(np.array([3, 1], "int64"))
    out, last = L.rnn(getattr(L, cell)(hidden_size=2), x, sequence_length=lengths)
    hidden = last[0] if cell == "LSTMCell" else last
    outputs, final = run(fluid, {"x": value}, [out, hidden])
    np.testing.assert_allclose(final, [outputs[0, 2], outputs[1, 0]], rtol=1e-5)


def test_decoding_ends_with_the_end_token(fluid):
    L = fluid.layers
    start = L.fill_constant([2, 3], "float32", 0.1)
    cell = L.GRUCell(hidden_size=3)
    decoder = L.BeamSearchDecoder(
        cell,
        start_token=0,
        end_token=1,
        beam_size=2,
        embedding_fn=lambda ids: L.embedding(L.unsqueeze(ids, [-1]), size=[5, 4]),
        output_fn=lambda states: L.fc(states, 5, num_flatten_dims=2),
    )
    ids, _, lengths = L.dynamic_decode(decoder, inits=start, max_step_num=4, return_length=True)
    words, counts = run(fluid, {}, [ids, lengths])
    assert words.shape[0] == 2
    assert words.shape[2] == 2
    assert counts.max() == words.shape[1] <= 5
    assert set(np.unique(words)) <= set(range(5))


def first_rows(layers):
    return layers.assign(np.array([0, 1], "int64"))


@pytest.mark.parametrize(
    ("layer", "levels"),
    [
        (lambda layers, x: layers.reduce_sum(x, dim=1), 1),
        (lambda layers, x: layers.reduce_max(x, dim=[-1], keep_dim=True), 1),
        (lambda layers, x: layers.reduce_mean(x, dim=0, keep_dim=True), 0),
        (lambda layers, x: layers.gather(x, first_rows(layers)), 0),
        (lambda layers, x: layers.reverse(x, 1), 0),
        (lambda layers, x: layers.scatter(x, first_rows(layers), layers.gather(x, first_rows(layers))), 0),
    ],
    ids=["reduce_sum", "reduce_max", "reduce_mean", "gather", "reverse", "scatter"],
)
def test_lengths_are_declared_and_there_where_rows_stay_those_of_sequences(fluid, layer, levels):
    rows = waves(6, 4)
    out = layer(fluid.layers, fed(fluid, "x", rows, LENGTHS))
    assert out.lod_level == levels
    exe = fluid.Executor(fluid.CPUPlace())
    (value,) = exe.run(feed={"x": sequences(fluid, rows, LENGTHS)}, fetch_list=[out], return_numpy=False)
    assert value.recursive_sequence_lengths() == [LENGTHS] * levels
