"""Every optimizer, against its rule written out in NumPy, over three steps."""

import numpy as np
import pytest
from programs import BIAS, WEIGHT, gradients, parameter, regression, run, value_of, waves

STEPS = 3


def sgd(p, g, s, t):
    return p - 0.1 * g


def momentum(p, g, s, t, mu=0.9):
    s["v"] = mu * s.get("v", 0) + g
    return p - 0.1 * s["v"]


def nesterov(p, g, s, t, mu=0.9):
    s["v"] = mu * s.get("v", 0) + g
    return p - 0.1 * (g + mu * s["v"])


def lars(p, g, s, t, mu=0.9, coefficient=0.001, decay=0.0005):
    rate = 0.1 * coefficient * np.linalg.norm(p) / (np.linalg.norm(g) + decay * np.linalg.norm(p))
    s["v"] = mu * s.get("v", 0) + rate * (g + decay * p)
    return p - s["v"]


def adagrad(p, g, s, t, epsilon=1e-6):
    s["m"] = s.get("m", 0) + g * g
    return p - 0.1 * g / (np.sqrt(s["m"]) + epsilon)


def decayed_adagrad(p, g, s, t, decay=0.95, epsilon=1e-6):
    s["m"] = decay * s.get("m", 0) + (1 - decay) * g * g
    return p - 0.1 * g / (np.sqrt(s["m"]) + epsilon)


def moments(g, s, beta1, beta2):
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g * g
    return s["m"], s["v"]


