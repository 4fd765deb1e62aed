"""The passes that leave operators out or join them, against programs as they were: equal to the last bit."""

import numpy as np
import pytest


def _mlp(fluid, hidden=6, l2=None):
    x = fluid.layers.data("x", [2, 3])
    y = fluid.layers.data("y", [1], dtype="int64")
    middle = fluid.layers.fc(fluid.layers.fc(x, hidden, act="relu"), hidden, act="tanh")
    prediction = fluid.layers.fc(middle, 4, act="softmax")
    loss = fluid.layers.mean(fluid.layers.cross_entropy(prediction, y))
    fluid.layers.accuracy(prediction, y)
    fluid.optimizer.Adam(0.05, regularization=l2 and fluid.regularizer.L2Decay(l2)).minimize(loss)
    return [loss]


def _sequences(fluid):
    x = fluid.layers.data("x", [2, 3])
    y = fluid.layers.data("y", [1], dtype="int64")
    steps = fluid.layers.fc(x, 5, num_flatten_dims=2, act="relu")
    joined = fluid.layers.fc([fluid.layers.reduce_sum(steps, 1), fluid.layers.reduce_max(steps, 1)], 4, act="softmax")
    loss = fluid.layers.mean(fluid.layers.cross_entropy(joined, y))
    fluid.optimizer.Momentum(0.05, 0.9).minimize(loss)
    return [loss, joined]


@pytest.fixture
def train(fluid):
    """train(build, names of passes) -> what was fetched in 5 steps, all parameters, the operators that ran."""

    def run(build, *names):
        from legacy_fluid import passes
        from legacy_fluid.lowering import lowered

        main, startup, scope = fluid.Program(), fluid.Program(), fluid.Scope()
        main.random_seed = startup.random_seed = 3
        with fluid.program_guard(main, startup), fluid.unique_name.guard():
            fetch = build(fluid)
        exe, draw = fluid.Executor(fluid.CPUPlace()), np.random.default_rng(0)
        exe.run(startup, scope=scope)
        with passes.using(*names):
            ran = passes.optimized(lowered(main), [var.name for var in fetch])
            values = []
            for _ in range(5):
                feed = {"x": draw.standard_normal((7, 2, 3)).astype("float32"), "y": draw.integers(0, 4, (7, 1))}
                values += exe.run(main, feed, fetch, scope=scope)
        values += [np.array(scope.find_var(var.name).get_tensor()) for var in main.all_parameters()]
        return values, [op.type for op in ran.global_block().ops]

    return run


@pytest.mark.parametrize(
    ("name", "build", "counts"),
    [
        ("unused", _mlp, {"accuracy": (1, 0), "top_k": (1, 0), "mul": (3, 3)}),
        ("fully_connected", _mlp, {"mul": (3, 0), "fc": (0, 3), "relu": (1, 0), "tanh": (1, 1), "mul_grad": (3, 3)}),
        ("fully_connected", _sequences, {"mul": (3, 2), "fc": (0, 1), "relu": (1, 0)}),
        ("epsilons", _mlp, {"rsqrt": (6, 1), "scale": (12, 2), "adam": (6, 6)}),
    ],
)
def test_a_pass_does_its_work_and_changes_no_bit(train, name, build, counts):
    plain, before = train(build, "none")
    quick, after = train(build, name)
    assert {kind: (before.count(kind), after.count(kind)) for kind in counts} == counts
    for one, other in zip(plain, quick, strict=True):
        assert np.array_equal(one, other)


def test_all_together_change_no_bit_either(train):
    def decayed(fluid):
        return _mlp(fluid, l2=0.01)

    plain, before = train(decayed, "none")
    quick, after = train(decayed, "unused", "fully_connected", "epsilons")
    assert len(after) < len(before)
    for one, other in zip(plain, quick, strict=True):
        assert np.array_equal(one, other)


def test_what_is_fetched_kept_drawn_or_printed_is_not_unused(fluid, train, capfd):
    def build(fluid):
        x = fluid.layers.data("x", [2, 3])
        fluid.layers.data("y", [1], dtype="int64")
        kept = fluid.layers.create_global_var([1], 0.0, "float32", persistable=True)
        fluid.layers.assign(fluid.layers.mean(x), kept)
        fluid.layers.randperm(3)
        fluid.layers.Print(fluid.layers.reduce_max(x), message="the largest", summarize=1)
        fluid.layers.scale(fluid.layers.exp(x), 2.0)
        return [fluid.layers.reduce_sum(x)]

    before, after = (train(build, name)[1] for name in ("none", "unused"))
    assert [kind for kind in before if kind not in after] == ["exp", "scale"]
    assert "the largest" in capfd.readouterr().out


@pytest.mark.parametrize("name", ["product", "sum"])
def test_a_product_that_is_fetched_or_used_twice_is_not_joined(fluid, train, name):
    def build(fluid):
        x = fluid.layers.data("x", [2, 3])
        fluid.layers.data("y", [1], dtype="int64")
        out = fluid.layers.fc(x, 4, act="relu")
        ops = {op.type: op for op in out.block.ops}
        seen = ops["mul" if name == "product" else "elementwise_add"].output("Out")[0]
        return [out, fluid.layers.scale(out.block.var(seen), 2.0)]

    plain, before = train(build, "none")
    quick, after = train(build, "fully_connected")
    assert after == (before if name == "product" else ["fc", "relu", "scale"])
    for one, other in zip(plain, quick, strict=True):
        assert np.array_equal(one, other)


def test_a_bias_that_changes_between_product_and_sum_is_added_as_it_is_then(fluid, train):
    def build(fluid):
        x = fluid.layers.data("x", [2, 3])
        fluid.layers.data("y", [1], dtype="int64")
        weight = fluid.layers.create_parameter([6, 4], "float32")
        bias = fluid.layers.create_parameter([4], "float32", is_bias=True)
        product = fluid.layers.mul(x, weight)
        fluid.layers.assign(fluid.layers.scale(bias, bias=1.0), bias)
        return [fluid.layers.elementwise_add(product, bias, axis=1)]

    plain, _ = train(build, "none")
    quick, after = train(build, "fully_connected")
    assert "fc" not in after
    for one, other in zip(plain, quick, strict=True):
        assert np.array_equal(one, other)


def test_a_test_between_steps_sees_the_parameters_of_that_step(fluid):
    main, startup, scope = fluid.Program(), fluid.Program(), fluid.Scope()
    with fluid.program_guard(main, startup):
        (loss,) = _mlp(fluid)
    test, exe, draw = (
        main.clone(for_test=True)._prune([loss]),
        fluid.Executor(fluid.CPUPlace()),
        np.random.default_rng(0),
    )
    exe.run(startup, scope=scope)
    feed = {"x": draw.standard_normal((7, 2, 3)).astype("float32"), "y": draw.integers(0, 4, (7, 1))}
    for _ in range(4):
        tested = exe.run(test, feed, [loss], scope=scope)[0]
        assert np.array_equal(exe.run(main, feed, [loss], scope=scope)[0], tested)
