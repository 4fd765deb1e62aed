"""What contrib offers, by value."""

import numpy as np
import pytest

import legacy_fluid as fluid
from legacy_fluid import contrib, layers

A = np.arange(12, dtype="float32").reshape(2, 6) - 5
B = np.ones((2, 6), "float32")


def constant(value, name=None):
    return fluid.ParamAttr(name=name, initializer=fluid.initializer.Constant(value))


def run(build, feed, times=1):
    """What `build` returns, after so many runs of its program."""
    main, startup = fluid.Program(), fluid.Program()
    with fluid.program_guard(main, startup), fluid.unique_name.guard(), fluid.scope_guard(fluid.Scope()):
        results = build()
        exe = fluid.Executor(fluid.CPUPlace())
        exe.run(startup)
        for _ in range(times):
            values = exe.run(main, feed=feed, fetch_list=results, return_numpy=False)
        return [np.array(value) for value in values]


def matrices():
    return fluid.data("a", [None, 6]), fluid.data("b", [None, 6])


LAYERS = {
    "x + relu(y)": (
        lambda: contrib.layers.fused_elemwise_activation(*matrices(), ["elementwise_add", "relu"]),
        A + B,
    ),
    "relu(x + y)": (
        lambda: contrib.layers.fused_elemwise_activation(*matrices(), "relu,elementwise_add"),
        np.maximum(A + B, 0),
    ),
    "partial_concat": (
        lambda: contrib.layers.partial_concat(list(matrices()), 1, 2),
        np.hstack([A[:, 1:3], B[:, 1:3]]),
    ),
    "partial_sum": (lambda: contrib.layers.partial_sum(list(matrices()), 1, 2), (A + B)[:, 1:3]),
    "shuffle_batch": (lambda: layers.reduce_sum(contrib.layers.shuffle_batch(matrices()[0], 3), dim=0), A.sum(0)),
}


@pytest.mark.parametrize("case", LAYERS)
def test_layers(case):
    build, expected = LAYERS[case]
    (value,) = run(lambda: [build()], {"a": A, "b": B})
    np.testing.assert_allclose(value, expected, rtol=1e-6)


def means_of_largest(values, rows, cols, topks, channels):
    """The rows of means, and for each value by how much it counts in their sum."""
    means, counts, start = [], np.zeros_like(values), 0
    for height, width in zip(rows, cols, strict=True):
        for row in range(height):
            mean = []
            for channel in range(channels):
                begin = start + (channel * height + row) * width
                places = sorted(range(begin, begin + width), key=lambda place: -values[place])
                mean += [sum(values[places[:topk]]) / topk for topk in topks]
                for topk in topks:
                    counts[places[:topk]] += 1 / topk
            means.append(mean)
        start += channels * height * width
    return np.array(means), counts


@pytest.mark.parametrize(
    ("topks", "channels", "rows", "cols"),
    [([1, 3, 5], 2, [2, 1], [6, 7]), ([2, 4], 3, [2, 2, 1], [3, 1, 5]), ([3], 1, [1, 2], [2, 3])],
)
def test_the_largest_of_each_row_of_ragged_matrices(topks, channels, rows, cols):
    lengths = [channels * height * width for height, width in zip(rows, cols, strict=True)]
    values = np.sin(np.arange(sum(lengths)) * 5).astype("float32")

    def build():
        x, row, col = (fluid.data(name, [None, 1], lod_level=1) for name in ("x", "row", "col"))
        x.stop_gradient = False
        out = contrib.sequence_topk_avg_pooling(x, row, col, topks, channels)
        assert (out.shape, out.lod_level) == ((-1, channels * len(topks)), 1)
        return [out, *fluid.gradients(layers.reduce_sum(out), x), layers.sequence_pool(out, "first")]

    def ragged(array, sizes):
        return fluid.create_lod_tensor(np.float32(array).reshape(-1, 1), [sizes], fluid.CPUPlace())

    feed = {"x": ragged(values, lengths), "row": ragged(range(sum(rows)), rows), "col": ragged(range(sum(cols)), cols)}
    out, gradient, first = run(build, feed)
    means, counts = means_of_largest(values, rows, cols, topks, channels)
    np.testing.assert_allclose(out, means, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient.ravel(), counts, rtol=1e-5)
    np.testing.assert_allclose(first, means[np.cumsum([0, *rows[:-1]])], rtol=1e-5, atol=1e-6)


def test_sums_of_click_prediction_go_on_over_batches():
    prediction, label = np.float32([[0.25], [0.75]]), np.float32([[0], [1]])

    def build():
        return contrib.layers.ctr_metric_bundle(fluid.data("p", [None, 1]), fluid.data("l", [None, 1]))

    of_batch = [0.125, 0.5, 1, (1 / (1 + np.exp(-prediction))).sum(), 1, 2]
    values = run(build, {"p": prediction, "l": label}, times=3)
    np.testing.assert_allclose(np.ravel(values), np.multiply(3, of_batch), rtol=1e-5)


def loss_of(weight):
    """The loss, whose gradient with respect to the weight `w` is the input's mean."""
    return layers.reduce_mean(layers.fc(fluid.data("x", [None, 1]), 1, param_attr=weight, bias_attr=False))