def adam(p, g, s, t, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m, v = moments(g, s, beta1, beta2)
    rate = 0.1 * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return p - rate * m / (np.sqrt(v) + epsilon * np.sqrt(1 - beta2**t))


def lamb(p, g, s, t, beta1=0.9, beta2=0.999, epsilon=1e-6, decay=0.01):
    m, v = moments(g, s, beta1, beta2)  # 1.8 does not correct them for their start
    step = m / (np.sqrt(v) + epsilon) + decay * p
    return p - 0.1 * np.linalg.norm(p) / np.linalg.norm(step) * step


def adamax(p, g, s, t, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["u"] = np.maximum(np.abs(g), beta2 * s.get("u", 0) + epsilon)
    return p - 0.1 / (1 - beta1**t) * s["m"] / s["u"]


def adadelta(p, g, s, t, rho=0.95, epsilon=1e-6):
    s["g"] = rho * s.get("g", 0) + (1 - rho) * g * g
    before = s.get("u", np.zeros_like(g))
    s["u"] = rho * before + (1 - rho) * (before + epsilon) / (s["g"] + epsilon) * g * g
    return p - np.sqrt((s["u"] + epsilon) / (s["g"] + epsilon)) * g  # with the averages after their update


def rmsprop(p, g, s, t, rho=0.95, epsilon=1e-6):
    s["m"] = rho * s.get("m", 0) + (1 - rho) * g * g
    return p - 0.1 * g / np.sqrt(s["m"] + epsilon)


def rmsprop_centered(p, g, s, t, rho=0.95, epsilon=1e-6, mu=0.5):
    s["m"] = rho * s.get("m", 0) + (1 - rho) * g * g
    s["g"] = rho * s.get("g", 0) + (1 - rho) * g
    s["v"] = mu * s.get("v", 0) + 0.1 * g / np.sqrt(s["m"] - s["g"] ** 2 + epsilon)
    return p - s["v"]


def ftrl(p, g, s, t, l1=0.01):
    squared = s.get("n", np.zeros_like(g))
    new = squared + g * g
    s["z"] = s.get("z", 0) + g - (np.sqrt(new) - np.sqrt(squared)) / 0.1 * p
    s["n"] = new
    shrunk = l1 * np.sign(s["z"]) - s["z"]
    # 1.8 uses l1 for l2 as well, twice over as its operator does.
    return np.where(np.abs(s["z"]) > l1, shrunk / (np.sqrt(new) / 0.1 + 2 * l1), 0)


OPTIMIZERS = {
    "SGD": ({}, sgd),
    "Momentum": ({"momentum": 0.9}, momentum),
    "Momentum nesterov": ({"momentum": 0.9, "use_nesterov": True}, nesterov),
    "LarsMomentum": ({"momentum": 0.9}, lars),
    "Adagrad": ({}, adagrad),
    "DecayedAdagrad": ({}, decayed_adagrad),
    "Adam": ({}, adam),
    "Lamb": ({}, lamb),
    "Adamax": ({}, adamax),
    "Adadelta": ({}, adadelta),
    "RMSProp": ({}, rmsprop),
    "RMSProp centered": ({"momentum": 0.5, "centered": True}, rmsprop_centered),
    "Ftrl": ({"l1": 0.01, "l2": 0.5}, ftrl),
}


def by_hand(rule):
    parameters, states = [WEIGHT.astype("f8"), BIAS.astype("f8")], [{}, {}]
    for step in range(1, STEPS + 1):
        pairs = zip(parameters, gradients(*parameters), states, strict=True)
        parameters = [rule(p, g, s, step) for p, g, s in pairs]
    return parameters


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_follows_its_rule(fluid, name):
    arguments, rule = OPTIMIZERS[name]
    feed, loss = regression(fluid)
    getattr(fluid.optimizer, name.split()[0])(learning_rate=0.1, **arguments).minimize(loss)
    run(fluid, feed, [loss], steps=STEPS)
    weight, bias = by_hand(rule)
    np.testing.assert_allclose(value_of(fluid, "w"), weight, rtol=2e-4, atol=2e-6)
    np.testing.assert_allclose(value_of(fluid, "b"), bias, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("name", ["SGD", "Momentum", "Adam", "Adagrad"])
def test_an_eager_optimizer_follows_the_same_rule(fluid, name):
    arguments, rule = OPTIMIZERS[name]
    from programs import X, Y

    with fluid.dygraph.guard():
        linear = fluid.dygraph.Linear(4, 1)
        linear.weight.set_value(WEIGHT)
        linear.bias.set_value(BIAS)
        optimizer = getattr(fluid.optimizer, name)(learning_rate=0.1, parameter_list=linear.parameters(), **arguments)
        for _ in range(STEPS):
            error = linear(fluid.dygraph.to_variable(X)) - fluid.dygraph.to_variable(Y)
            loss = fluid.layers.mean(error * error)
            loss.backward()
            optimizer.minimize(loss)
            optimizer.clear_gradients()
        weight, bias = by_hand(rule)
        np.testing.assert_allclose(linear.weight.numpy(), weight, rtol=2e-4, atol=2e-6)
        np.testing.assert_allclose(linear.bias.numpy(), bias, rtol=2e-4, atol=2e-6)


def test_a_parameter_of_its_own_rate_and_a_frozen_one(fluid):
    feed, loss = regression(fluid, learning_rate=0.5)
    fluid.default_main_program().global_block().var("b").trainable = False
    fluid.optimizer.SGD(0.1).minimize(loss)
    run(fluid, feed, [loss])
    np.testing.assert_allclose(value_of(fluid, "w"), WEIGHT - 0.05 * gradients(WEIGHT, BIAS)[0], rtol=1e-5)
    assert value_of(fluid, "b") == BIAS


DECAYS = {
    "l2": (lambda fluid: fluid.regularizer.L2Decay(0.1), lambda w: 0.1 * w),
    "l1": (lambda fluid: fluid.regularizer.L1Decay(0.1), lambda w: 0.1 * np.sign(w)),
}


@pytest.mark.parametrize("name", DECAYS)
def test_decay_is_added_to_the_gradient(fluid, name):
    make, penalty = DECAYS[name]
    feed, loss = regression(fluid)
    fluid.optimizer.SGD(0.1, regularization=make(fluid)).minimize(loss)
    run(fluid, feed, [loss])
    expected = WEIGHT - 0.1 * (gradients(WEIGHT, BIAS)[0] + penalty(WEIGHT))
    np.testing.assert_allclose(value_of(fluid, "w"), expected, rtol=1e-5)


def test_a_parameters_own_decay_goes_before_the_optimizers(fluid):
    feed, loss = regression(fluid, regularizer=fluid.regularizer.L1Decay(0.2))
    fluid.optimizer.SGD(0.1, regularization=fluid.regularizer.L2Decay(5.0)).minimize(loss)
    run(fluid, feed, [loss])
    expected = WEIGHT - 0.1 * (gradients(WEIGHT, BIAS)[0] + 0.2 * np.sign(WEIGHT))
    np.testing.assert_allclose(value_of(fluid, "w"), expected, rtol=1e-5)


def global_norm(pair):
    factor = min(1, 0.2 / np.sqrt(sum((g**2).sum() for g in pair)))
    return [g * factor for g in pair]


CLIPS = {
    "GradientClipByValue": ({"max": 0.05, "min": -0.1}, lambda pair: [np.clip(g, -0.1, 0.05) for g in pair]),
    "GradientClipByNorm": (
        {"clip_norm": 0.2},
        lambda pair: [g * min(1, 0.2 / np.linalg.norm(g)) for g in pair],
    ),
    "GradientClipByGlobalNorm": ({"clip_norm": 0.2}, global_norm),
}


@pytest.mark.parametrize("way", ["given to the optimizer", "set on the parameters"])
@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_limits_gradients(fluid, name, way):
    arguments, rule = CLIPS[name]
    clip = getattr(fluid.clip, name)(**arguments)
    feed, loss = regression(fluid)
    if way == "set on the parameters":
        fluid.clip.set_gradient_clip(clip)
        clip = None
    fluid.optimizer.SGD(0.1, grad_clip=clip).minimize(loss)
    run(fluid, feed, [loss])
    weight_grad, bias_grad = rule(gradients(WEIGHT, BIAS))
    np.testing.assert_allclose(value_of(fluid, "w"), WEIGHT - 0.1 * weight_grad, rtol=1e-5)
    np.testing.assert_allclose(value_of(fluid, "b"), BIAS - 0.1 * bias_grad, rtol=1e-5)


def test_the_moving_average_takes_the_parameters_place_and_gives_it_back(fluid):
    feed, loss = regression(fluid)
    fluid.optimizer.SGD(0.1).minimize(loss)
    average = fluid.optimizer.ExponentialMovingAverage(0.9)
    average.update()
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    mean, after = 0, None
    for _ in range(STEPS):
        exe.run(feed=feed)
        after = value_of(fluid, "w")
        mean = 0.9 * mean + 0.1 * after
    with average.apply(exe):
        np.testing.assert_allclose(value_of(fluid, "w"), mean / (1 - 0.9**STEPS), rtol=1e-5)
    assert np.array_equal(value_of(fluid, "w"), after)


def test_the_mean_over_a_window_takes_the_parameters_place_and_gives_it_back(fluid):
    feed, loss = regression(fluid)
    fluid.optimizer.SGD(0.1).minimize(loss)
    average = fluid.optimizer.ModelAverage(0.5, min_average_window=100, max_average_window=100)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    values = []
    for _ in range(STEPS):
        exe.run(feed=feed)
        values.append(value_of(fluid, "w"))
    with average.apply(exe):
        np.testing.assert_allclose(value_of(fluid, "w"), np.mean(values, axis=0), rtol=1e-5)
    assert np.array_equal(value_of(fluid, "w"), values[-1])


def test_lookahead_goes_part_of_the_way_back_every_k_steps(fluid):
    feed, loss = regression(fluid)
    fluid.optimizer.LookaheadOptimizer(fluid.optimizer.SGD(0.1), alpha=0.5, k=2).minimize(loss)
    run(fluid, feed, [loss], steps=2)
    weight, bias = WEIGHT.astype("f8"), BIAS.astype("f8")
    for _ in range(2):
        weight_grad, bias_grad = gradients(weight, bias)
        weight, bias = weight - 0.1 * weight_grad, bias - 0.1 * bias_grad
    np.testing.assert_allclose(value_of(fluid, "w"), (weight + WEIGHT) / 2, rtol=1e-5)


def test_recomputing_changes_nothing(fluid):
    feed, loss = regression(fluid)
    optimizer = fluid.optimizer.RecomputeOptimizer(fluid.optimizer.SGD(0.1))
    optimizer._set_checkpoints([loss.block.var("fc_0.tmp_1")])
    optimizer.minimize(loss)
    run(fluid, feed, [loss])
    np.testing.assert_allclose(value_of(fluid, "w"), WEIGHT - 0.1 * gradients(WEIGHT, BIAS)[0], rtol=1e-5)


RATES = {
    "exponential_decay": ([0.1, 2, 0.5], lambda s: 0.1 * 0.5 ** (s / 2)),
    "natural_exp_decay": ([0.1, 2, 0.5], lambda s: 0.1 * np.exp(-0.5 * s / 2)),
    "inverse_time_decay": ([0.1, 2, 0.5], lambda s: 0.1 / (1 + 0.5 * s / 2)),
    "polynomial_decay": ([0.1, 3, 0.01, 2.0], lambda s: 0.09 * (1 - min(s, 3) / 3) ** 2 + 0.01),
    "piecewise_decay": ([[2, 4], [0.3, 0.2, 0.1]], lambda s: 0.3 if s < 2 else 0.2 if s < 4 else 0.1),
    "cosine_decay": ([0.1, 2, 3], lambda s: 0.05 * (np.cos(s // 2 * np.pi / 3) + 1)),
    "noam_decay": ([64, 3], lambda s: 64**-0.5 * min((s + 1) ** -0.5, 3**-1.5 * (s + 1))),
    "linear_lr_warmup": ([0.2, 3, 0.0, 0.1], lambda s: 0.1 * s / 3 if s < 3 else 0.2),
}


@pytest.mark.parametrize("name", RATES)
def test_a_decay_gives_each_steps_rate(fluid, name):
    arguments, rule = RATES[name]
    rate = getattr(fluid.layers, name)(*arguments)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    rates = [exe.run(fetch_list=[rate])[0].item() for _ in range(6)]
    np.testing.assert_allclose(rates, [rule(step) for step in range(6)], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", sorted(set(RATES) - {"linear_lr_warmup"}))
def test_an_eager_decay_gives_the_same_rates(fluid, name):
    arguments, rule = RATES[name]
    with fluid.dygraph.guard():
        rate = getattr(fluid.layers, name)(*arguments)
        rates = [np.asarray(rate().numpy()).item() for _ in range(6)]
    np.testing.assert_allclose(rates, [rule(step) for step in range(6)], rtol=1e-5, atol=1e-7)


# --- gradients of the rows that a batch names ---

TABLE = waves(6, 2)
BATCHES = [np.array([[1], [3], [1]], "int64"), np.array([[1], [4], [4]], "int64"), np.array([[0], [4], [1]], "int64")]


def table_after(fluid, optimizer, is_sparse=True):
    """A table of embeddings after a step on each batch, towards zero."""
    ids = fluid.data("ids", [None, 1], "int64")
    embedded = fluid.layers.embedding(ids, TABLE.shape, is_sparse, param_attr=parameter(fluid, "table", TABLE))
    optimizer.minimize(fluid.layers.reduce_sum(fluid.layers.square(embedded)))
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    for batch in BATCHES:
        exe.run(feed={"ids": batch})
    return value_of(fluid, "table")


def rows_of(batch, table):
    grad = np.zeros_like(table)
    np.add.at(grad, batch[:, 0], 2 * table[batch[:, 0]])
    return grad


@pytest.mark.parametrize("clip", [None, 0.5])
def test_adam_on_rows_moves_those_of_before_too_and_corrects_as_if_a_step_ahead(fluid, clip):
    table, m, v = TABLE.astype("f8"), 0.0, 0.0
    for step, batch in enumerate(BATCHES, start=1):
        grad = rows_of(batch, table) if clip is None else np.clip(rows_of(batch, table), -clip, clip)
        m, v = 0.9 * m + 0.1 * grad, 0.999 * v + 0.001 * grad**2
        table -= 0.1 * np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1)) * m / (np.sqrt(v) + 1e-4)
    grad_clip = fluid.clip.GradientClipByValue(clip) if clip else None
    got = table_after(fluid, fluid.optimizer.Adam(0.1, epsilon=1e-4, grad_clip=grad_clip))
    np.testing.assert_allclose(got, table, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("clip", [None, 0.5])
def test_lazy_adam_moves_the_rows_of_the_batch_alone(fluid, clip):
    table, m, v = TABLE.astype("f8"), np.zeros(TABLE.shape), np.zeros(TABLE.shape)
    for step, batch in enumerate(BATCHES, start=1):
        grad, rows = rows_of(batch, table), np.unique(batch)
        grad = grad if clip is None else np.clip(grad, -clip, clip)
        m[rows] = 0.9 * m[rows] + 0.1 * grad[rows]
        v[rows] = 0.999 * v[rows] + 0.001 * grad[rows] ** 2
        rate = 0.1 * np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1))
        table[rows] -= rate * m[rows] / (np.sqrt(v[rows]) + 1e-4)
    grad_clip = fluid.clip.GradientClipByValue(clip) if clip else None
    got = table_after(fluid, fluid.optimizer.Adam(0.1, epsilon=1e-4, lazy_mode=True, grad_clip=grad_clip))
    np.testing.assert_allclose(got, table, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["L1Decay", "L2Decay"])
@pytest.mark.parametrize("optimizer", ["SGD", "Adagrad", "Adamax", "DecayedAdagrad", "Adadelta", "Ftrl"])
def test_decay_makes_a_gradient_of_rows_dense(fluid, optimizer, kind):
    def trained(is_sparse):
        with fluid.program_guard(fluid.Program(), fluid.Program()), fluid.scope_guard(fluid.Scope()):
            decay = getattr(fluid.regularizer, kind)(0.1)
            return table_after(fluid, getattr(fluid.optimizer, optimizer)(0.1, regularization=decay), is_sparse)

    np.testing.assert_allclose(trained(True), trained(False), rtol=1e-6)


@pytest.mark.parametrize("optimizer", ["Adamax", "DecayedAdagrad"])
def test_an_optimizer_of_dense_gradients_says_so(fluid, optimizer):
    with pytest.raises(fluid.core.EnforceNotMet, match="is_sparse=False"):
        table_after(fluid, getattr(fluid.optimizer, optimizer)(0.1))
