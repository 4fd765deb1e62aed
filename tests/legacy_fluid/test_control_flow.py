"""Loops, branches and recurrences, forward and back, against the same in NumPy."""

from itertools import pairwise

import numpy as np
import pytest
from programs import fed, parameter, run, sequences, waves


def test_a_while_adds_up(fluid):
    L = fluid.layers
    i, n, total = L.fill_constant([1], "int64", 0), L.fill_constant([1], "int64", 5), L.fill_constant([1], "float32", 0)
    goes_on = L.less_than(i, n)
    loop = L.While(goes_on)
    with loop.block():
        L.assign(L.elementwise_add(total, L.cast(i, "float32")), total)
        L.increment(i)
        L.less_than(i, n, cond=goes_on)
    assert [value.item() for value in run(fluid, {}, [i, total])] == [5, 10]


def test_a_while_loop_is_differentiated_through_its_arrays(fluid):
    L, value = fluid.layers, waves(2, 3)
    x = fed(fluid, "x", value)
    i, n = L.zeros([1], "int64"), L.fill_constant([1], "int64", 3)
    array = L.array_write(x, L.zeros([1], "int64"))
    goes_on = L.less_than(i, n)
    loop = L.While(goes_on)
    with loop.block():
        doubled = L.scale(L.array_read(array, i), 2.0)
        L.increment(i)
        L.array_write(doubled, i, array=array)
        L.less_than(i, n, cond=goes_on)
    last = L.array_read(array, n)
    fluid.backward.append_backward(L.mean(last))
    out, grad = run(fluid, {"x": value}, [last, "x@GRAD"])
    np.testing.assert_allclose(out, value * 8, rtol=1e-6)
    np.testing.assert_allclose(grad, np.full((2, 3), 8 / 6), rtol=1e-6)


def test_while_loop_returns_the_last_values(fluid):
    L = fluid.layers
    start = [L.fill_constant([1], "int64", 0), L.fill_constant([1], "float32", 1)]
    limit = L.fill_constant([1], "int64", 10)
    out = L.while_loop(lambda i, x: L.less_than(i, limit), lambda i, x: [i + 1, x * 1.5], start)
    i, x = run(fluid, {}, out)
    assert (i.item(), x.item()) == (10, np.float32(1.5**10))


@pytest.mark.parametrize(("a", "expected"), [(1.0, 3.0), (3.0, 9.0)])
def test_cond_takes_one_branch_and_its_gradient(fluid, a, expected):
    L = fluid.layers
    x = fed(fluid, "x", np.full((1, 1), a, "float32"))
    out = L.cond(L.reduce_all(L.less_than(x, L.fill_constant([1], "float32", 2))), lambda: x * 3.0, lambda: L.square(x))
    fluid.backward.append_backward(L.mean(out))
    value, grad = run(fluid, {"x": np.full((1, 1), a, "float32")}, [out, "x@GRAD"])
    assert value.item() == expected
    assert grad.item() == (3.0 if a < 2 else 2 * a)


@pytest.mark.parametrize(("step", "rate"), [(0, 0.1), (1, 0.01), (5, 0.001)])
def test_a_switch_runs_its_first_true_case(fluid, step, rate):
    L = fluid.layers
    now = fluid.data("step", [1], "float32")
    out = L.create_global_var([1], 0.0, "float32", persistable=True)
    with L.Switch() as switch:
        for limit, value in ((1.0, 0.1), (2.0, 0.01)):
            with switch.case(now < L.fill_constant([1], "float32", limit)):
                L.assign(L.fill_constant([1], "float32", value), out)
        with switch.default():
            L.assign(L.fill_constant([1], "float32", 0.001), out)
    (value,) = run(fluid, {"step": np.array([step], "float32")}, [out])
    assert value.item() == np.float32(rate)


@pytest.mark.parametrize(("index", "expected"), [(0, 10), (2, 30), (7, 40)])
def test_switch_case_picks_by_number(fluid, index, expected):
    L = fluid.layers
    branches = {
        number: (lambda v=value: L.fill_constant([1], "int32", v)) for number, value in ((0, 10), (2, 30), (3, 40))
    }
    out = L.switch_case(L.fill_constant([1], "int32", index), branches)
    assert run(fluid, {}, [out])[0].item() == expected


def test_case_picks_the_first_true_condition(fluid):
    L = fluid.layers
    x, y = L.fill_constant([1], "float32", 0.1), L.fill_constant([1], "float32", 0.2)
    one, two, three = ((lambda v=v: L.fill_constant([1], "int32", v)) for v in (1, 2, 3))
    out = L.case([(L.less_than(y, x), one), (L.less_than(x, y), two)], default=three)
    assert run(fluid, {}, [out])[0].item() == 2


def test_if_else_parts_rows_and_joins_them(fluid):
    L, value = fluid.layers, waves(5, 1)
    x = fed(fluid, "x", value)
    parted = L.IfElse(L.less_than(x, L.fill_constant_batch_size_like(x, [-1, 1], "float32", 0.0)))
    with parted.true_block():
        parted.output(parted.input(x) * -1.0)
    with parted.false_block():
        parted.output(parted.input(x) * 10.0)
    (out,) = run(fluid, {"x": value}, parted())
    np.testing.assert_allclose(out, np.where(value < 0, -value, 10 * value), rtol=1e-6)


