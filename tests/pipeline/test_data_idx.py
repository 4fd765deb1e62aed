"""IDX files: MNIST as it is kept, and what is said of files that are not what they should be."""

import gzip

import numpy as np
import pytest
from data_files import TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, digits, idx_bytes, write_idx_set

from fluidline.errors import DataError
from pipeline.data.idx import read_idx_folder, read_images, read_labels


@pytest.mark.parametrize("dot", [False, True], ids=["dash", "dot"])
@pytest.mark.parametrize("suffix", ["", ".gz"], ids=["plain", "gzipped"])
def test_the_four_files_are_read_under_any_of_their_names(tmp_path, suffix, dot):
    dataset = read_idx_folder(write_idx_set(tmp_path, train=30, test=20, suffix=suffix, dot=dot))
    for split, count, seed in ((dataset.train, 30, 0), (dataset.test, 20, 1)):
        images, labels = digits(count, seed)
        np.testing.assert_array_equal(split.images, images)
        np.testing.assert_array_equal(split.labels, labels)
    assert dataset.valid is None
    assert dataset.labels == tuple("0123456789")
    assert str(tmp_path) in dataset.source


def test_the_real_mnist_is_read(shared):
    dataset = read_idx_folder(shared / "mnist")
    assert (len(dataset.train), len(dataset.test)) == (60000, 10000)
    assert dataset.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(dataset.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert (dataset.train.images.mean().round(3), dataset.test.images.mean().round(3)) == (33.318, 33.791)


def test_a_file_is_unpacked_by_its_content_and_not_by_its_name(tmp_path):
    path = tmp_path / f"{TRAIN_LABELS}.gz"
    path.write_bytes(idx_bytes(np.arange(10)))
    assert read_labels(path).tolist() == list(range(10))


def test_missing_files_are_named_with_what_is_there(tmp_path):
    write_idx_set(tmp_path)
    (tmp_path / TEST_LABELS).unlink()
    with pytest.raises(DataError) as caught:
        read_idx_folder(tmp_path)
    assert f"{TEST_LABELS} (or with .gz) missing" in str(caught.value)
    assert TRAIN_IMAGES in str(caught.value).split("found")[1]


def test_a_truncated_images_file_names_the_file_and_the_missing_bytes(tmp_path):
    path = tmp_path / TRAIN_IMAGES
    path.write_bytes(idx_bytes(digits(30)[0])[:-1000])
    with pytest.raises(DataError) as caught:
        read_images(path)
    words = f"{path} is cut short: its header promises 30 images (23,520 bytes), 22,520 bytes are there, 1,000 are"
    assert words in str(caught.value)
    assert "copy or download it again" in str(caught.value)


@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_a_truncated_gzip_file_names_the_file_and_the_missing_bytes(tmp_path, kept):
    path = tmp_path / f"{TRAIN_IMAGES}.gz"
    packed = gzip.compress(idx_bytes(digits(300)[0]))
    path.write_bytes(packed[: int(len(packed) * kept)])
    with pytest.raises(DataError, match=r"cut short: its header promises 300 images .* are missing") as caught:
        read_images(path)
    assert str(path) in str(caught.value)


def test_a_gzip_file_without_its_end_marker_is_cut_short(tmp_path):
    path = tmp_path / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(gzip.compress(idx_bytes(digits(30)[0]))[:-4])
    with pytest.raises(DataError, match="cut short"):
        read_images(path)


def test_a_gzip_file_with_a_changed_byte_is_damaged(tmp_path):
    path = tmp_path / f"{TRAIN_IMAGES}.gz"
    packed = bytearray(gzip.compress(idx_bytes(digits(30)[0]), compresslevel=0))
    packed[1000] ^= 1
    path.write_bytes(packed)
    with pytest.raises(DataError, match="is damaged: CRC check failed"):
        read_images(path)


def test_bytes_after_the_promised_ones_are_an_error(tmp_path):
    path = tmp_path / TRAIN_LABELS
    path.write_bytes(idx_bytes(np.arange(10)) + b"\0")
    with pytest.raises(DataError, match=r"goes on after the 10 labels \(10 bytes\)"):
        read_labels(path)


def test_labels_of_another_set_are_told_by_their_number(tmp_path):
    write_idx_set(tmp_path, train=30)
    (tmp_path / TRAIN_LABELS).write_bytes(idx_bytes(np.zeros(20)))
    with pytest.raises(DataError, match=rf"{TRAIN_IMAGES} holds 30 images and .*{TRAIN_LABELS} 20 labels"):
        read_idx_folder(tmp_path)


def test_swapped_files_are_told_by_their_magic(tmp_path):
    path = tmp_path / TRAIN_IMAGES
    path.write_bytes(idx_bytes(np.zeros(30)))
    with pytest.raises(DataError, match=r"is an IDX labels file, an IDX images file .* is needed"):
        read_images(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "begins with nothing"),
        (b"<html>not found</html>", "no IDX file .it begins with 3c68746d"),
        (idx_bytes(np.zeros((1, 28, 28)))[:10], "cut short within its header, after 10 bytes"),
        (idx_bytes(np.zeros((2, 32, 30))), "images of 32x30, 28x28 are needed"),
        (idx_bytes(np.zeros((0, 28, 28))), "promises 0 items"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "promises 4,294,967,295 items"),
    ],
    ids=["empty", "html", "half a header", "another size", "no images", "absurd"],
)
def test_a_file_that_holds_no_images_says_why(tmp_path, content, words):
    path = tmp_path / TRAIN_IMAGES
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        read_images(path)
    assert str(path) in str(caught.value)


def test_a_label_out_of_range_is_named_with_its_place(tmp_path):
    path = tmp_path / TRAIN_LABELS
    path.write_bytes(idx_bytes(np.array([3, 9, 10, 200])))
    with pytest.raises(DataError, match=r"label 2 is 10, labels are 0 to 9 \(2 such"):
        read_labels(path)


def test_a_small_file_that_unpacks_to_gigabytes_is_refused_unread(tmp_path):
    path = tmp_path / f"{TRAIN_LABELS}.gz"
    header = b"\0\0\x08\x01" + (10).to_bytes(4, "big")
    path.write_bytes(gzip.compress(header + bytes(20_000_000), compresslevel=1))
    with pytest.raises(DataError, match="goes on after the 10 labels"):
        read_labels(path)


def test_a_folder_in_the_place_of_a_file_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*: Is a directory"):
        read_images(tmp_path)
