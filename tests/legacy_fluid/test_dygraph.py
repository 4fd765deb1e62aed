"""Eager mode by value, with NumPy as the judge."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import legacy_fluid as fluid

dygraph = fluid.dygraph


def sweep(*shape: int, phase: float = 0.3) -> np.ndarray:
    return np.sin(np.arange(int(np.prod(shape))) * 0.7 + phase).reshape(shape).astype("float32")


def known(*shape: int) -> Any:
    return fluid.ParamAttr(initializer=fluid.initializer.NumpyArrayInitializer(sweep(*shape, phase=1.0)))


def test_operators_and_parts_of_a_variable_keep_a_dimension() -> None:
    array = sweep(2, 3)
    with dygraph.guard():
        x = dygraph.to_variable(array)
        for result, expected in (
            (1.0 - x, 1.0 - array),
            (2 / (x + 3), 2 / (array + 3)),
            (x > 0.0, array > 0),
            (x[0], array[0]),
            (x[:, ::-1], array[:, ::-1]),
            (x[1][2], array[1, 2:]),
            (x[-1, -1], array[1, 2:]),
            (fluid.layers.mean(x), array.mean().reshape(1)),
        ):
            assert list(expected.shape) == result.shape
            np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6)


def test_whole_numbers_divide_to_whole_numbers() -> None:
    with dygraph.guard():
        assert (dygraph.to_variable(np.array([3, 4])) / 2).numpy().tolist() == [1, 2]


def test_gradients_flow_to_leaves_and_clear_to_zero() -> None:
    with dygraph.guard():
        x = dygraph.to_variable(sweep(2, 3))
        x.stop_gradient = False
        fluid.layers.reduce_sum(fluid.layers.square(x)).backward(dygraph.BackwardStrategy())
        np.testing.assert_allclose(x.gradient(), 2 * sweep(2, 3), rtol=1e-6)
        x.clear_gradient()
        assert not x.gradient().any()


def test_a_layer_in_eval_mode_lets_no_gradient_be_recorded_until_train() -> None:
    with dygraph.guard():
        layer, x = dygraph.Linear(3, 2), dygraph.to_variable(sweep(2, 3))
        layer.eval()
        assert layer(x).stop_gradient
        layer.train()
        assert not layer(x).stop_gradient


W = sweep(4, 3, phase=1.0)
LAYERS = {
    "linear": (lambda: dygraph.Linear(4, 3, param_attr=known(4, 3)), sweep(2, 4), lambda x: x @ W),
    "fc": (
        lambda: dygraph.FC("fc", 3, param_attr=known(4, 3), act="relu"),
        sweep(2, 4),
        lambda x: np.maximum(x @ W, 0),
    ),
    "embedding": (lambda: dygraph.Embedding([4, 3], param_attr=known(4, 3)), np.array([[1], [3]]), lambda x: W[x]),
    "pool": (
        lambda: dygraph.Pool2D(2, "max", 2),
        sweep(1, 1, 4, 4),
        lambda x: x.reshape(2, 2, 2, 2).max((1, 3))[None, None],
    ),
    "layer_norm": (
        lambda: dygraph.LayerNorm(4, scale=False, shift=False, epsilon=0.0),
        sweep(2, 4),
        lambda x: (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True),
    ),
    "batch_norm": (lambda: dygraph.BatchNorm(3, epsilon=0.0), sweep(4, 3), lambda x: (x - x.mean(0)) / x.std(0)),
    "prelu": (
        lambda: dygraph.PRelu("all", param_attr=fluid.initializer.Constant(0.1)),
        sweep(2, 3, 2, 2),
        lambda x: np.where(x > 0, x, 0.1 * x),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes(name: str) -> None:
    make, array, expected = LAYERS[name]
    with dygraph.guard():
        result = make()(dygraph.to_variable(array))
        np.testing.assert_allclose(result.numpy(), expected(array), rtol=1e-4, atol=1e-5)


def test_layers_of_1_5_count_their_channels_and_take_a_state_that_came_before_the_first_call() -> None:
    class Net(dygraph.Layer):
        def __init__(self, name_scope: str) -> None:
            super().__init__(name_scope)
            self.conv = dygraph.Conv2D(self.full_name(), 2, 3)
            self.fc = dygraph.FC(self.full_name(), 1)

        def forward(self, x: Any) -> Any:
            return self.fc(self.conv(x))

    x = sweep(2, 1, 4, 4)
    with dygraph.guard():
        net = Net("net")
        optimizer = fluid.optimizer.SGD(0.1)
        loss = fluid.layers.mean(net(dygraph.to_variable(x)))
        loss.backward()
        optimizer.minimize(loss, grad_clip=fluid.dygraph_grad_clip.GradClipByGlobalNorm(0.1))
        state = {name: value.numpy() for name, value in net.state_dict().items()}
        assert sorted(state) == ["conv.bias", "conv.weight", "fc.bias", "fc.weight"]
        expected = net(dygraph.to_variable(x)).numpy()
        again = Net("net")
        again.load_dict(state)
        np.testing.assert_array_equal(again(dygraph.to_variable(x)).numpy(), expected)


def test_an_optimizer_without_parameters_says_what_it_needs() -> None:
    with dygraph.guard(), pytest.raises(AttributeError, match=r"model.parameters\(\)"):
        fluid.optimizer.SGD(0.1)


def test_a_saved_state_is_loaded_and_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    with dygraph.guard():
        layer = dygraph.Linear(4, 3, param_attr=known(4, 3))
        fluid.save_dygraph(layer.state_dict(), str(tmp_path / "run" / "model"))
        params, opt = fluid.load_dygraph(str(tmp_path / "run" / "model"))
        assert opt is None
        assert sorted(params) == ["bias", "weight"]
        np.testing.assert_array_equal(params["weight"], W)
        (tmp_path / "evil.pdparams").write_bytes(pickle.dumps(print))
        with pytest.raises(pickle.UnpicklingError, match=r"builtins.print"):
            fluid.load_dygraph(str(tmp_path / "evil"))
        dygraph.save_persistables(layer.state_dict(), str(tmp_path / "older"))
        older, _ = dygraph.load_persistables(str(tmp_path / "older"))
        np.testing.assert_array_equal(older["weight"].numpy(), W)


def test_decays_follow_their_formulas() -> None:
    with dygraph.guard():
        decays = {
            dygraph.PiecewiseDecay([2], [0.1, 0.01], 0): [0.1, 0.1, 0.01],
            dygraph.ExponentialDecay(0.1, 1, 0.5): [0.1, 0.05, 0.025],
            dygraph.InverseTimeDecay(0.1, 1, 1.0): [0.1, 0.05, 0.1 / 3],
            dygraph.PolynomialDecay(0.1, 2, 0.0): [0.1, 0.05, 0.0],
        }
        for decay, expected in decays.items():
            np.testing.assert_allclose([decay().numpy()[0] for _ in expected], expected, rtol=1e-6, atol=1e-9)


def test_a_traced_layer_is_a_program_of_what_ran() -> None:
    x = sweep(2, 4)
    with dygraph.guard():
        layer = dygraph.Linear(4, 3, param_attr=known(4, 3), act="tanh")
        _, traced = dygraph.TracedLayer.trace(layer, [dygraph.to_variable(x)])
        assert [op.type for op in traced.program.global_block().ops] == ["matmul", "elementwise_add", "tanh"]
        np.testing.assert_allclose(traced([dygraph.to_variable(x)])[0], np.tanh(x @ W), rtol=1e-5)


@dygraph.jit.declarative
def doubled_or_halved(x: Any) -> Any:
    if fluid.layers.mean(x) > 0.0:
        y = x * 2.0
    else:
        y = x / 2.0
    return y


def test_a_declarative_function_chooses_at_run_time() -> None:
    with dygraph.guard():
        for sign, factor in ((1.0, 2.0), (-1.0, 0.5)):
            x = np.full((2, 2), sign, "float32")
            np.testing.assert_allclose(doubled_or_halved(dygraph.to_variable(x)).numpy(), x * factor)


def test_adam_adds_epsilon_to_the_root_of_the_second_moment():
    gradient, epsilon, expected, first, second = 1e-6, 1e-3, 0.5, 0.0, 0.0
    with fluid.dygraph.guard():
        layer = fluid.dygraph.Linear(1, 1, param_attr=fluid.initializer.Constant(expected), bias_attr=False)
        adam = fluid.optimizer.Adam(0.1, epsilon=epsilon, parameter_list=layer.parameters())
        for step in range(1, 4):
            loss = fluid.layers.reduce_sum(layer(fluid.dygraph.to_variable(np.full([1, 1], gradient, "float32"))))
            loss.backward()
            adam.minimize(loss)
            layer.clear_gradients()
            first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
            rate = 0.1 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            expected -= rate * first / (np.sqrt(second) + epsilon)
        np.testing.assert_allclose(layer.weight.numpy().item(), expected, rtol=1e-7)


def test_a_loop_over_a_number_that_is_a_variable_becomes_a_while() -> None:
    @dygraph.declarative
    def times(x: Any, number: Any) -> Any:
        total = fluid.layers.zeros([1], "float32")
        for _ in range(number):
            total = total + fluid.layers.reduce_sum(x)
        return total

    with dygraph.guard():
        x = dygraph.to_variable(np.ones((2, 2), "float32"))
        for number in (3, 5):
            assert times(x, dygraph.to_variable(np.array([number]))).numpy().tolist() == [4 * number]


def test_a_translated_layer_with_a_branch_is_saved_from_within_the_guard(tmp_path: Path) -> None:
    class Branching(dygraph.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.linear = dygraph.Linear(2, 2, param_attr=known(2, 2))

        @dygraph.declarative
        def forward(self, x: Any) -> Any:
            y = self.linear(x)
            if fluid.layers.mean(y) > 0:
                z = y * 2.0
            else:
                z = y - 1.0
            return z

    with dygraph.guard():
        layer = Branching()
        expected = [layer(dygraph.to_variable(sign * sweep(3, 2))).numpy() for sign in (1, -1)]
        dygraph.ProgramTranslator().save_inference_model(str(tmp_path), feed=[0], fetch=[0])
    exe = fluid.Executor(fluid.CPUPlace())
    with fluid.scope_guard(fluid.Scope()):
        program, (name,), targets = fluid.io.load_inference_model(str(tmp_path), exe)
        for sign, value in zip((1, -1), expected, strict=True):
            (answer,) = exe.run(program, feed={name: sign * sweep(3, 2)}, fetch_list=targets)
            np.testing.assert_allclose(answer, value, rtol=1e-6)