@pytest.mark.parametrize(("axis", "use_stack"), [(0, False), (1, False), (-1, False), (0, True), (1, True), (2, True)])
def test_the_elements_of_an_array_are_joined_and_their_sizes_told(fluid, axis, use_stack):
    L, value = fluid.layers, waves(2, 3)
    x, array = fluid.data("x", [2, 3]), L.create_array("float32")
    for index in range(3):
        L.array_write(x * float(index), L.fill_constant([1], "int64", index), array)
    joined, sizes = run(fluid, {"x": value}, L.tensor_array_to_tensor(array, axis=axis, use_stack=use_stack))
    join = np.stack if use_stack else np.concatenate
    np.testing.assert_allclose(joined, join([value * index for index in range(3)], axis), rtol=1e-6)
    assert sizes.dtype == np.int32
    if axis < 2:
        assert list(sizes) == [value.shape[axis]] * 3


def recurrence(inputs, weight, state=0.0):
    outputs = []
    for row in inputs:
        state = np.tanh(row + state @ weight if np.ndim(state) else row)
        outputs.append(state)
    return np.stack(outputs)


def numeric_gradient(function, at, step=1e-3):
    grad = np.zeros_like(at, "f8")
    for index in np.ndindex(at.shape):
        moved = at.astype("f8").copy()
        moved[index] += step
        up = function(moved)
        moved[index] -= 2 * step
        grad[index] = (up - function(moved)) / (2 * step)
    return grad


def test_a_static_rnn_carries_its_memory_and_gradients_back(fluid):
    L, value, weight = fluid.layers, waves(3, 2, 4), waves(4, 4, phase=1.0) / 2
    x = fluid.data("x", [3, 2, 4])
    x.stop_gradient = False
    rnn = L.StaticRNN()
    with rnn.step():
        row = rnn.step_input(x)
        before = rnn.memory(shape=[-1, 4], batch_ref=x)
        recurrent = L.fc(before, 4, param_attr=parameter(fluid, "u", weight), bias_attr=False)
        state = L.tanh(L.elementwise_add(row, recurrent))
        rnn.update_memory(before, state)
        rnn.step_output(state)
    out = rnn()
    fluid.backward.append_backward(L.reduce_sum(L.square(out)))
    states, grad = run(fluid, {"x": value}, [out, "x@GRAD"])
    np.testing.assert_allclose(states, recurrence(value, weight), rtol=1e-5)
    expected = numeric_gradient(lambda at: (recurrence(at, weight.astype("f8")) ** 2).sum(), value)
    np.testing.assert_allclose(grad, expected, atol=2e-4)


def test_a_memory_that_no_output_shows_still_gets_its_gradient(fluid):
    L, value = fluid.layers, waves(3, 2, 4)
    x = fluid.data("x", [3, 2, 4])
    x.stop_gradient = False
    rnn = L.StaticRNN()
    with rnn.step():
        row = rnn.step_input(x)
        before = rnn.memory(shape=[-1, 4], batch_ref=x)
        rnn.update_memory(before, L.elementwise_add(before, row))
        rnn.step_output(L.scale(before, 2.0))  # what the steps before added up
    fluid.backward.append_backward(L.reduce_sum(rnn()))
    (grad,) = run(fluid, {"x": value}, ["x@GRAD"])
    np.testing.assert_allclose(grad, np.broadcast_to(np.array([4.0, 2.0, 0.0]).reshape(3, 1, 1), (3, 2, 4)))


def test_a_dynamic_rnn_runs_each_sequence_for_its_own_length(fluid):
    L, value, lengths, weight = fluid.layers, waves(6, 4), [3, 1, 2], waves(4, 4, phase=1.0) / 2
    x = fed(fluid, "x", value, lengths)
    rnn = L.DynamicRNN()
    with rnn.block():
        row = rnn.step_input(x)
        before = rnn.memory(shape=[4], value=0.0)
        state = L.tanh(
            L.elementwise_add(row, L.fc(before, 4, param_attr=parameter(fluid, "u", weight), bias_attr=False))
        )
        rnn.update_memory(before, state)
        rnn.output(state)
    out = rnn()
    fluid.backward.append_backward(L.reduce_sum(out))
    states, grad = run(fluid, {"x": sequences(fluid, value, lengths)}, [out, "x@GRAD"])
    starts = np.cumsum([0, *lengths])
    parts = [slice(*pair) for pair in pairwise(starts)]
    np.testing.assert_allclose(states, np.concatenate([recurrence(value[part], weight) for part in parts]), rtol=1e-5)
    for part in parts:
        expected = numeric_gradient(lambda at: recurrence(at, weight.astype("f8")).sum(), value[part])
        np.testing.assert_allclose(grad[part], expected, atol=2e-4)


@pytest.mark.parametrize("name", ["less_than", "less_equal", "greater_than", "greater_equal", "equal", "not_equal"])
def test_comparisons(fluid, name):
    rule = {"less_than": np.less, "greater_than": np.greater}.get(name, getattr(np, name, None))
    a, b = np.array([[1, 2, 3]], "float32"), np.array([[1, 3, 2]], "float32")
    out = getattr(fluid.layers, name)(fed(fluid, "a", a), fed(fluid, "b", b))
    assert np.array_equal(run(fluid, {"a": a, "b": b}, [out])[0], rule(a, b))


def test_loops_and_branches_run_eagerly_too(fluid):
    with fluid.dygraph.guard():
        L, two = fluid.layers, fluid.dygraph.to_variable(np.array([2.0], "float32"))
        assert L.cond(L.less_than(two, two + 1.0), lambda: two * 3.0, lambda: two).numpy().item() == 6
        (out,) = L.while_loop(lambda x: L.less_than(x, two * 10.0), lambda x: [x * 2.0], [two])
        assert out.numpy().item() == 32
        array = L.array_write(two, L.zeros([1], "int64"))
        assert L.array_length(array) == 1
