"""Operators of eager mode that 1.8 computed otherwise than the core of today, by value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_pooling import averages

import legacy_fluid as fluid

dygraph, layers = fluid.dygraph, fluid.layers


def waves(*shape: int) -> np.ndarray:
    return np.sin(np.arange(int(np.prod(shape))) * 0.37 + 0.3).reshape(shape).astype("float32")


def differentiated(function: Callable[..., Any], *arrays: Any) -> list[np.ndarray]:
    """What `function` returns, and the gradient of the sum of its squares for each array of floats."""
    with dygraph.guard():
        given = [dygraph.to_variable(np.asarray(array)) for array in arrays]
        floats = [each for each, array in zip(given, arrays, strict=True) if np.asarray(array).dtype.kind == "f"]
        for each in floats:
            each.stop_gradient = False
        result = function(*given)
        layers.reduce_sum(layers.square(result)).backward()
        return [result.numpy(), *(each.gradient() for each in floats)]


def test_integers_divide_towards_zero_and_their_remainder_has_the_sign_of_the_dividend() -> None:
    x, y = np.array([-13, 13, -7, 7]), np.array([5, -5, -2, 2])
    with dygraph.guard():
        x, y = dygraph.to_variable(x), dygraph.to_variable(y)
        assert layers.elementwise_floordiv(x, y).numpy().tolist() == (x // y).numpy().tolist() == [-2, -2, 3, 3]
        assert layers.elementwise_mod(x, y).numpy().tolist() == (x % y).numpy().tolist() == [-3, 3, -1, 1]
        rows = layers.reshape(x, [2, 2])
        assert layers.elementwise_mod(rows, y[0:2], axis=0).numpy().tolist() == [[-3, 3], [-2, 2]]


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (2, 3, 0)])
def test_averages_of_windows_at_the_border_are_those_of_programs(kernel: int, stride: int, padding: int) -> None:
    value = waves(7, 7)
    got = differentiated(
        lambda x: layers.pool2d(x, kernel, "avg", stride, padding, ceil_mode=True, exclusive=False),
        value.reshape(1, 1, 7, 7),
    )
    for answer, expected in zip(got, averages(value, kernel, stride, padding), strict=True):
        np.testing.assert_allclose(answer.reshape(expected.shape), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("overwrite", "of_twice"), [(True, 1), (False, 2)])
def test_a_row_gathered_twice_has_the_last_gradient_or_the_sum(overwrite: bool, of_twice: int) -> None:
    x, index = waves(4, 3), np.array([1, 1, 3], "int32")
    result, gradient = differentiated(lambda x, i: layers.gather(x, i, overwrite), x, index)
    np.testing.assert_array_equal(result, x[index])
    expected = 2 * x * np.array([[0], [of_twice], [0], [1]])
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)


@pytest.mark.parametrize("overwrite", [True, False])
def test_the_whole_gradient_of_a_scatter_passes_to_x(overwrite: bool) -> None:
    x, index, updates = waves(4, 3), np.array([2, 0]), waves(2, 3) + 1
    result, of_x, of_updates = differentiated(lambda *a: layers.scatter(*a, overwrite=overwrite), x, index, updates)
    expected = x.copy()
    expected[index] = updates
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    np.testing.assert_allclose(of_x, 2 * expected, rtol=1e-6)
    np.testing.assert_allclose(of_updates, 2 * updates, rtol=1e-6)


def test_leaky_relu_is_the_larger_of_two_lines_with_the_slopes_of_the_other() -> None:
    x = np.array([-2.0, 3.0], "float32")
    result, gradient = differentiated(lambda x: layers.leaky_relu(x, 1.5), x)
    assert result.tolist() == [-2.0, 4.5]
    assert gradient.tolist() == [2 * -2.0 * 1.5, 2 * 4.5]


def test_an_ignored_label_has_no_loss_and_a_gradient() -> None:
    logits, label = waves(2, 3), np.array([[2], [1]])
    with dygraph.guard():
        x = dygraph.to_variable(logits)
        x.stop_gradient = False
        loss = layers.softmax_with_cross_entropy(x, dygraph.to_variable(label), ignore_index=1)
        layers.reduce_sum(loss).backward()
        softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(loss.numpy(), [[-np.log(softmax[0, 2])], [0]], rtol=1e-5)
        np.testing.assert_allclose(x.gradient(), softmax - np.eye(3)[label[:, 0]], rtol=1e-5, atol=1e-6)


def test_numbers_for_a_batch_are_those_of_programs_with_the_same_seed() -> None:
    with dygraph.guard():
        for_batch = layers.uniform_random_batch_size_like(dygraph.to_variable(waves(5, 2)), [-1, 3], seed=7).numpy()
        np.testing.assert_array_equal(for_batch, layers.uniform_random([5, 3], min=-1.0, max=1.0, seed=7).numpy())


def table_after(optimizer: Callable[..., Any], is_sparse: bool, **options: Any) -> np.ndarray:
    """A table of embeddings after two steps that pull some of its rows towards zero, some of them twice."""
    with dygraph.guard():
        table = dygraph.Embedding([5, 2], is_sparse=is_sparse)
        table.weight.set_value(waves(5, 2))
        updates = optimizer(0.1, parameter_list=table.parameters(), **options)
        for ids in ([1, 3, 1], [4, 3, 3]):
            loss = layers.reduce_sum(layers.square(table(dygraph.to_variable(np.array(ids).reshape(-1, 1)))))
            loss.backward()
            updates.minimize(loss)
            table.clear_gradients()
        return table.weight.numpy()


CLIPS = [fluid.clip.GradientClipByValue(0.3, -0.2), fluid.clip.GradientClipByNorm(0.5), None]


@pytest.mark.parametrize("clip", CLIPS, ids=["value", "norm", "none"])
@pytest.mark.parametrize("optimizer", [fluid.optimizer.SGD, fluid.optimizer.Adagrad])
def test_gradients_of_rows_are_clipped_as_whole_ones_are(optimizer: Any, clip: Any) -> None:
    of_rows, whole = (table_after(optimizer, is_sparse, grad_clip=clip) for is_sparse in (True, False))
    np.testing.assert_allclose(of_rows, whole, rtol=1e-5)


def test_adam_on_rows_moves_those_of_before_too_and_corrects_as_if_a_step_ahead() -> None:
    got = table_after(fluid.optimizer.Adam, True, epsilon=1e-4)
    table, m, v = waves(5, 2).astype("f8"), 0.0, 0.0
    for step, ids in enumerate(([1, 3, 1], [4, 3, 3]), start=1):
        grad = np.zeros_like(table)
        np.add.at(grad, ids, 2 * table[ids])
        m, v = 0.9 * m + 0.1 * grad, 0.999 * v + 0.001 * grad**2
        table -= 0.1 * np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1)) * m / (np.sqrt(v) + 1e-4)
    np.testing.assert_allclose(got, table, rtol=1e-4)


@pytest.mark.parametrize("optimizer", ["Adamax", "DecayedAdagrad", "Adadelta"])
def test_an_optimizer_of_whole_gradients_says_so(optimizer: str) -> None:
    with pytest.raises(fluid.core.EnforceNotMet, match="is_sparse=False"):
        table_after(getattr(fluid.optimizer, optimizer), True)
