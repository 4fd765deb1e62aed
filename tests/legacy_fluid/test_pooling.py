"""Averages over windows that lie partly outside divide by the whole window, as in 1.8."""

import numpy as np
import pytest
from programs import run, waves


def averages(x, kernel, stride, padding):
    """The averages, and the gradient of the sum of their squares."""
    size = x.shape[-1]
    windows = -(-(size + 2 * padding - kernel) // stride) + 1
    starts = [stride * i - padding for i in range(windows)]
    spans = [slice(max(start, 0), min(start + kernel, size)) for start in starts]
    out, grad = np.zeros((windows, windows)), np.zeros((size, size))
    for i, rows in enumerate(spans):
        for j, columns in enumerate(spans):
            out[i, j] = x[rows, columns].sum() / kernel**2
            grad[rows, columns] += 2 * out[i, j] / kernel**2
    return out, grad


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (2, 3, 0)])
def test_averages_of_windows_at_the_border(fluid, kernel, stride, padding, layout):
    value = waves(7, 7)
    shape = [1, 1, 7, 7] if layout == "NCHW" else [1, 7, 7, 1]
    x = fluid.data("x", [None, *shape[1:]])
    x.stop_gradient = False
    out = fluid.layers.pool2d(x, kernel, "avg", stride, padding, ceil_mode=True, exclusive=False, data_format=layout)
    grad = fluid.gradients([fluid.layers.reduce_sum(fluid.layers.square(out))], [x])
    got = run(fluid, {"x": value.reshape(shape)}, [out, *grad])
    for answer, expected in zip(got, averages(value, kernel, stride, padding), strict=True):
        np.testing.assert_allclose(answer.reshape(expected.shape), expected, rtol=1e-4, atol=1e-6)


def test_averages_where_the_padding_is_wider_behind(fluid):
    value = waves(1, 1, 5, 5)
    out = fluid.layers.pool2d(fluid.data("x", [None, 1, 5, 5]), 3, "avg", 2, [0, 2, 0, 2], exclusive=False)
    padded = np.pad(value[0, 0], ((0, 2), (0, 2)))
    expected = [[padded[i : i + 3, j : j + 3].sum() / 9 for j in (0, 2, 4)] for i in (0, 2, 4)]
    np.testing.assert_allclose(run(fluid, {"x": value}, [out])[0][0, 0], expected, rtol=1e-4, atol=1e-6)


def test_averages_padded_to_the_same_size(fluid):
    value = waves(1, 1, 5, 6)
    out = fluid.layers.pool2d(fluid.data("x", [None, 1, 5, 6]), 3, "avg", 2, "SAME", exclusive=False)
    padded = np.pad(value[0, 0], ((1, 1), (0, 1)))
    expected = [[padded[i : i + 3, j : j + 3].sum() / 9 for j in (0, 2, 4)] for i in (0, 2, 4)]
    np.testing.assert_allclose(run(fluid, {"x": value}, [out])[0][0, 0], expected, rtol=1e-4, atol=1e-6)
