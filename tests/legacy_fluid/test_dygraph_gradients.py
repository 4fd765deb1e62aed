"""Gradients of eager mode: which Variables have them, when they are replaced, and the gradients of gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import legacy_fluid as fluid

dygraph, layers = fluid.dygraph, fluid.layers


def variable(*values: float) -> Any:
    made = dygraph.to_variable(np.array(values, dtype="float32"))
    made.stop_gradient = False
    return made


def test_every_variable_on_the_way_has_a_gradient() -> None:
    with dygraph.guard():
        x = variable(1, 2)
        doubled = x * 2.0
        constant = dygraph.to_variable(np.ones(2, "float32"))
        loss = layers.reduce_sum(doubled * doubled + constant)
        loss.backward()
        assert loss.gradient().tolist() == [1]
        assert doubled.gradient().tolist() == [4, 8]
        assert x.gradient().tolist() == [8, 16]
        assert constant.gradient() is None


@pytest.mark.parametrize("is_sparse", [False, True])
def test_a_backward_replaces_the_gradients_of_the_one_before(is_sparse: bool) -> None:
    with dygraph.guard():
        table = dygraph.Embedding([3, 1], is_sparse=is_sparse)
        other, ids = dygraph.Linear(1, 1), dygraph.to_variable(np.array([[2]]))
        layers.reduce_sum(other(table(ids))).backward()
        kept = other.weight.gradient()
        for factor in (2.0, 3.0):
            layers.reduce_sum(table(ids) * factor).backward()
        of_table = table.weight.gradient()
        assert (of_table[0] if is_sparse else of_table[2]).ravel().tolist() == [3]
        np.testing.assert_array_equal(other.weight.gradient(), kept)  # nothing reached it since


def test_the_uses_of_a_variable_add_up_within_one_backward() -> None:
    with dygraph.guard():
        x = variable(3)
        layers.reduce_sum(x * 2.0 + x * x).backward()
        assert x.gradient().tolist() == [8]


def test_a_second_backward_of_the_same_loss_does_nothing() -> None:
    with dygraph.guard():
        x = variable(3)
        loss = layers.reduce_sum(x * x)
        for _ in range(2):
            loss.backward()
            assert x.gradient().tolist() == [6]
        x.backward()
        assert x.gradient().tolist() == [6]


# name -> function and the gradient, with respect to x = [1.5, 2.5], of the sum of its squared gradient
TWICE: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "square": (layers.square, [12, 20]),
    "x * x": (lambda x: x * x, [12, 20]),
    "sqrt": (layers.sqrt, [-0.1111111, -0.04]),
    "relu": (lambda x: layers.relu(x) * x, [12, 20]),
    "leaky_relu": (lambda x: layers.leaky_relu(x) * x, [12, 20]),
    "reduce_mean": (lambda x: layers.reduce_mean(x * x), [3, 5]),
    "reduce_sum": (lambda x: layers.reduce_sum(x * x), [12, 20]),
    "mul": (lambda x: layers.mul(layers.reshape(x, [1, 2]), layers.reshape(x, [2, 1])), [12, 20]),
    "matmul": (lambda x: layers.matmul(layers.reshape(x, [1, 2]), layers.reshape(x, [2, 1])), [12, 20]),
    "slice": (lambda x: (x * x)[0:1], [12, 0]),
    "split": (lambda x: layers.split(x * x, 2, 0)[0], [12, 0]),
    "expand": (lambda x: layers.expand(layers.reshape(x * x, [1, 2]), [2, 1]), [48, 80]),
    "sums": (lambda x: layers.sums([x * x, x]), [16, 24]),
    "scale": (lambda x: layers.scale(x * x, 2.0, 1.0), [48, 80]),
    "x * x - x": (lambda x: x * x - x, [8, 16]),
    "cast": (lambda x: layers.cast(x * x, "float64"), [12, 20]),
    "concat": (lambda x: layers.concat([x * x, x], axis=0), [16, 24]),
    "transpose": (lambda x: layers.transpose(layers.reshape(x * x, [1, 2]), [1, 0]), [12, 20]),
    "mean": (lambda x: layers.mean(x) * layers.mean(x), [4, 4]),
}


@pytest.mark.parametrize(("function", "expected"), TWICE.values(), ids=TWICE)
def test_gradients_have_gradients(function: Callable[[Any], Any], expected: list[float]) -> None:
    with dygraph.guard():
        x = variable(1.5, 2.5)
        slope = dygraph.grad(function(x), x, create_graph=True)[0]
        layers.reduce_sum(slope * slope).backward()
        np.testing.assert_allclose(x.gradient(), expected, rtol=1e-5)


def test_a_penalty_on_the_gradient_of_a_convolution_reaches_its_filter() -> None:
    with dygraph.guard():
        critic = dygraph.Conv2D(1, 1, 2, param_attr=fluid.initializer.Constant(0.5))
        x = variable(*range(9))
        image = layers.reshape(x, [1, 1, 3, 3])
        slope = dygraph.grad(critic(image), image, create_graph=True)[0]  # of each pixel, 0.5 times the windows on it
        layers.reduce_sum(slope * slope).backward()
        np.testing.assert_allclose(slope.numpy().ravel(), [0.5, 1, 0.5, 1, 2, 1, 0.5, 1, 0.5])
        np.testing.assert_allclose(critic.weight.gradient().ravel(), [9, 9, 9, 9])


def test_without_create_graph_gradients_are_constants() -> None:
    with dygraph.guard():
        x = variable(1)
        y = x * x
        slope = dygraph.grad(y, x, retain_graph=True)[0]
        assert slope.stop_gradient
        (y + slope).backward()
        assert x.gradient().tolist() == [2]
