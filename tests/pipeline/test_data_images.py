"""Folders of images: classes, division, and pictures of every size and mode made into 28x28 gray, light on dark."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from export.prepare import prepare
from fluidline.errors import DataError
from pipeline.data.images import read_image, read_image_folder


def stroke(mode="L", size=(28, 28), ink=255, paper=0, width=4):
    """A picture of a vertical stroke in the middle."""
    image = Image.new(mode, size, paper)
    middle = size[0] // 2
    ImageDraw.Draw(image).rectangle(
        (middle - width // 2, size[1] // 8, middle + width // 2, size[1] * 7 // 8), fill=ink
    )
    return image


def write_classes(folder, counts, paper=0):
    """A folder of classes; image i of a class is a square of its own brightness on `paper`."""
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for index in range(count):
            ink = 200 - 2 * index if paper == 0 else 2 * index
            stroke(ink=ink, paper=paper).save(folder / name / f"{index:03}.png")
    return folder


def test_a_folder_for_each_class_gives_its_names_as_labels(tmp_path):
    dataset = read_image_folder(write_classes(tmp_path, {"zebra": 10, "ant": 20}))
    assert dataset.labels == ("ant", "zebra")
    assert np.bincount(dataset.train.labels).tolist() == [16, 8]
    assert np.bincount(dataset.test.labels).tolist() == [4, 2]
    assert dataset.valid is None
    assert str(tmp_path) in dataset.source


def test_classes_that_are_numbers_go_by_value(tmp_path):
    counts = {str(number): 2 for number in (10, 9, 0, 2)} | {"other": 2}
    assert read_image_folder(write_classes(tmp_path, counts)).labels == ("0", "2", "9", "10", "other")


def images_of(split):
    return sorted((int(label), image.tobytes()) for image, label in zip(split.images, split.labels, strict=True))


def test_the_division_follows_from_the_seed_and_loses_nothing(tmp_path):
    write_classes(tmp_path, {"a": 30, "b": 20})
    first, again, other = (read_image_folder(tmp_path, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.train.images, again.train.images)
    np.testing.assert_array_equal(first.test.labels, again.test.labels)
    assert images_of(first.test) != images_of(other.test)
    whole = sorted(images_of(first.train) + images_of(first.test))
    assert whole == sorted(images_of(other.train) + images_of(other.test))
    assert len(set(whole)) == 50


def test_training_images_of_different_classes_are_mixed(tmp_path):
    labels = read_image_folder(write_classes(tmp_path, {"a": 20, "b": 20})).train.labels
    assert (np.diff(labels) != 0).sum() > 3


def test_train_test_and_valid_folders_are_taken_as_they_are(tmp_path):
    for name, counts in {"train": {"a": 5, "b": 4}, "test": {"a": 1, "b": 2}, "valid": {"b": 3}}.items():
        write_classes(tmp_path / name, counts)
    dataset = read_image_folder(tmp_path)
    splits = (dataset.train, dataset.test, dataset.valid)
    assert [np.bincount(split.labels).tolist() for split in splits] == [[5, 4], [1, 2], [0, 3]]


def test_a_test_class_that_training_does_not_know_is_an_error(tmp_path):
    write_classes(tmp_path / "train", {"a": 2, "b": 2})
    write_classes(tmp_path / "test", {"a": 2, "c": 2})
    with pytest.raises(
        DataError, match=r"the test split of .* has classes .*train split has not: c .train knows: a, b"
    ):
        read_image_folder(tmp_path)


def test_dark_ink_on_light_paper_is_inverted(tmp_path):
    dark = read_image_folder(write_classes(tmp_path / "dark", {"a": 5, "b": 5}, paper=255))
    assert dark.train.images[:, 0, 0].tolist() == [0] * 8
    assert (dark.test.images[:, 14, 14] > 200).all()
    light = read_image_folder(write_classes(tmp_path / "light", {"a": 5, "b": 5}))
    assert light.train.images[:, 0, 0].tolist() == [0] * 8


def test_hidden_folders_and_files_that_are_no_images_are_left_out(tmp_path, caplog):
    write_classes(tmp_path, {"a": 3, "b": 3, ".git": 1})
    (tmp_path / "a" / "notes.txt").write_text("mine")
    (tmp_path / "a" / ".DS_Store").write_text("hidden")
    (tmp_path / "a" / "Thumbs.db").write_text("what a file manager leaves")
    (tmp_path / "README.md").write_text("mine")
    dataset = read_image_folder(tmp_path)
    assert dataset.labels == ("a", "b")
    assert len(dataset.train) + len(dataset.test) == 6
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        f"{tmp_path / 'a'}: left out 1 files that are no images, such as notes.txt"
    ]


def test_an_empty_class_is_an_error_that_names_it(tmp_path):
    write_classes(tmp_path, {"a": 3, "b": 0})
    with pytest.raises(DataError, match=r"b holds no images, found nothing"):
        read_image_folder(tmp_path)


def test_without_a_test_folder_a_fifth_of_each_training_class_is_drawn(tmp_path):
    write_classes(tmp_path / "train", {"a": 10, "b": 20})
    write_classes(tmp_path / "val", {"a": 3, "b": 3})
    dataset = read_image_folder(tmp_path)
    splits = (dataset.train, dataset.test, dataset.valid)
    assert [np.bincount(split.labels).tolist() for split in splits] == [[8, 16], [2, 4], [3, 3]]


def test_splits_go_by_other_spellings_too(tmp_path):
    for name, count in {"Training": 4, "eval": 3, "validation": 2}.items():
        write_classes(tmp_path / name, {"a": count, "b": count})
    dataset = read_image_folder(tmp_path)
    assert [len(split) for split in (dataset.train, dataset.test, dataset.valid)] == [8, 6, 4]
    write_classes(tmp_path / "train", {"a": 1, "b": 1})
    with pytest.raises(DataError, match=r"(?s)Training.* and .*train are both the train split .put them together"):
        read_image_folder(tmp_path)


def test_a_class_may_be_called_train(tmp_path):
    assert read_image_folder(write_classes(tmp_path, {"car": 3, "plane": 3, "train": 3})).labels == (
        "car",
        "plane",
        "train",
    )


def test_images_in_folders_within_a_class_are_of_that_class(tmp_path):
    write_classes(tmp_path, {"a": 2, "b": 2, "b/2024": 3, "b/2024/may": 1, "b/.cache": 1, "b/__MACOSX": 0})
    (tmp_path / "b" / "__MACOSX" / "._000.png").write_text("what an archive leaves")
    (tmp_path / "__MACOSX" / "b").mkdir(parents=True)
    dataset = read_image_folder(tmp_path)
    assert dataset.labels == ("a", "b")
    assert (np.bincount(dataset.train.labels) + np.bincount(dataset.test.labels)).tolist() == [2, 6]


def test_a_class_in_mixed_formats_and_modes_is_read(tmp_path):
    write_classes(tmp_path, {"a": 2, "b": 1})
    stroke("RGB", (90, 60), ink=(250, 240, 10), paper=(10, 0, 30)).save(tmp_path / "b" / "colour.JPG", quality=95)
    stroke("RGBA", (50, 50), ink=(255, 255, 255, 255), paper=(0, 0, 0, 0)).save(tmp_path / "b" / "clear.webp")
    stroke().convert("P").save(tmp_path / "b" / "palette.gif")
    stroke("1", (300, 280), width=40).save(tmp_path / "b" / "bits.bmp")
    images = read_image_folder(tmp_path)
    both = np.concatenate([images.train.images, images.test.images])
    assert len(both) == 7
    assert (both[:, 14, 14] > 180).all()
    assert (both[:, 0, 0] < 30).all()


def test_one_class_is_not_enough(tmp_path):
    with pytest.raises(DataError, match=r"holds 1 classes of images, found a/"):
        read_image_folder(write_classes(tmp_path, {"a": 3}))


def test_one_image_of_a_class_is_not_enough_to_divide(tmp_path):
    with pytest.raises(DataError, match=r"b holds one image, two are needed"):
        read_image_folder(write_classes(tmp_path, {"a": 3, "b": 1}))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("size", [(28, 28), (280, 280), (100, 300), (12, 40)])
def test_every_mode_and_size_becomes_the_same_gray(tmp_path, mode, size):
    path = tmp_path / ("stroke.tif" if mode == "CMYK" else "stroke.png")
    image = stroke(size=size, width=max(2, size[0] // 4))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    image.save(path)
    gray = read_image(path)
    assert (gray.shape, gray.dtype) == ((28, 28), np.uint8)
    assert gray[14, 14] > 240
    assert gray[14, [0, 27]].tolist() == [0, 0]


def test_an_image_is_what_prediction_makes_of_it(tmp_path):
    path = tmp_path / "wide.png"
    stroke("RGB", (90, 30), ink=(200, 210, 220), paper=(20, 30, 40)).save(path)
    np.testing.assert_array_equal(read_image(path), prepare(path))
    assert read_image(path)[2].std() == 0  # padded to a square, not stretched


@pytest.mark.parametrize(("ink", "ink_gray", "paper_gray"), [(0, 0, 255), (255, 255, 0)])
def test_ink_on_transparent_paper_stands_out(tmp_path, ink, ink_gray, paper_gray):
    path = tmp_path / "stroke.png"
    stroke("RGBA", ink=(ink, ink, ink, 255), paper=(0, 0, 0, 0)).save(path)
    gray = read_image(path)
    assert (gray[14, 14], gray[0, 0]) == (ink_gray, paper_gray)


def test_a_photograph_is_turned_as_its_camera_was_held(tmp_path):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    stroke().save(path, exif=exif, quality=95)
    gray = read_image(path)
    assert gray[14, 5] > 200  # the upright stroke lies down
    assert gray[5, 14] < 50


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"], ids=["empty", "text", "a head alone"])
def test_a_file_that_is_no_image_is_named(tmp_path, content):
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"broken.png is no readable image: .* \(remove it, or save it again"):
        read_image(path)


def test_a_truncated_image_is_named(tmp_path):
    path = tmp_path / "cut.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"cut.png is no readable image: .*truncated"):
        read_image(path)


def test_a_small_file_that_claims_a_huge_picture_is_refused(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path = tmp_path / "bomb.png"
    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(DataError, match=r"bomb.png is no readable image: .*100000000 pixels"):
        read_image(path)


def test_another_format_behind_an_images_name_is_not_opened(tmp_path):
    path = tmp_path / "drawing.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    with pytest.raises(DataError, match=r"drawing.png is no readable image"):
        read_image(path)
