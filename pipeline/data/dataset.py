"""What every data source gives: images with labels, in splits that read as paddle.dataset.mnist reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fluidline.errors import UsageError
from pipeline.readers.arrays import ArrayReader

SIDE = 28
SCALE = 2 / 255  # normalised = pixel * SCALE + SHIFT: black is -1, white is 1, as in the book
SHIFT = -1.0

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Sample = tuple[npt.NDArray[np.float32], int]

_CHUNK = 100


def normalise(pixels: Images | npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return pixels 0 to 255 as float32 in [-1, 1], of the same shape."""
    # paddle.dataset.mnist's floats are the reference, bit for bit: pixel / 255 * 2 - 1, where the doubling is exact.
    values = np.divide(pixels, np.float32(255 / 2), dtype=np.float32)
    values -= np.float32(1)
    return values


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels: uint8 [N, 28, 28], light ink on dark, and int64 [N]."""

    images: Images
    labels: Labels

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.shape[1:] != (SIDE, SIDE):
            raise TypeError(f"images are {self.images.dtype} {self.images.shape}, not uint8 [N, {SIDE}, {SIDE}]")
        if self.labels.dtype != np.int64 or self.labels.shape != self.images.shape[:1]:
            raise TypeError(f"labels are {self.labels.dtype} {self.labels.shape}, not int64 [{len(self.images)}]")

    def __len__(self) -> int:
        return len(self.images)

    def reader(self) -> ArrayReader[Sample]:
        """Return a paddle reader creator; each call of it reads all samples in order, as (float32 [784], int)."""

        def read() -> Iterator[Sample]:
            for start in range(0, len(self), _CHUNK):
                chunk = normalise(self.images[start : start + _CHUNK]).reshape(-1, SIDE * SIDE)
                yield from zip(chunk, self.labels[start : start + _CHUNK].tolist(), strict=True)

        return ArrayReader(len(self), read)

    def rows(self, rows: npt.NDArray[np.intp]) -> Split:
        """Return a split of some of the images."""
        return Split(self.images[rows], self.labels[rows])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set as loaded: where it came from in words, its splits, and the name of each label in order."""

    source: str
    train: Split
    test: Split
    valid: Split | None
    labels: tuple[str, ...]

    def hold_out(self, count: int) -> Dataset:
        """Return the data set with `count` of its training images as validation split, the same ones in every training.

        Raises UsageError where none would be left to train with.
        """
        if count >= len(self.train):
            raise UsageError(f"valid_size is {count}, and {self.source} has {len(self.train)} training images in all")
        rows = np.random.RandomState(0).permutation(len(self.train))  # folders of images are sorted by class
        valid, train = (self.train.rows(np.sort(part)) for part in (rows[:count], rows[count:]))
        return replace(self, train=train, valid=valid)
