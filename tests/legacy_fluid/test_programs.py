"""Whole programs of the kinds that were written for fluid: they learn, run after run."""

import numpy as np
from programs import sequences, waves

WORDS = np.array([[3], [7], [1], [4], [9], [2], [7], [5], [3], [1], [8]], "int64")
LENGTHS = [4, 2, 5]


def losses(fluid, feed, loss, steps=8):
    exe = fluid.Executor(fluid.CPUPlace())
    fluid.default_startup_program().random_seed = 3
    exe.run(fluid.default_startup_program())
    return [float(exe.run(feed=feed, fetch_list=[loss])[0][0]) for _ in range(steps)]


def words(fluid, name):
    return fluid.data(name, [None, 1], "int64", lod_level=1)


def falls(values):
    return np.isfinite(values).all() and values[-1] < 0.9 * values[0]


def test_a_sentiment_lstm_learns(fluid):
    layers = fluid.layers
    embedded = layers.embedding(words(fluid, "words"), [10, 8], is_sparse=True)
    hidden, _ = layers.dynamic_lstm(layers.fc(embedded, 32), 32)
    predicted = layers.fc(layers.sequence_pool(hidden, "max"), 2, act="softmax")
    loss = layers.mean(layers.cross_entropy(predicted, fluid.data("label", [None, 1], "int64")))
    fluid.optimizer.Adam(0.05).minimize(loss)
    feed = {"words": sequences(fluid, WORDS, LENGTHS), "label": np.array([[0], [1], [1]], "int64")}
    assert falls(losses(fluid, feed, loss))


def test_a_crf_tagger_learns(fluid):
    layers = fluid.layers
    tags = words(fluid, "tags")
    features = layers.fc(layers.embedding(words(fluid, "words"), [10, 8]), 3)
    loss = layers.mean(layers.linear_chain_crf(features, tags, param_attr=fluid.ParamAttr(name="crf")))
    fluid.optimizer.Adam(0.05).minimize(loss)
    feed = {"words": sequences(fluid, WORDS, LENGTHS), "tags": sequences(fluid, WORDS % 3, LENGTHS)}
    assert falls(losses(fluid, feed, loss))


def test_the_gradients_of_a_dynamic_rnn_are_the_same_in_every_run(fluid):
    layers = fluid.layers
    embedded = layers.embedding(words(fluid, "words"), [10, 8], param_attr="table")
    rnn = layers.DynamicRNN()
    with rnn.block():
        word, before = rnn.step_input(embedded), rnn.memory(shape=[8], value=0.0)
        now = layers.fc([word, before], 8, act="tanh")
        rnn.update_memory(before, now)
        rnn.output(now)
    loss = layers.mean(layers.square(rnn()))
    fluid.optimizer.SGD(0.0).minimize(loss)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    feed = {"words": sequences(fluid, WORDS, LENGTHS)}
    first, *others = [exe.run(feed=feed, fetch_list=["table@GRAD"])[0] for _ in range(6)]
    assert np.abs(first).max() > 0
    for gradient in others:
        np.testing.assert_array_equal(gradient, first)


def test_an_array_holds_the_steps_of_its_run_alone(fluid):
    layers = fluid.layers
    count = fluid.data("count", [1], "int64")
    step, one = layers.fill_constant([1], "int64", 0), layers.fill_constant([1], "float32", 1.0)
    array = layers.create_array("float32")
    more = layers.less_than(step, count)
    loop = layers.While(more)
    with loop.block():
        layers.array_write(one, step, array)
        layers.increment(step, 1, in_place=True)
        layers.less_than(step, count, cond=more)
    length = layers.array_length(array)
    exe = fluid.Executor(fluid.CPUPlace())
    lengths = [int(exe.run(feed={"count": np.array([n], "int64")}, fetch_list=[length])[0][0]) for n in (5, 2, 3)]
    assert lengths == [5, 2, 3]


def test_a_recommender_learns(fluid):
    layers = fluid.layers
    user = layers.fc(layers.embedding(fluid.data("user", [None, 1], "int64"), [10, 8], is_sparse=True), 8, act="tanh")
    film = layers.fc(layers.embedding(fluid.data("film", [None, 1], "int64"), [10, 8], is_sparse=True), 8, act="tanh")
    score = layers.scale(layers.cos_sim(user, film), scale=5.0)
    loss = layers.mean(layers.square_error_cost(score, fluid.data("score", [None, 1])))
    fluid.optimizer.SGD(0.1).minimize(loss)
    feed = {"user": WORDS, "film": WORDS[::-1].copy(), "score": 3 + 2 * waves(len(WORDS), 1)}
    assert falls(losses(fluid, feed, loss))
