"""Small convolutions of a training become products of matrices, where that is right and pays."""

import numpy as np
import pytest

import legacy_fluid as fluid
from legacy_fluid import passes
from legacy_fluid.lowering import lowered
from legacy_fluid.passes import winograd

from . import graphs


@pytest.mark.parametrize("weights", [1, 3, 5])
@pytest.mark.parametrize("tile", range(1, 9))
def test_the_algorithm_is_the_correlation(tile, weights):
    a, g, b = winograd._algorithm(tile, weights)
    random = np.random.RandomState(tile)
    image, filters = random.randn(tile + weights - 1), random.randn(weights)
    assert len(a) <= tile + weights - 1 + 2
    np.testing.assert_allclose(a.T @ ((g @ filters) * (b @ image)), np.correlate(image, filters), atol=1e-12)


@pytest.mark.parametrize(("size", "padding"), [(12, 0), (8, 2), (17, 0), (7, 4)])
def test_the_tiles_of_a_side_are_one_correlation_of_the_padded_side(size, padding):
    output = size + 2 * padding - 4
    side = winograd._side(size, 5, output, padding)
    random = np.random.RandomState(size)
    image, filters = random.randn(size), random.randn(5)
    found = side.output.T @ ((side.filter @ filters) * (side.image @ image))
    np.testing.assert_allclose(found, np.correlate(np.pad(image, padding), filters), atol=1e-12)


def _kinds(build, fetched=()):
    """Operators of a program that trains a graph on images of 12 channels, 12 x 12, after the pass."""
    main, startup = fluid.Program(), fluid.Program()
    with fluid.program_guard(main, startup), fluid.unique_name.guard():
        img = fluid.data("img", [None, 12, 12, 12])
        img.stop_gradient = False
        loss = fluid.layers.mean(build(img))
        fluid.optimizer.SGD(0.1).minimize(loss)
    with passes.using("winograd"):
        program = passes.optimized(lowered(main), [loss.name, *fetched])
    return [op.type for op in program.global_block().ops]


def _conv(channels=12, size=5, **options):
    return lambda img: fluid.layers.conv2d(img, channels, size, bias_attr=False, **options)


def test_a_small_convolution_and_its_gradient_are_products():
    kinds = _kinds(_conv())
    assert not {"conv2d", "conv2d_grad"} & set(kinds)
    assert kinds.count("matmul_v2") == 7 + 8  # forward: 2 + 2 + 1 + 2; back: 2 + (1 + 2) + (1 + 2)


@pytest.mark.parametrize(
    "build",
    [
        _conv(size=3),
        _conv(stride=2),
        _conv(groups=2),
        _conv(dilation=2),
        _conv(channels=4),
        _conv(padding="SAME"),
        _conv(padding=4),  # 16 x 16
        lambda img: fluid.layers.conv2d(fluid.layers.cast(img, "float64"), 12, 5, bias_attr=False),
    ],
)
def test_other_convolutions_stay(build):
    kinds = _kinds(build)
    assert {"conv2d", "conv2d_grad"} <= set(kinds)
    assert "matmul_v2" not in kinds


def test_a_program_that_does_not_train_keeps_its_convolutions():
    main, _, _ = graphs.build("small_images")
    test = lowered(main.clone(for_test=True))
    with passes.using("winograd"):
        assert passes.optimized(test, []) is test
