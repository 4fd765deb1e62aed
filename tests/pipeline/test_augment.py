"""Transforms of images: each does what its name says, all of them at once, and the same for the same stream."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fluidline.errors import UsageError
from pipeline.augment import TRANSFORMS, augment, parse

ALL = "rotate=10,zoom=0.1,stretch=0.1,shear=0.1,shift=2,elastic=1"


class Most:
    """A source of numbers that are always the largest asked for."""

    @staticmethod
    def uniform(low: float, high: float, shape: Any) -> Any:
        return np.full(shape, high)


MOST: Any = Most()


def images(count: int = 20) -> Any:
    """Return noise in the middle of the images, which has room there to move."""
    pixels = np.zeros((count, 28, 28), np.uint8)
    pixels[:, 8:20, 8:20] = np.random.default_rng(0).integers(0, 256, (count, 12, 12))
    return pixels


def test_nothing_asked_changes_nothing() -> None:
    assert parse("none") == {}
    np.testing.assert_array_equal(augment(images(), {}, np.random.default_rng(0)), images())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shift=3", lambda each: np.roll(each, (-3, -3), (1, 2))),
        ("rotate=90", lambda each: np.rot90(each, 1, (1, 2))),
        ("rotate=180", lambda each: each[:, ::-1, ::-1]),
    ],
)
def test_a_transform_by_whole_pixels_is_exact(text: str, expected: Any) -> None:
    changed = augment(images(), parse(text), MOST)
    np.testing.assert_allclose(changed, expected(images()), atol=0.02)  # of 255


@pytest.mark.parametrize(
    ("text", "across", "down"),
    [("zoom=0.5", 1.5, 1.5), ("stretch=0.5", 1.5, 1.5), ("shear=1", 1, 1), ("shift=0.5", 1, 1)],
)
def test_the_area_of_ink_changes_as_the_plane_does(text: str, across: float, down: float) -> None:
    square = np.zeros((1, 28, 28), np.uint8)
    square[:, 8:20, 8:20] = 255
    ink = augment(square, parse(text), MOST).sum()
    assert ink == pytest.approx(square.sum(dtype=float) / across / down, rel=0.02)


def test_elastic_moves_points_by_as_many_pixels_as_it_says() -> None:
    ramp = np.broadcast_to(8 * np.arange(28, dtype=np.uint8), (500, 28, 28))
    moved = (augment(ramp, parse("elastic=1"), np.random.default_rng(0)) - ramp)[:, 6:-6, 6:-6] / 8
    assert 0.95 < moved.std() < 1.05
    assert abs(moved.mean()) < 0.1
    neighbours = np.diff(moved, axis=2).std()
    assert neighbours < 0.35  # smooth: points beside each other go nearly the same way


def test_brightness_makes_ink_stronger_or_weaker_and_leaves_the_dark_dark() -> None:
    assert augment(images(), parse("brightness=0.5"), MOST).max() == 255  # as bright as can be, not beyond
    halves = images() // 2
    np.testing.assert_allclose(augment(halves, parse("brightness=0.5"), MOST), halves * 1.5)
    factors = augment(halves, parse("brightness=0.5"), np.random.default_rng(0)).max((1, 2)) / halves.max((1, 2))
    assert 0.5 <= factors.min() < 0.7
    assert 1.3 < factors.max() <= 1.5


def test_brightness_leaves_the_draws_of_the_warps_as_they_are() -> None:
    faint = images() // 4
    warped, lit = (augment(faint, parse(text), np.random.default_rng(3)) for text in (ALL, f"brightness=0.5,{ALL}"))
    factors = lit.sum((1, 2)) / warped.sum((1, 2))
    np.testing.assert_allclose(lit, warped * factors[:, None, None], rtol=1e-4, atol=1e-3)
    assert factors.std() > 0.1


def test_vary_lets_images_keep_from_all_to_none_of_the_warps() -> None:
    ramp = np.broadcast_to(4 * np.arange(28, dtype=np.uint8), (500, 28, 28))

    def moved(more: str) -> Any:  # of a ramp, the values move as the places do
        return augment(ramp, parse(f"shift=4{more}"), np.random.default_rng(0))[:, 14, 14] - ramp[:, 14, 14]

    kept = moved(",vary=1") / moved("")
    assert 0 <= kept.min() < 0.02
    assert 0.98 < kept.max() <= 1
    assert kept.mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_allclose(moved(",vary=0.5"), moved("") * (1 + kept) / 2, atol=1e-3)


def test_vary_alone_changes_nothing() -> None:
    np.testing.assert_array_equal(augment(images(), parse("vary=1"), np.random.default_rng(0)), images())


def test_thickness_takes_strokes_to_their_neighbours_brightest_or_darkest() -> None:
    stroke = np.zeros((400, 28, 28), np.uint8)
    stroke[:, 10:18, 14:16] = 200
    thick = augment(stroke, parse("thickness=1"), MOST)[0]
    assert (thick == 200).sum() == 8 * 4 + 2 * 2  # a pixel more on each side, not across the corners
    drawn = augment(stroke, parse("thickness=0.5"), np.random.default_rng(0))
    beside, within = drawn[:, 14, 13] / 200, drawn[:, 14, 14] / 200
    np.testing.assert_allclose(np.where(beside > 0, within, beside), np.where(beside > 0, 1, 0))  # thicker or thinner
    assert 0.48 < beside.max() <= 0.5
    assert 0.5 <= within.min() < 0.52
    assert (beside > 0).mean() == pytest.approx(0.5, abs=0.1)


def test_noise_is_each_images_own_and_as_strong_as_that_image_draws() -> None:
    grey = np.full((400, 28, 28), 128, np.uint8)
    noise = augment(grey, parse("noise=0.1"), np.random.default_rng(0)) - 128
    spread = noise.std((1, 2)) / 255
    assert 0 <= spread.min() < 0.01
    assert 0.09 < spread.max() < 0.11
    assert spread.mean() == pytest.approx(0.05, abs=0.01)
    assert np.abs(np.corrcoef(noise[spread > 0.02][:20].reshape(20, -1)) - np.eye(20)).max() < 0.2


def test_the_courses_names_are_understood() -> None:
    assert parse("rotation=14,scale=0.1") == {"rotate": 14, "zoom": 0.1}


def test_places_outside_of_the_image_are_dark() -> None:
    white = np.full((1, 28, 28), 255, np.uint8)
    shifted = augment(white, parse("shift=10"), MOST)[0]
    assert shifted[:18, :18].min() > 254.9
    assert shifted[18:].max() < 0.1
    assert shifted[:, 18:].max() < 0.1


@pytest.mark.parametrize(
    "text", [*(f"{name}={row.most:g}" for name, row in TRANSFORMS.items() if name != "vary"), f"vary=1,{ALL}"]
)
def test_the_same_stream_gives_the_same_bits_and_values_stay_in_range(text: str) -> None:
    first, second, other = (augment(images(), parse(text), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.dtype == np.float32
    assert first.shape == (20, 28, 28)
    assert first.tobytes() == second.tobytes() != other.tobytes()
    assert first.min() >= 0
    assert first.max() <= 255
    assert (
        len({image.tobytes() for image in augment(images(1).repeat(5, 0), parse(text), np.random.default_rng(0))}) == 5
    )


def test_the_order_in_which_transforms_are_named_does_not_matter() -> None:
    backwards = ",".join(reversed(ALL.split(",")))
    one, other = (augment(images(), parse(text), np.random.default_rng(3)) for text in (ALL, backwards))
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rotat=10", "no such augmentation: 'rotat' (did you mean 'rotate'?)"),
        ("rotate", "augmentation rotate wants an amount, as in rotate=18, not 'rotate'"),
        ("rotate=ten", "not 'rotate=ten'"),
        ("rotate=200", "augmentation rotate is 200, and must be from 0 to 180"),
        ("shift=1,zoom=nan", "augmentation zoom is nan, and must be from 0 to 0.9"),
        ("", "no such augmentation: ''"),
        ("zoom=0.1,scale=0.2", "augmentation zoom is given twice in 'zoom=0.1,scale=0.2'"),
    ],
)
def test_a_wrong_augmentation_is_named_with_its_mend(text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text)
    assert words in str(error.value)
