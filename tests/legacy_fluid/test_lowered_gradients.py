"""Gradients that kernels of 1.8 computed otherwise than those of today, in programs."""

import numpy as np
import pytest
from programs import run, waves


@pytest.mark.parametrize(
    ("alpha", "slopes"), [(0.1, [0.1, 0.1, 1]), (0.0, [0, 0, 1]), (1.5, [1.5, 1.5, 1]), (-0.5, [1, -0.5, 1])]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_slope_of_leaky_relu_is_alpha_where_the_result_is_not_above_zero(fluid, alpha, slopes, dtype):
    x = fluid.data("x", [3], dtype)
    x.stop_gradient = False
    result = fluid.layers.leaky_relu(x, alpha)
    value = np.array([-2, 0, 3], dtype)
    got, gradient = run(fluid, {"x": value}, [result, *fluid.gradients([fluid.layers.reduce_sum(result)], [x])])
    np.testing.assert_allclose(got, np.maximum(value, alpha * value), rtol=1e-6)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6)


def test_an_ignored_label_has_no_loss_and_a_gradient(fluid):
    x, label = fluid.data("x", [None, 3]), fluid.data("label", [None, 1], "int64")
    x.stop_gradient = False
    loss = fluid.layers.softmax_with_cross_entropy(x, label, ignore_index=1)
    logits, labels = waves(2, 3), np.array([[2], [1]])
    feed = {"x": logits, "label": labels}
    losses, gradient = run(fluid, feed, [loss, *fluid.gradients([fluid.layers.reduce_sum(loss)], [x])])
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(losses, [[-np.log(softmax[0, 2])], [0]], rtol=1e-5)
    np.testing.assert_allclose(gradient, softmax - np.eye(3)[labels[:, 0]], rtol=1e-5, atol=1e-6)
