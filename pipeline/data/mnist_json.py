"""`mnist.json.gz` of the PaddlePaddle tutorials: [train, valid, eval], each [images of 784 numbers, labels].

It is read as it streams by: as Python objects its 55 million numbers would take three gigabytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from fluidline.errors import DataError
from pipeline.data.dataset import SIDE, Dataset, Images, Labels, Split
from pipeline.data.files import AGAIN, MAX_IMAGES, opened
from pipeline.data.idx import LABELS

NAMES = ("mnist.json.gz", "mnist.json")

_PIXELS = SIDE * SIDE
_SHAPE = f"[train, valid, eval], each [images of {_PIXELS} numbers, labels]"
_CHUNK = 1 << 20
_LONGEST = 1 << 25  # bytes of one list: the labels of MAX_IMAGES images, generously written
_STRAY = 100  # bytes between lists, of which five can be right
_BATCH = 500
_BLANKS = bytes.maketrans(b"\t\r\n", b"   ")


def read_mnist_json(path: Path) -> Dataset:
    """Read such a file, its pixels written in [-1, 1], in [0, 1] or as 0 to 255; its eval part is the test split.

    Raises DataError where it is damaged, cut short, or of another shape.
    """
    with opened(path) as file:
        train, valid, test = _Parser(path, file).read()
    return Dataset(source=str(path), train=train, test=test, valid=valid, labels=LABELS)


class _Scale(NamedTuple):
    """How a file writes pixels: as numbers from `low` to `high`; a pixel is (number - low) * step."""

    low: float
    high: float
    step: float


class _Parser:
    """Reads part after part, and knows how far it came for what its errors say."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._lists = _lists(file)
        self._part = "train"
        self._count = 0
        self._label_list = b""
        self._scale: _Scale | None = None

    def read(self) -> tuple[Split, Split, Split]:
        try:
            splits = (
                self._read_part("train", b"[[[["),
                self._read_part("valid", b"],[[["),
                self._read_part("eval", b"],[[["),
            )
            if next(self._lists, None) is not None:
                raise self._error(f"more follows, {_SHAPE} is needed")
        except EOFError:
            raise self._error(f"the file ends, {_SHAPE} is needed ({AGAIN})") from None
        return splits

    def _read_part(self, part: str, opening: bytes) -> Split:
        self._part, self._count = part, 0
        lists = self._image_lists(opening)
        images: list[Images] = []
        while batch := list(islice(lists, _BATCH)):
            images.append(self._to_pixels(batch))
            self._count += len(batch)
            if self._count > MAX_IMAGES:
                raise self._error(f"more follow, {MAX_IMAGES:,} is the limit")
        return Split(np.concatenate(images), self._to_labels(self._label_list))

    def _image_lists(self, opening: bytes) -> Iterator[bytes]:
        """Yield the images of a part, unparsed, and keep its labels. What stands between the lists tells them apart."""
        expected = opening
        for between, numbers in self._lists:
            if between == b"],[" and expected == b",[":
                self._label_list = numbers
                return
            if between != expected:
                raise self._error(f"found '{between[:40].decode(errors='replace')}', {_SHAPE} is needed")
            yield numbers
            expected = b",["
        raise EOFError

    def _to_pixels(self, lists: Sequence[bytes]) -> Images:
        for index, length in enumerate(map(_length, lists)):
            if length != _PIXELS:
                raise self._error(f"image {self._count + index} has {length} numbers, {_PIXELS} are needed")
        numbers = self._parse(lists)
        self._scale = self._scale or _find_scale(numbers)
        low, high, step = self._scale
        wrong = ~((numbers >= low) & (numbers <= high))  # nan is wrong too
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise self._error(
                f"image {self._count + row} has a pixel of {numbers[row, column]:g},"
                f" while those of the file are {low:g} to {high:g}"
            )
        return np.rint((numbers - low) * step).astype(np.uint8).reshape(-1, SIDE, SIDE)

    def _to_labels(self, label_list: bytes) -> Labels:
        if _length(label_list) != self._count:
            raise self._error(f"{_length(label_list)} labels follow, a label for each image is needed")
        numbers = self._parse([label_list])[0]
        wrong = np.flatnonzero(~np.isin(numbers, np.arange(len(LABELS))))
        if len(wrong):
            raise self._error(f"label {wrong[0]} is {numbers[wrong[0]]:g}, labels are 0 to {len(LABELS) - 1}")
        return numbers.astype(np.int64)

    def _parse(self, lists: Sequence[bytes]) -> npt.NDArray[np.float64]:
        """Return lists of one length as rows."""
        try:
            return np.loadtxt([numbers.decode("latin-1") for numbers in lists], delimiter=",", comments=None, ndmin=2)
        except ValueError as error:
            raise self._error(f"there is more than numbers: {error}") from error

    def _error(self, what: str) -> DataError:
        return DataError(f"{self._path}: in its {self._part} part, after {self._count} images, {what}")


def _find_scale(numbers: npt.NDArray[np.float64]) -> _Scale:
    """Tell from the first images how all pixels are written."""
    if numbers.min() < 0:
        return _Scale(-1, 1, 127.5)
    if numbers.max() > 1:
        return _Scale(0, 255, 1)
    if numbers.max() < 1 and (numbers * 256 % 1 == 0).all():
        return _Scale(0, 255 / 256, 256)  # as mnist.pkl.gz has them
    return _Scale(0, 1, 255)


def _length(numbers: bytes) -> int:
    return numbers.count(b",") + 1 if numbers.strip() else 0


def _lists(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield each innermost list: what stands between it and the one before it, without blanks, and what it holds.

    Raises EOFError where brackets stay open at the end.
    """
    between, rest = b"", b""
    while chunk := file.read(_CHUNK):
        *pieces, rest = (rest + chunk.translate(_BLANKS)).split(b"]")
        if len(rest) > _LONGEST:
            raise EOFError  # nobody's list of numbers: what it lacks is its end
        for piece in pieces:
            before, bracket, numbers = piece.rpartition(b"[")
            between += (before + bracket).replace(b" ", b"")
            if not bracket:
                between += numbers.strip() + b"]"
            if bracket or len(between) > _STRAY:
                yield between, numbers
                between = b""
    if between + rest.strip() != b"]]":
        raise EOFError
