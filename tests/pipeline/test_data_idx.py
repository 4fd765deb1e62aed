"""IDX files: MNIST as it is kept, and what is said of files that are not what they should be."""

import gzip

import numpy as np
import pytest
from data_files import TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, digits, idx_bytes, write_idx_set

from fluidline.errors import DataError
from pipeline.data import load
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


@pytest.mark.parametrize(
    ("split", "name", "place", "gap"),
    [
        ("train", TRAIN_LABELS, "label 2 is 200, and no label is 10 to 199", "labels.txt, a line each"),
        ("test", TEST_LABELS, "label 2 is 200, labels are 0 to 9 .1 such", "name all classes in .*labels.txt"),
    ],
)
def test_a_label_out_of_range_is_named_with_its_place(tmp_path, split, name, place, gap):
    write_idx_set(tmp_path)
    labels = digits(30 if split == "train" else 20)[1]
    labels[2] = 200
    (tmp_path / name).write_bytes(idx_bytes(labels))
    with pytest.raises(DataError, match=rf"{name}: {place}.*copy or download it again, or .*{gap}"):
        read_idx_folder(tmp_path)


# Sets of other content.

CLOTHES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def write_emnist(folder, name, labels, mapping=None):
    """Write a set under EMNIST's names: an image is a bar, which lies as EMNIST has it, in its first five columns."""
    for split, count in (("train", 60), ("test", 30)):
        images = np.zeros((count, 28, 28), np.uint8)
        images[:, :5] = 200
        arrays = {"images-idx3": images, "labels-idx1": np.resize(labels, count)}
        for kind, array in arrays.items():
            (folder / f"{name}-{split}-{kind}-ubyte.gz").write_bytes(gzip.compress(idx_bytes(array)))
    if mapping:
        (folder / f"{name}-mapping.txt").write_text(mapping)
    return folder


def test_labels_have_the_names_that_a_file_gives_them(tmp_path):
    write_idx_set(tmp_path)
    (tmp_path / "labels.txt").write_bytes("\r\n".join(CLOTHES).encode("utf-8-sig") + b"\r\n\r\n")
    dataset = read_idx_folder(tmp_path)
    assert list(dataset.labels) == CLOTHES
    np.testing.assert_array_equal(dataset.train.labels, digits(30)[1])


def test_a_file_of_names_says_how_many_classes_there_are(tmp_path):
    write_idx_set(tmp_path)
    for path, count in ((tmp_path / TRAIN_LABELS, 30), (tmp_path / TEST_LABELS, 20)):
        path.write_bytes(idx_bytes(np.arange(count) % 2))
    assert read_idx_folder(tmp_path).labels == tuple("0123456789")
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    assert read_idx_folder(tmp_path).labels == ("cat", "dog")
    (tmp_path / TEST_LABELS).write_bytes(idx_bytes(np.arange(20) % 3))
    with pytest.raises(DataError, match=rf"{TEST_LABELS}: label 2 is 2, labels are 0 to 1 .6 such"):
        read_idx_folder(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"cat\n\ndog\n", "line 2 is empty .write the name of label 1 there"),
        (b"cat\ndog\ncat\n", "names 2 labels 'cat'"),
        (b"cat\n", "names 1 classes, two at least"),
        (b"", "names 0 classes"),
        (b"caf\xe9\n", "save it as UTF-8 text"),
    ],
)
def test_what_is_wrong_with_a_file_of_names_is_said(tmp_path, content, words):
    write_idx_set(tmp_path)
    (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(DataError, match=rf"labels.txt.*{words}"):
        read_idx_folder(tmp_path)


def test_emnists_letters_are_named_by_its_mapping_and_stand_upright(tmp_path):
    letters = range(1, 27)
    mapping = "".join(f"{label} {64 + label} {96 + label}\n" for label in letters)
    dataset = load(write_emnist(tmp_path, "emnist-letters", letters, mapping))
    assert "".join(dataset.labels) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert dataset.train.labels[:27].tolist() == [*range(26), 0]
    assert dataset.test.images[0, 14].tolist() == [200] * 5 + [0] * 23


@pytest.mark.parametrize("first", [0, 1])
def test_more_than_ten_classes_without_names_are_numbers(tmp_path, first):
    dataset = read_idx_folder(write_emnist(tmp_path, "emnist-other", range(first, 26)))
    assert dataset.labels == tuple(map(str, range(first, 26)))
    assert dataset.train.labels[0] == 0


def test_a_mapping_that_is_none_is_named_with_its_line(tmp_path):
    write_emnist(tmp_path, "emnist-other", range(26), mapping="0 48\n1 forty-nine\n")
    with pytest.raises(
        DataError, match=r"emnist-other-mapping.txt: line 2 is '1 forty-nine', not a label and the code"
    ):
        read_idx_folder(tmp_path)


def test_one_of_several_sets_of_a_folder_is_taken_by_name(tmp_path):
    write_emnist(tmp_path, "emnist-letters", range(1, 27))
    write_emnist(tmp_path, "emnist-balanced", range(47))
    with pytest.raises(DataError, match=rf"several sets: emnist-balanced, emnist-letters .*{tmp_path}/emnist-balanced"):
        load(tmp_path)
    dataset = load(tmp_path / "emnist-balanced")
    assert len(dataset.labels) == 47
    assert dataset.source == f"IDX files of emnist-balanced in {tmp_path}"
    write_idx_set(tmp_path)
    assert load(tmp_path).source == f"IDX files in {tmp_path}"


def test_a_small_file_that_unpacks_to_gigabytes_is_refused_unread(tmp_path):
    path = tmp_path / f"{TRAIN_LABELS}.gz"
    header = b"\0\0\x08\x01" + (10).to_bytes(4, "big")
    path.write_bytes(gzip.compress(header + bytes(20_000_000), compresslevel=1))
    with pytest.raises(DataError, match="goes on after the 10 labels"):
        read_labels(path)


def test_a_folder_in_the_place_of_a_file_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*: Is a directory"):
        read_images(tmp_path)