def step(optimizer, x=2.0, fetch=lambda optimizer: []):
    """The weight, which was 1, after one step, and what `fetch` names."""

    def build():
        made = optimizer()
        made.minimize(loss_of(constant(1.0, "w")))
        return [fluid.default_main_program().global_block().var("w"), *fetch(made)]

    return [float(value[0]) for value in map(np.ravel, run(build, {"x": np.float32([[x]])}))]


def test_decoupled_weight_decay_is_no_part_of_the_gradient():
    decayed = contrib.extend_with_decoupled_weight_decay(fluid.optimizer.SGD)
    assert step(lambda: decayed(learning_rate=0.1, weight_decay=0.25)) == pytest.approx([1 - 0.25 - 0.1 * 2])
    assert step(
        lambda: decayed(learning_rate=0.1, weight_decay=0.25, apply_decay_param_fun=lambda name: name != "w")
    ) == pytest.approx([1 - 0.1 * 2])


def scaled(**how):
    return contrib.mixed_precision.decorate(fluid.optimizer.SGD(0.1), init_loss_scaling=8.0, **how)


@pytest.mark.parametrize(
    ("x", "how", "weight", "scale"),
    [
        (2.0, {"use_dynamic_loss_scaling": False}, 0.8, 8),
        (2.0, {"incr_every_n_steps": 0}, 0.8, 16),
        (2.0, {"incr_every_n_steps": 5}, 0.8, 8),
        (np.inf, {"decr_every_n_nan_or_inf": 0, "decr_ratio": 0.5}, 1, 4),
        (np.inf, {"decr_every_n_nan_or_inf": 0, "decr_ratio": 0.01}, 1, 1),
    ],
)
def test_a_scaled_loss_trains_as_the_loss_does(x, how, weight, scale):
    values = step(lambda: scaled(**how), x, lambda made: [made.get_loss_scaling()])
    assert values == pytest.approx([weight, scale])


def test_an_operator_on_both_lists_is_named():
    with pytest.raises(ValueError, match="softmax stand"):
        contrib.mixed_precision.AutoMixedPrecisionLists({"softmax", "mul"}, {"softmax"})


def network():
    image = fluid.data("image", [None, 3, 16, 16])
    convolved = layers.conv2d(image, 6, 3, padding=1, bias_attr=False)
    return layers.fc(layers.pool2d(convolved, 2, pool_stride=2), 10, bias_attr=False)


def test_counts_of_a_network(capsys):
    main = fluid.Program()
    with fluid.program_guard(main, fluid.Program()):
        network()
    low, high, unit = contrib.memory_usage(main, batch_size=4)
    floats = 4 * (6 * 256 + 6 * 64 + 10)
    assert (low, high, unit) == (pytest.approx(floats * 4 / 1024 * 1.05), pytest.approx(floats * 4 / 1024 * 1.1), "KB")
    single, pairs = contrib.op_freq_statistic(main)
    assert dict(single) == {"conv2d": 1, "pool2d": 1, "mul": 1}
    assert dict(pairs) == {"conv2d->pool2d": 1, "pool2d->mul": 1}
    contrib.model_stat.summary(main)
    printed = capsys.readouterr().out
    assert f"Total PARAMs: {6 * 27 + 384 * 10 + 1}(" in printed
    assert f"Total FLOPs: {2 * 6 * 256 * 27 + 384 * 4 + 384 * 10}(" in printed


WORDS, HIDDEN = 5, 3


def cell_of(encoded, need_reorder):
    cell = contrib.StateCell({"x": None}, {"h": contrib.InitState(encoded, need_reorder=need_reorder)}, "h")

    @cell.state_updater
    def update(cell):
        word = layers.fc(cell.get_input("x"), HIDDEN, param_attr=constant(0.1), bias_attr=False)
        cell.set_state("h", layers.tanh(word + cell.get_state("h")))

    return cell


def test_a_training_decoder_carries_its_state_along():
    def build():
        words = fluid.data("words", [None, 2], lod_level=1)
        decoder = contrib.TrainingDecoder(cell_of(fluid.data("encoded", [None, HIDDEN]), need_reorder=True))
        with decoder.block():
            decoder.state_cell.compute_state({"x": decoder.step_input(words)})
            decoder.state_cell.update_states()
            decoder.output(decoder.state_cell.out_state())
        return [decoder()]

    words = np.float32([[1, 0], [2, 1], [3, 3]])
    feed = {
        "encoded": np.float32([[0.5] * HIDDEN, [0.25] * HIDDEN]),
        "words": fluid.create_lod_tensor(words, [[1, 2]], fluid.CPUPlace()),
    }
    (value,) = run(build, feed)
    first, second = np.tanh(0.1 + 0.5), np.tanh(0.3 + 0.25)
    third = np.tanh(0.6 + second)
    np.testing.assert_allclose(value, np.repeat([[first], [second], [third]], HIDDEN, axis=1), rtol=1e-5)


def test_a_block_is_entered_once():
    with fluid.program_guard(fluid.Program(), fluid.Program()):
        decoder = contrib.TrainingDecoder(cell_of(fluid.data("encoded", [None, HIDDEN]), need_reorder=False))
        with pytest.raises(ValueError, match="after its block"):
            decoder()
        with pytest.raises(ValueError, match="in the decoder's block"):
            decoder.output()
