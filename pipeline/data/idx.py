"""The IDX files of MNIST and of the sets that took over its form: Fashion-MNIST, EMNIST and others of up to 256 classes.

Source: the file format at the end of http://yann.lecun.com/exdb/mnist/; EMNIST's names and mapping files are those of its
distribution, https://www.nist.gov/itl/products-and-services/emnist-dataset.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fluidline.errors import DataError
from pipeline.data.dataset import SIDE, Dataset, Images, Labels, Split
from pipeline.data.files import AGAIN, MAX_IMAGES, listing, opened
from pipeline.data.names import NAMES_FILE, read_names

LABELS = tuple("0123456789")
IMAGES_MAGIC, LABELS_MAGIC = 0x803, 0x801  # bytes, in three dimensions and in one
_KINDS = {IMAGES_MAGIC: "IDX images", LABELS_MAGIC: "IDX labels"}

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
NAMES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)

_FILE = re.compile(r"(?:(.+)-)?(train|t10k|test)-(images|labels)[-.](idx[13]-ubyte)(?:\.gz)?")
_TRANSPOSED = "emnist"  # sets of this name have each image's columns as its rows


def find_idx(folder: Path) -> dict[str, dict[str, Path]]:
    """Return the sets of a folder by name, each with which of the four files of NAMES it has.

    A file may have .gz, a '.' before 'idx' and, as in EMNIST, 'test' for 't10k' and its set's name in front; MNIST's own
    have none, which is ''.
    """
    sets: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (match := _FILE.fullmatch(path.name)) and path.is_file():
            name, split, kind, form = match.groups(default="")
            file = f"{split.replace('test', 't10k')}-{kind}-{form}"
            if file in NAMES:
                sets.setdefault(name, {}).setdefault(file, path)
    return sets


def read_idx_folder(folder: Path, name: str | None = None) -> Dataset:
    """Read the four files of a folder, or of the set `name` in it; without a name, of MNIST's own or the only one.

    What the labels mean is said by a file of names (see pipeline.data.names); without one they are digits or, where
    there are more than ten, numbers. Raises DataError where a file is missing, damaged, or not of the others' set, or a
    label is of no class.
    """
    sets = find_idx(folder)
    if name is None:
        name = _only(folder, sets)
    found = sets.get(name, {})
    if missing := [file for file in NAMES if file not in found]:
        files = f"all four IDX files of {name}" if name else "all four IDX files"
        raise DataError(
            f"{folder} has not {files}: {', '.join(missing)} (or with .gz) missing, found {listing(folder)}"
        )
    splits = [_read_split(found[images], found[labels]) for images, labels in (NAMES[:2], NAMES[2:])]
    names = read_names(folder, name) or _numbers(found[TRAIN_LABELS], [split.labels for split in splits])
    train, test = (
        Split(split.images, _to_classes(split.labels, names, found[file]))
        for split, file in zip(splits, (TRAIN_LABELS, TEST_LABELS), strict=True)
    )
    source = f"IDX files of {name} in {folder}" if name else f"IDX files in {folder}"
    return Dataset(source, train, test, valid=None, labels=tuple(names[label] for label in sorted(names)))


def _only(folder: Path, sets: Mapping[str, object]) -> str:
    if len(sets) > 1 and "" not in sets:
        raise DataError(
            f"{folder} holds several sets: {', '.join(sets)} (say which: --data {folder / next(iter(sets))})"
        )
    return "" if "" in sets else next(iter(sets), "")


def read_images(path: Path) -> Images:
    """Read an IDX file of images, uint8 [N, 28, 28]. Raises DataError."""
    with opened(path) as file:
        count, rows, columns = _read_header(file, path, IMAGES_MAGIC)
        if (rows, columns) != (SIDE, SIDE):
            raise DataError(
                f"{path} holds images of {rows}x{columns}, {SIDE}x{SIDE} are needed"
                " (images of other sizes can be read from image files, a folder for each class)"
            )
        return _read_body(file, path, count * SIDE * SIDE, f"{count} images").reshape(count, SIDE, SIDE)


def read_labels(path: Path) -> Labels:
    """Read an IDX file of labels 0 to 255, int64 [N]. Raises DataError."""
    with opened(path) as file:
        (count,) = _read_header(file, path, LABELS_MAGIC)
        return _read_body(file, path, count, f"{count} labels").astype(np.int64)


def _read_split(images_path: Path, labels_path: Path) -> Split:
    images, labels = read_images(images_path), read_labels(labels_path)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} holds {len(images)} images and {labels_path} {len(labels)} labels:"
            " they are not of one set (give each images file its own labels)"
        )
    if images_path.name.startswith(_TRANSPOSED):
        images = np.ascontiguousarray(images.transpose(0, 2, 1))
    return Split(images, labels)


def _numbers(path: Path, labels: list[Labels]) -> dict[int, str]:
    """Return labels that no file names as their own names.

    A set of MNIST's kind may lack a digit. In larger ones a gap is more likely damage than a class without images.
    """
    if max(map(np.max, labels)) < len(LABELS):
        return dict(enumerate(LABELS))
    used = np.unique(labels[0])
    missing = np.diff(used, prepend=0) - 1  # below each; EMNIST's letters begin with 1
    if missing.max() > 0:
        high, count = (int(numbers[missing > 0][0]) for numbers in (used, missing))
        raise DataError(
            f"{path}: label {np.argmax(labels[0] == high)} is {high}, and no label is {high - count} to {high - 1}"
            f" ({AGAIN}, or name the classes in {path.parent / NAMES_FILE}, a line each)"
        )
    return {int(label): str(label) for label in used}


def _to_classes(labels: Labels, names: Mapping[int, str], path: Path) -> Labels:
    """Return each label's place among those that have names."""
    known = np.array(sorted(names))
    wrong = np.flatnonzero(~np.isin(labels, known))
    if len(wrong):
        raise DataError(
            f"{path}: label {wrong[0]} is {labels[wrong[0]]}, labels are {known[0]} to {known[-1]} ({len(wrong)} such;"
            f" {AGAIN}, or name all classes in {path.parent / NAMES_FILE}, a line each)"
        )
    return np.searchsorted(known, labels).astype(np.int64)


