"""What every data source gives: images with labels, in splits that read as paddle.dataset.mnist reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SIDE = 28
SCALE = 2 / 255  # normalised = pixel * SCALE + SHIFT: black is -1, white is 1, as in the book
SHIFT = -1.0

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Sample = tuple[npt.NDArray[np.float32], int]

# In three steps, each rounded to float32, as paddle.dataset.mnist does it: its floats are the reference, bit for bit.
_NORMALISED = np.arange(256, dtype=np.float32) / np.float32(255) * np.float32(2) - np.float32(1)
_CHUNK = 100


def normalise(pixels: Images) -> npt.NDArray[np.float32]:
    """Return pixels 0 to 255 as float32 in [-1, 1], of the same shape."""
    return _NORMALISED[pixels]


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

    def reader(self) -> Callable[[], Iterator[Sample]]:
        """Return a paddle reader creator; each call of it reads all samples in order, as (float32 [784], int)."""

        def read() -> Iterator[Sample]:
            for start in range(0, len(self), _CHUNK):
                chunk = normalise(self.images[start : start + _CHUNK]).reshape(-1, SIDE * SIDE)
                yield from zip(chunk, self.labels[start : start + _CHUNK].tolist(), strict=True)

        return read


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set as loaded: where it came from in words, its splits, and the name of each label in order."""

    source: str
    train: Split
    test: Split
    valid: Split | None
    labels: tuple[str, ...]
