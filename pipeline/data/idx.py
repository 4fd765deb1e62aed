"""The IDX files of MNIST and of the sets that took over its form.

Source: the file format at the end of http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fluidline.errors import DataError
from pipeline.data.dataset import SIDE, Dataset, Images, Labels, Split
from pipeline.data.files import AGAIN, MAX_IMAGES, listing, opened

LABELS = tuple("0123456789")
IMAGES_MAGIC, LABELS_MAGIC = 0x803, 0x801  # bytes, in three dimensions and in one
_KINDS = {IMAGES_MAGIC: "IDX images", LABELS_MAGIC: "IDX labels"}

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
NAMES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)


def find_idx(folder: Path) -> dict[str, Path]:
    """Return which of the four files a folder has: with or without .gz, with '-' or '.' before 'idx'."""
    found = {}
    for name in NAMES:
        spellings = [spelling + suffix for spelling in (name, name.replace("-idx", ".idx")) for suffix in ("", ".gz")]
        if paths := [folder / spelling for spelling in spellings if (folder / spelling).is_file()]:
            found[name] = paths[0]
    return found


def read_idx_folder(folder: Path) -> Dataset:
    """Read the four files of a folder. Raises DataError where one is missing, damaged, or not of the others' set."""
    found = find_idx(folder)
    if missing := [name for name in NAMES if name not in found]:
        raise DataError(
            f"{folder} has not all four IDX files: {', '.join(missing)} (or with .gz) missing, found {listing(folder)}"
        )
    return Dataset(
        source=f"IDX files in {folder}",
        train=_read_split(found[TRAIN_IMAGES], found[TRAIN_LABELS]),
        test=_read_split(found[TEST_IMAGES], found[TEST_LABELS]),
        valid=None,
        labels=LABELS,
    )


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
    """Read an IDX file of labels 0 to 9, int64 [N]. Raises DataError."""
    with opened(path) as file:
        (count,) = _read_header(file, path, LABELS_MAGIC)
        labels = _read_body(file, path, count, f"{count} labels").astype(np.int64)
    wrong = np.flatnonzero(labels >= len(LABELS))
    if len(wrong):
        raise DataError(
            f"{path}: label {wrong[0]} is {labels[wrong[0]]}, labels are 0 to {len(LABELS) - 1}"
            f" ({len(wrong)} such; give a set of ten classes)"
        )
    return labels


def _read_split(images_path: Path, labels_path: Path) -> Split:
    images, labels = read_images(images_path), read_labels(labels_path)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} holds {len(images)} images and {labels_path} {len(labels)} labels:"
            " they are not of one set (give each images file its own labels)"
        )
    return Split(images, labels)


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
