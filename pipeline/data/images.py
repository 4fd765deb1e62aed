"""Folders of image files, a sub-folder for each class: the user's own pictures, of any size and mode."""

from __future__ import annotations

import logging
import random
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fluidline.errors import DataError
from pipeline.data.dataset import SIDE, Dataset, Images, Split
from pipeline.data.files import listing

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
TEST_SHARE = 0.2

# What a file really holds must be one of these too: others of pillow's readers start programs.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_LAYOUT = "a folder of classes, each a folder of images, or train/ and test/ with such folders, is needed"

Classes = Mapping[str, Sequence[Path]]

log = logging.getLogger(__name__)


def class_folders(folder: Path) -> list[Path]:
    """Return the sub-folders that are not hidden, by name; numbers go by value, so that 10 follows 9."""
    found = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(found, key=lambda path: (int(path.name) if path.name.isdecimal() else float("inf"), path.name))


def read_image_folder(folder: Path, seed: int = 0) -> Dataset:
    """Read a folder of classes, or one with `train`, `test` and maybe `valid`, each a folder of classes.

    Without those, a fifth of each class, drawn by `seed`, is the test split. The training images come in an order drawn
    by it: a shuffle through a small buffer would not mix classes that follow each other. Images become 28x28 and gray,
    and all are inverted where the training images are dark on light.

    Raises DataError where there are less than two classes, a class is empty, the splits are of different classes, or an
    image is not readable.
    """
    splits = [name for name in ("train", "test", "valid") if (folder / name).is_dir()]
    if {"train", "test"} <= set(splits):
        files: dict[str, Classes] = {name: _list_classes(folder / name) for name in splits}
    else:
        files = _divide(_list_classes(folder), random.Random(seed))
    labels = tuple(files["train"])
    _check_classes(folder, labels, files)
    read = {name: _read_split(classes, labels) for name, classes in files.items()}
    read["train"] = _mixed(read["train"], seed)
    if _is_dark_on_light(read["train"].images):
        log.info("%s: dark ink on light, inverted to light on dark", folder)
        read = {name: Split(~split.images, split.labels) for name, split in read.items()}
    return Dataset(f"images in {folder}", read["train"], read["test"], read.get("valid"), labels)


def read_image(path: Path) -> Images:
    """Read an image file of any size and mode as gray [28, 28]. Raises DataError where it is not one.

    Pillow's limit for the number of pixels holds, as an error.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                ImageOps.exif_transpose(image, in_place=True)
                gray = _to_gray(image)
    except Exception as error:  # pillow's readers raise whatever they stumble over
        raise DataError(f"{path} is no readable image: {error} (remove it, or save it again as PNG)") from error
    return np.asarray(gray if gray.size == (SIDE, SIDE) else gray.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def _list_classes(folder: Path) -> dict[str, list[Path]]:
    classes = {}
    for place in class_folders(folder):
        files = sorted(path for path in place.iterdir() if path.is_file() and not path.name.startswith("."))
        classes[place.name] = [path for path in files if path.suffix.lower() in SUFFIXES]
        if not classes[place.name]:
            raise DataError(f"{place} holds no images, found {listing(place)} ({_LAYOUT})")
        if others := [path for path in files if path.suffix.lower() not in SUFFIXES]:
            log.warning("%s: left out %d files that are no images, such as %s", place, len(others), others[0].name)
    return classes


def _divide(classes: Classes, order: random.Random) -> dict[str, Classes]:
    """Return train and test classes: at least one image of each class in either."""
    train, test = {}, {}
    for name, paths in classes.items():
        if len(paths) < 2:
            raise DataError(f"{paths[0].parent} holds one image, two are needed: to train with and to test with")
        mixed = order.sample(paths, len(paths))
        share = max(1, round(len(paths) * TEST_SHARE))
        train[name], test[name] = mixed[share:], mixed[:share]
    return {"train": train, "test": test}


def _check_classes(folder: Path, labels: Sequence[str], files: Mapping[str, Classes]) -> None:
    if len(labels) < 2:
        raise DataError(f"{folder} holds {len(labels)} classes of images, found {listing(folder)} ({_LAYOUT})")
    for name, classes in files.items():
        if unknown := [label for label in classes if label not in labels]:
            raise DataError(
                f"{folder / name} has classes that {folder / 'train'} has not: {', '.join(unknown)} (train knows:"
                f" {', '.join(labels)})"
            )


def _read_split(classes: Classes, labels: Sequence[str]) -> Split:
    images = [read_image(path) for paths in classes.values() for path in paths]
    numbers = [labels.index(name) for name, paths in classes.items() for _ in paths]
    return Split(np.stack(images), np.array(numbers, np.int64))


def _mixed(split: Split, seed: int) -> Split:
    order = np.random.default_rng(seed).permutation(len(split))
    return Split(split.images[order], split.labels[order])


def _is_dark_on_light(images: Images) -> bool:
    """Tell by the borders, where there is paper and seldom ink."""
    borders = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    return bool(np.median(np.concatenate(borders)) > 127)


def _to_gray(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits; pillow would cut off what is above 255
        return Image.fromarray((np.asarray(image, np.float64) * 255 / 65535).clip(0, 255).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("L")
    # Ink on nothing: put it on the paper from which it stands out.
    gray, alpha = image.convert("RGBA").convert("LA").split()
    shown = np.asarray(alpha, np.float64)
    ink = np.average(np.asarray(gray), weights=shown) if shown.any() else 0
    paper = Image.new("L", image.size, 0 if ink > 127 else 255)
    paper.paste(gray, mask=alpha)
    return paper
