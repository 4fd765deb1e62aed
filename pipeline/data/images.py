"""Folders of image files, a sub-folder for each class: the user's own pictures, of any size and mode.

They are made 28x28 as `python -m export predict` makes them, so that a model is asked what it was taught.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from export.prepare import UnreadableImageError, prepare
from export.reading.files import SUFFIXES, find_images
from fluidline.errors import DataError
from fluidline.machine import cores
from pipeline.data.dataset import Dataset, Images, Split
from pipeline.data.files import listing

TEST_SHARE = 0.2

_SPLITS = {
    "train": ("train", "training"),
    "test": ("test", "testing", "eval"),
    "valid": ("valid", "val", "validation"),
}
_JUNK = {"__MACOSX", "@eaDir", "Thumbs.db", "desktop.ini"}  # what archives and file managers leave beside the data
_LAYOUT = "a folder of classes, each a folder of images, or train/ and maybe test/ with such folders, is needed"

Classes = Mapping[str, Sequence[Path]]

log = logging.getLogger(__name__)


def class_folders(folder: Path) -> list[Path]:
    """Return the sub-folders that may hold data, by name; numbers go by value, so that 10 follows 9."""
    found = [path for path in folder.iterdir() if path.is_dir() and path.name[0] != "." and path.name not in _JUNK]
    return sorted(found, key=lambda path: (int(path.name) if path.name.isdecimal() else float("inf"), path.name))


def read_image_folder(folder: Path, seed: int = 0) -> Dataset:
    """Read a folder of classes, or one with `train` and maybe `test` and `valid`, each a folder of classes.

    Without a test split a fifth of each class, drawn by `seed`, is that. The training images come in an order drawn by
    it: a shuffle through a small buffer would not mix classes that follow each other. Images become 28x28 and gray, and
    all are inverted where the training images are dark on light.

    Raises DataError where there are less than two classes, a class is empty, the splits are of different classes, or an
    image is not readable.
    """
    files: dict[str, Classes] = {
        name: _list_classes(path) for name, path in (_split_folders(folder) or {"train": folder}).items()
    }
    if "test" not in files:
        files |= _divide(files["train"], random.Random(seed))
    labels = tuple(files["train"])
    _check_classes(folder, labels, files)
    read = {name: _read_split(classes, labels) for name, classes in files.items()}
    read["train"] = _mixed(read["train"], seed)
    if _is_dark_on_light(read["train"].images):
        log.info("%s: dark ink on light, inverted to light on dark", folder)
        read = {name: Split(~split.images, split.labels) for name, split in read.items()}
    return Dataset(f"images in {folder}", read["train"], read["test"], read.get("valid"), labels)


def read_image(path: Path) -> Images:
    """Read an image file of any size and mode as gray [28, 28]. Raises DataError where it is not one."""
    try:
        return prepare(path, polarity="light")  # as it is: whether ink is dark is told by all images together
    except UnreadableImageError as error:
        raise DataError(f"{path} is no readable image: {error.reason} (remove it, or save it again as PNG)") from error


def _split_folders(folder: Path) -> dict[str, Path]:
    """Return the folders of the splits, none where there are no such: 'train' may be a class beside others."""
    found: dict[str, Path] = {}
    folders = class_folders(folder)
    for name, spellings in _SPLITS.items():
        for path in folders:
            if path.name.lower() in spellings and found.setdefault(name, path) != path:
                raise DataError(f"{found[name]} and {path} are both the {name} split (put them together)")
    are_splits = "train" in found and ("test" in found or len(found) == len(folders))
    return found if are_splits else {}


def _list_classes(folder: Path) -> dict[str, list[Path]]:
    classes = {}
    for place in class_folders(folder):
        files = [place / name for name in find_images(place, every=True) if _JUNK.isdisjoint(Path(name).parts)]
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
                f"the {name} split of {folder} has classes that its train split has not: {', '.join(unknown)} (train"
                f" knows: {', '.join(labels)})"
            )


def _read_split(classes: Classes, labels: Sequence[str]) -> Split:
    paths = [path for paths in classes.values() for path in paths]
    with ThreadPoolExecutor(cores()) as pool:  # decoders hold no lock
        images = list(pool.map(read_image, paths))
    numbers = [labels.index(name) for name, paths in classes.items() for _ in paths]
    return Split(np.stack(images), np.array(numbers, np.int64))


def _mixed(split: Split, seed: int) -> Split:
    order = np.random.default_rng(seed).permutation(len(split))
    return Split(split.images[order], split.labels[order])


def _is_dark_on_light(images: Images) -> bool:
    """Tell by the borders, where there is paper and seldom ink."""
    borders = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    return bool(np.median(np.concatenate(borders)) > 127)
