"""Splits: what they refuse to be, and that they read as paddle.dataset.mnist reads."""

import numpy as np
import pytest

from pipeline.data.dataset import SCALE, SHIFT, Split, normalise


def test_a_split_reads_normalised_floats_and_plain_integers():
    images = np.random.default_rng(0).integers(0, 256, (250, 28, 28), np.uint8)
    labels = np.arange(250) % 10
    reader = Split(images, labels).reader()
    samples = list(reader())
    assert len(samples) == 250
    for (values, label), image, expected in zip(samples, images, labels, strict=True):
        assert (values.dtype, values.shape, type(label), label) == (np.float32, (784,), int, expected)
        # The steps of paddle.dataset.mnist, each rounded to float32.
        np.testing.assert_array_equal(values, image.reshape(-1).astype("float32") / 255.0 * 2.0 - 1.0)
    assert len(list(reader())) == 250


def test_normalised_pixels_are_those_of_the_published_scale_and_shift():
    pixels = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose(normalise(pixels), pixels * SCALE + SHIFT, atol=1e-7)
    assert normalise(pixels)[[0, 255]].tolist() == [-1.0, 1.0]


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (np.zeros((2, 28, 28), np.float32), np.zeros(2, np.int64), "images are float32"),
        (np.zeros((2, 784), np.uint8), np.zeros(2, np.int64), r"images are uint8 \(2, 784\)"),
        (np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8), "labels are uint8"),
        (np.zeros((2, 28, 28), np.uint8), np.zeros(3, np.int64), r"labels are int64 \(3,\), not int64 \[2\]"),
    ],
)
def test_a_split_refuses_other_types_and_shapes(images, labels, words):
    with pytest.raises(TypeError, match=words):
        Split(images, labels)
