"""mnist.json.gz: the tutorials' file, however its pixels are written, and what is said where it is damaged."""

import gzip
import json

import numpy as np
import pytest
from data_files import digits, json_parts, write_json

from fluidline.errors import DataError
from pipeline.data import mnist_json
from pipeline.data.mnist_json import read_mnist_json


@pytest.mark.parametrize(
    ("scale", "shift"), [(1, 0), (1 / 255, 0), (1 / 256, 0), (2 / 255, -1)], ids=["bytes", "unit", "256ths", "signed"]
)
@pytest.mark.parametrize("name", ["mnist.json.gz", "mnist.json"])
def test_pixels_come_out_exact_however_they_are_written(tmp_path, name, scale, shift):
    path = write_json(tmp_path / name, json_parts(scale, shift))
    dataset = read_mnist_json(path)
    for seed, (split, count) in enumerate([(dataset.train, 12), (dataset.valid, 11), (dataset.test, 10)]):
        images, labels = digits(count, seed)
        np.testing.assert_array_equal(split.images, images)
        np.testing.assert_array_equal(split.labels, labels)
    assert dataset.source == str(path)


@pytest.mark.parametrize("how", [{"indent": 1}, {"separators": (",", ":")}], ids=["indented", "dense"])
def test_blanks_between_the_numbers_do_not_matter(tmp_path, how):
    dataset = read_mnist_json(write_json(tmp_path / "mnist.json", json_parts(), **how))
    np.testing.assert_array_equal(dataset.test.images, digits(10, 2)[0])


def test_a_file_larger_than_a_chunk_and_a_batch_is_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist_json, "_CHUNK", 777)
    monkeypatch.setattr(mnist_json, "_BATCH", 7)
    dataset = read_mnist_json(write_json(tmp_path / "mnist.json.gz", json_parts()))
    np.testing.assert_array_equal(dataset.train.images, digits(12)[0])


@pytest.mark.parametrize("name", ["mnist.json.gz", "mnist.json"])
def test_a_file_cut_in_half_says_how_far_it_goes(tmp_path, name):
    path = write_json(tmp_path / name, json_parts(counts=(50, 5, 5)))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"in its train part, after \d+ images, the file ends, .* download it again"):
        read_mnist_json(path)


def test_a_changed_byte_in_a_gzip_file_is_damage(tmp_path):
    path = tmp_path / "mnist.json.gz"
    packed = bytearray(gzip.compress(json.dumps(json_parts(scale=1)).encode(), compresslevel=0))
    packed[packed.index(b"37.0,", 5000)] = ord("8")
    path.write_bytes(packed)
    with pytest.raises(DataError, match="is damaged: CRC check failed"):
        read_mnist_json(path)


def changed(change):
    parts = json_parts(scale=1)
    change(parts)
    return parts


def drop_a_pixel(parts):
    for image in parts[1][0]:
        image.pop()


def drop_one_pixel_of_one_image(parts):
    parts[0][0][3].pop()


def drop_a_label(parts):
    parts[0][1].pop()


def a_wild_pixel(parts):
    parts[2][0][4][7] = 256


def not_a_number(parts):
    parts[2][0][4][7] = float("nan")


def a_wild_label(parts):
    parts[1][1][2] = 10


def half_a_label(parts):
    parts[1][1][2] = 1.5


def words_for_pixels(parts):
    parts[0][0][0][0] = "white"


def an_empty_image(parts):
    parts[0][0][1] = []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop_a_pixel, "valid part, after 0 images, image 0 has 783 numbers, 784 are needed"),
        (drop_one_pixel_of_one_image, "train part, after 0 images, image 3 has 783 numbers, 784 are needed"),
        (drop_a_label, "train part, after 12 images, 11 labels follow"),
        (a_wild_pixel, "eval part, after 0 images, image 4 has a pixel of 256, .* are 0 to 255"),
        (not_a_number, "eval part, .* image 4 has a pixel of nan"),
        (a_wild_label, "valid part, after 11 images, label 2 is 10, labels are 0 to 9"),
        (half_a_label, "label 2 is 1.5"),
        (words_for_pixels, "more than numbers: .*white"),
        (an_empty_image, "image 1 has 0 numbers"),
    ],
)
def test_what_is_wrong_in_a_part_is_said_with_its_place(tmp_path, change, words):
    path = write_json(tmp_path / "mnist.json.gz", changed(change))
    with pytest.raises(DataError, match=words) as caught:
        read_mnist_json(path)
    assert str(caught.value).startswith(f"{path}: in its ")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (json_parts()[:2], "eval part, after 0 images, the file ends"),
        ([*json_parts(), [[[1]], [1]]], "more follows"),
        ({"train": json_parts()[0]}, "found .*train.*, \\[train, valid, eval\\], .* is needed"),
        ("not found", "the file ends"),
        ([[1, 2], [3]], r"found '\[\['"),
    ],
    ids=["two parts", "four parts", "an object", "a string", "other lists"],
)
def test_a_file_of_another_shape_says_which_is_needed(tmp_path, value, words):
    with pytest.raises(DataError, match=words):
        read_mnist_json(write_json(tmp_path / "mnist.json.gz", value))


def test_brackets_without_end_are_not_read_into_memory(tmp_path):
    path = tmp_path / "mnist.json.gz"
    path.write_bytes(gzip.compress(b"]" * 10_000_000, compresslevel=1))
    with pytest.raises(DataError, match=r"found ']]]]]"):
        read_mnist_json(path)


def test_a_list_without_end_is_not_read_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist_json, "_LONGEST", 1 << 21)
    path = tmp_path / "mnist.json.gz"
    path.write_bytes(gzip.compress(b"[[[[" + b"0," * 10_000_000, compresslevel=1))
    with pytest.raises(DataError, match="the file ends"):
        read_mnist_json(path)


def test_more_images_than_anyone_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist_json, "MAX_IMAGES", 8)
    monkeypatch.setattr(mnist_json, "_BATCH", 4)
    with pytest.raises(DataError, match="after 12 images, more follow, 8 is the limit"):
        read_mnist_json(write_json(tmp_path / "mnist.json.gz", json_parts()))
