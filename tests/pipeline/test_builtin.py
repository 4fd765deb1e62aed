"""The digits that the project draws: the same for a seed, written as people write, kept where they can be."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fluidline.errors import UsageError
from pipeline.data import builtin, handwriting, load
from pipeline.data.glyphs import GLYPHS, Glyph

WAYS = [pytest.param(glyph, id=f"{digit}, {glyph.name}") for digit, ways in GLYPHS.items() for glyph in ways]


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "fluidline"


@pytest.fixture
def plain(monkeypatch) -> None:
    """A hand that neither trembles nor misses."""
    for spread in ("JITTER", "PRESSURE", "TRIM", "LIFT"):
        monkeypatch.setattr(handwriting, spread, 0.0)


def test_a_seed_and_a_split_give_the_same_digits_on_every_machine():
    images, labels = builtin.draw(300, seed=0, split="train")
    assert images.shape == (300, 28, 28)
    assert images.dtype == np.uint8
    assert labels.shape == (300,)
    assert labels.dtype == np.int64
    # The same with every instruction set from SSE2 to AVX-512; to be renewed when the drawing or NumPy changes.
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    assert digest == "9f9bcc3f85b07c0d02a20161fdee5154dd821e7438bcb370af18702751405c45"


def test_the_number_of_threads_does_not_matter(monkeypatch):
    monkeypatch.setattr(builtin, "BLOCK", 100)
    drawn = []
    for cores in (1, 4):
        monkeypatch.setattr(builtin.os, "cpu_count", lambda cores=cores: cores)
        drawn.append(builtin.draw(350, seed=0, split="train"))
    np.testing.assert_array_equal(drawn[0][0], drawn[1][0])
    np.testing.assert_array_equal(drawn[0][1], drawn[1][1])


def test_no_digit_is_drawn_twice_whatever_the_block_the_split_and_the_seed(monkeypatch):
    monkeypatch.setattr(builtin, "BLOCK", 60)
    drawn = [builtin.draw(120, *how)[0] for how in ((0, "train"), (0, "test"), (1, "train"))]
    assert len({image.tobytes() for image in np.concatenate(drawn)}) == 360


def test_every_digit_comes_about_as_often_as_another():
    _, labels = builtin.draw(builtin.BLOCK, seed=0, split="train")
    counts = np.bincount(labels, minlength=10)
    assert len(counts) == 10
    assert abs(counts - builtin.BLOCK / 10).max() < 0.2 * builtin.BLOCK / 10


def test_no_digits_are_an_empty_array():
    images, labels = builtin.draw(0, seed=0, split="train")
    assert (images.shape, labels.shape) == ((0, 28, 28), (0,))


@pytest.mark.parametrize(("count", "seed"), [(-1, 0), (1, -1)])
def test_a_negative_count_or_seed_is_wrong_usage(count, seed):
    with pytest.raises(UsageError, match=f"cannot draw {count} digits with seed {seed} "):
        builtin.draw(count, seed, "train")


@pytest.mark.parametrize("digit", range(10))
def test_the_ways_of_writing_a_digit_have_names_of_their_own_and_weights(digit):
    ways = GLYPHS[digit]
    assert len({way.name for way in ways}) == len({way.strokes for way in ways}) == len(ways) > 5
    assert all(way.weight > 0 for way in ways)


@pytest.mark.parametrize("glyph", WAYS)
def test_every_glyph_fills_the_box_and_is_centred_by_mass_as_in_mnist(glyph):
    images = handwriting.write([glyph], np.zeros(20, int), np.random.default_rng(0)).astype(int)
    grid = np.arange(28)
    for axis in (1, 2):
        centre = (images.sum(axis=3 - axis) * grid).sum(axis=1) / images.sum(axis=(1, 2))
        assert abs(centre - 14).max() < 0.6  # half a pixel, and what the edge of the image may cut off
    inked = images > 127
    sides = np.stack([inked.any(axis=axis).sum(axis=1) for axis in (1, 2)])
    assert sides.max(axis=0).min() >= 16
    assert sides.max() <= 22  # the box, and a pixel of blur on either side
    assert (images.max(axis=(1, 2)) > 200).all()
    assert (inked.mean(axis=(1, 2)) < 0.5).all()


@pytest.mark.parametrize("glyph", WAYS)
def test_the_pen_passes_through_every_control_point(glyph, plain):
    places, _ = handwriting.lay_out(glyph)
    points, _ = handwriting.trace([glyph], np.zeros(1, int), np.random.default_rng(0))
    distance = np.sqrt(((points[0] - places[:, None]) ** 2).sum(axis=2))
    assert distance.min(axis=1).max() < 3


@pytest.mark.parametrize(("text", "sharp"), [("0,0 50,0! 50,50", True), ("0,0 50,0 50,50", False)])
def test_the_pen_turns_sharply_only_at_a_corner(text, sharp, plain):
    points, _ = handwriting.trace([Glyph("", 1, (text,))], np.zeros(1, int), np.random.default_rng(0))
    off_the_lines = np.minimum(abs(points[0, :, 1]), abs(points[0, :, 0] - 50))
    assert (off_the_lines.max() < 1e-9) == sharp


def test_strokes_that_name_a_point_meet_there():
    places, strokes = handwriting.lay_out(Glyph("", 1, ("0,0 50,50", "50,50 100,0")))
    assert len(places) == 3
    assert strokes[0].shape[-1, 2] == strokes[1].shape[0, 1]


def test_a_line_is_as_thick_as_the_pen_is_wide():
    points = np.stack([np.linspace(4, 24, 81), np.full(81, 14.0)], axis=1)
    depth = handwriting.rasterise(points[None], np.full((1, 81), 1.5))[0]
    np.testing.assert_allclose(depth[10:19, 14], 1.5 - abs(np.arange(10, 19) - 14.0), atol=0.02)


def test_the_data_set_has_its_splits_and_the_names_of_the_digits(cache):
    dataset = builtin.dataset(seed=3, train=60, test=20)
    assert (len(dataset.train), len(dataset.test), dataset.valid) == (60, 20, None)
    assert dataset.labels == tuple("0123456789")
    assert dataset.source == "built-in drawn digits (seed 3)"
    np.testing.assert_array_equal(dataset.test.images, builtin.draw(20, 3, "test")[0])


def test_digits_drawn_once_are_kept(cache, monkeypatch):
    first = builtin.dataset(train=60, test=20)
    monkeypatch.setattr(builtin, "draw", None)
    again = builtin.dataset(train=60, test=20)
    np.testing.assert_array_equal(first.train.images, again.train.images)
    np.testing.assert_array_equal(first.train.labels, again.train.labels)
    assert [file.suffix for file in cache.iterdir()] == [".npz"]


@pytest.mark.parametrize("how", [{"seed": 1}, {"train": 61}, {"test": 21}])
def test_other_digits_are_kept_elsewhere(cache, how):
    builtin.dataset(seed=0, train=60, test=20)
    builtin.dataset(**{"seed": 0, "train": 60, "test": 20, **how})
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("damage", ["torn", "altered", "emptied"])
def test_kept_digits_that_were_damaged_are_drawn_again_and_it_is_said(cache, caplog, damage):
    first = builtin.dataset(train=60, test=20)
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    altered = whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:]
    kept.write_bytes({"torn": whole[:-100], "altered": altered, "emptied": b""}[damage])
    again = builtin.dataset(train=60, test=20)
    np.testing.assert_array_equal(first.train.images, again.train.images)
    assert f"{kept} is damaged" in caplog.text
    assert kept.read_bytes() == whole


def test_where_nothing_can_be_kept_the_digits_are_drawn_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(builtin.dataset(train=60, test=20).train) == 60


def test_drawing_needs_no_framework():
    code = "import sys, pipeline.data.builtin; sys.exit('paddle' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_real_digits_are_recognised_by_their_nearest_drawn_ones(shared):
    drawn, names = builtin.draw(5000, seed=0, split="train")
    real = load(shared / "mnist").train
    these, those = (_blurred(images).reshape(len(images), -1) for images in (real.images[:500], drawn))
    nearest = ((those**2).sum(axis=1) - 2 * these @ those.T).argmin(axis=1)
    assert (names[nearest] == real.labels[:500]).mean() > 0.85


def _blurred(images: np.ndarray) -> np.ndarray:
    light = np.pad(images / np.float32(255), ((0, 0), (1, 1), (1, 1)))
    light = light[:, :-2] + 2 * light[:, 1:-1] + light[:, 2:]
    return light[:, :, :-2] + 2 * light[:, :, 1:-1] + light[:, :, 2:]
