"""For a seed the numbers are those that genuine 1.8.5 drew; the expected ones were recorded there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import legacy_fluid as fluid
from legacy_fluid import random_numbers

layers = fluid.layers

OF_SEED_7: dict[str, tuple[Any, list[float]]] = {
    "uniform": (
        lambda: layers.uniform_random([6], min=0.0, max=1.0, seed=7),
        [1.5734509e-04, 0.59522712, 0.20946823, 0.24127895, 0.77568990, 0.32782841],
    ),
    "normal": (
        lambda: layers.gaussian_random([6], seed=7),
        [-0.66629976, -0.7482237, -0.6952409, 1.113255, 1.3217413, 0.484373],
    ),
    "normal in float64": (
        lambda: layers.gaussian_random([6], seed=7, dtype="float64"),
        [-1.44817478, 0.53302792, 1.08894548, -0.65540908, 0.87659303, 1.78516329],
    ),
    "truncated normal": (
        lambda: layers.create_parameter(
            [6], "float32", default_initializer=fluid.initializer.TruncatedNormal(0.0, 1.0, seed=7)
        ),
        [-1.997223, 0.22984603, -0.76314825, -0.6649201, 0.71645874, -0.42433086],
    ),
    "integers": (lambda: layers.randint(0, 100, [6], seed=7), [0, 59, 20, 24, 77, 32]),
    "dropout": (
        lambda: layers.dropout(layers.fill_constant([12], "float32", 1.0), 0.5, seed=7),
        [0, 1, 0, 0, 1, 0, 1, 1, 1, 0, 1, 1],
    ),
}


@pytest.mark.parametrize(("make", "expected"), OF_SEED_7.values(), ids=OF_SEED_7)
def test_a_seed_gives_the_numbers_of_1_8_in_a_program_and_in_every_run(make: Any, expected: list[float]) -> None:
    main, startup = fluid.Program(), fluid.Program()
    with fluid.program_guard(main, startup), fluid.scope_guard(fluid.Scope()):
        drawn = make()
        exe = fluid.Executor(fluid.CPUPlace())
        exe.run(startup)
        for _ in range(2):
            np.testing.assert_allclose(exe.run(main, fetch_list=[drawn])[0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("make", "expected"), OF_SEED_7.values(), ids=OF_SEED_7)
def test_a_seed_gives_the_numbers_of_1_8_in_eager_mode(make: Any, expected: list[float]) -> None:
    with fluid.dygraph.guard():
        np.testing.assert_allclose(make().numpy(), expected, rtol=0, atol=1e-5)


def test_the_seed_of_a_program_reaches_its_parameters() -> None:
    main, startup = fluid.Program(), fluid.Program()
    startup.random_seed = 7
    with fluid.program_guard(main, startup), fluid.scope_guard(fluid.Scope()), fluid.unique_name.guard():
        layers.fc(fluid.data("x", [None, 2]), 3, param_attr=fluid.initializer.Uniform(0.0, 1.0))
        exe = fluid.Executor(fluid.CPUPlace())
        exe.run(startup)
        weight = np.array(fluid.global_scope().find_var("fc_0.w_0").get_tensor())
    np.testing.assert_allclose(weight.ravel(), OF_SEED_7["uniform"][1], atol=1e-6)


def test_a_shape_known_when_the_program_runs_is_drawn_for_alike() -> None:
    with fluid.program_guard(fluid.Program(), fluid.Program()):
        x = fluid.data("x", [None, 3])
        of_tensors = layers.uniform_random([layers.fill_constant([1], "int32", 2), 3], min=0.0, max=1.0, seed=7)
        of_batch = layers.uniform_random_batch_size_like(x, [-1, 3], min=0.0, max=1.0, seed=7)
        fetched = fluid.Executor().run(feed={"x": np.zeros((2, 3), "float32")}, fetch_list=[of_tensors, of_batch])
    for value in fetched:
        np.testing.assert_allclose(value.ravel(), OF_SEED_7["uniform"][1], atol=1e-6)


def test_the_gradient_of_a_seeded_dropout_flows_where_the_value_did() -> None:
    with fluid.program_guard(fluid.Program(), fluid.Program()):
        x = fluid.data("x", [12])
        x.stop_gradient = False
        out = layers.dropout(x, 0.5, seed=7, dropout_implementation="upscale_in_train")
        (gradient,) = fluid.gradients(layers.reduce_sum(out), x)
        value, slope = fluid.Executor().run(feed={"x": np.ones(12, "float32")}, fetch_list=[out, gradient])
    np.testing.assert_array_equal(value, 2 * np.array(OF_SEED_7["dropout"][1]))
    np.testing.assert_array_equal(slope, value)


def test_a_seeded_dropout_keeps_the_lengths_of_sequences() -> None:
    with fluid.program_guard(fluid.Program(), fluid.Program()):
        x = fluid.data("x", [None, 1], lod_level=1)
        total = layers.sequence_pool(layers.dropout(x, 0.5, seed=7), "sum")
        feed = {"x": fluid.create_lod_tensor(np.ones((12, 1), "float32"), [[4, 8]], fluid.CPUPlace())}
        (value,) = fluid.Executor().run(feed=feed, fetch_list=[total])
    np.testing.assert_array_equal(value, [[1], [6]])


def test_without_a_seed_each_run_draws_anew() -> None:
    with fluid.program_guard(fluid.Program(), fluid.Program()):
        drawn = layers.uniform_random([8])
        exe = fluid.Executor()
        first, second = (exe.run(fetch_list=[drawn])[0] for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("count", [1, 2, 3, 1000, 2**22 + 1])
def test_the_states_follow_from_each_other(count: int) -> None:
    states = random_numbers._states(-5, count)
    assert len(states) == count
    np.testing.assert_array_equal(states[1:], states[:-1] * 48271 % (2**31 - 1))