def _read_header(file: BinaryIO, path: Path, magic: int) -> tuple[int, ...]:
    """Return the dimensions. Nothing is allocated on their word before they have been found sensible."""
    head = file.read(4)
    found = int.from_bytes(head, "big")
    if len(head) < 4 or found != magic:
        kind = (
            f"an {_KINDS[found]} file" if found in _KINDS else f"no IDX file (it begins with {head.hex() or 'nothing'})"
        )
        raise DataError(f"{path} is {kind}, an {_KINDS[magic]} file ({magic:08x}) is needed")
    dimensions = magic & 0xFF
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(f"{path} is cut short within its header, after {4 + len(sizes)} bytes ({AGAIN})")
    shape = struct.unpack(f">{dimensions}I", sizes)
    if not 0 < shape[0] <= MAX_IMAGES:
        raise DataError(f"{path} promises {shape[0]:,} items, between 1 and {MAX_IMAGES:,} can be right ({AGAIN})")
    return shape


def _read_body(file: BinaryIO, path: Path, size: int, what: str) -> Images:
    data = bytearray(size)
    view, got = memoryview(data), 0
    with suppress(EOFError):  # of a gzip stream that is cut short
        while got < size and (step := file.readinto(view[got:])):  # type: ignore[attr-defined]
            got += step
    if got < size:
        raise DataError(
            f"{path} is cut short: its header promises {what} ({size:,} bytes), {got:,} bytes are there,"
            f" {size - got:,} are missing ({AGAIN})"
        )
    if file.read(1):  # which lets gzip check its checksum
        raise DataError(f"{path} goes on after the {what} ({size:,} bytes) that its header promises ({AGAIN})")
    return np.frombuffer(data, np.uint8)
