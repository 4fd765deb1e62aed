"""What every data source gives: samples with what is true of them, in splits that read as paddle.dataset.mnist reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fluidline.errors import UsageError
from pipeline.readers.arrays import ArrayReader

SIDE = 28
SCALE = 2 / 255  # normalised = pixel * SCALE + SHIFT: black is -1, white is 1, as in the book
SHIFT = -1.0

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Sample = tuple[npt.NDArray[np.float32], Any]  # the truth is an int, or a float where there are no classes

_CHUNK = 100


def normalise(pixels: Images | npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return pixels 0 to 255 as float32 in [-1, 1], of the same shape."""
    # paddle.dataset.mnist's floats are the reference, bit for bit: pixel / 255 * 2 - 1, where the doubling is exact.
    values = np.divide(pixels, np.float32(255 / 2), dtype=np.float32)
    values -= np.float32(1)
    return values


class Input(Protocol):
    """What a graph is given: the name of its variable, the shape of a sample in it, and how its values are made."""

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    def check(self, samples: npt.NDArray[Any], truth: npt.NDArray[Any]) -> None:
        """Raise TypeError where these are not samples, as they were read, with what is true of each."""

    def normalise(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return samples [N, ...] as they were read in the form in which a graph takes them, [N, *shape]."""

    def preprocessing(self) -> dict[str, Any]:
        """Return what `normalise` does as what JSON can hold, for those who are to do the same without this code."""

    def as_trained(self, preprocessing: Mapping[str, Any]) -> Input:
        """Return the input with the `preprocessing` that a model was trained with. Raises DataError where it does not fit."""


class ImageInput:
    """Images uint8 [N, 28, 28], light ink on dark, with labels int64 [N]."""

    name = "img"
    shape = (1, SIDE, SIDE)

    def check(self, samples: npt.NDArray[Any], truth: npt.NDArray[Any]) -> None:
        if samples.dtype != np.uint8 or samples.shape[1:] != (SIDE, SIDE):
            raise TypeError(f"images are {samples.dtype} {samples.shape}, not uint8 [N, {SIDE}, {SIDE}]")
        if truth.dtype != np.int64 or truth.shape != samples.shape[:1]:
            raise TypeError(f"labels are {truth.dtype} {truth.shape}, not int64 [{len(samples)}]")

    def normalise(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        return normalise(samples)[:, None]

    def preprocessing(self) -> dict[str, Any]:
        return {"size": [SIDE, SIDE], "scale": SCALE, "shift": SHIFT, "ink": "light"}

    def as_trained(self, preprocessing: Mapping[str, Any]) -> Input:
        return self


IMAGES = ImageInput()


@dataclass(frozen=True, eq=False)
class Split:
    """Samples as they were read, a row each, with what is true of each; what both look like is the `input`'s to say."""

    samples: npt.NDArray[Any]
    truth: npt.NDArray[Any]
    input: Input = IMAGES

    def __post_init__(self) -> None:
        self.input.check(self.samples, self.truth)

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def images(self) -> Images:
        """The samples, to those who know that they are images."""
        return self.samples

    @property
    def labels(self) -> Labels:
        """The truth, to those who know that it is labels."""
        return self.truth

    def reader(self) -> ArrayReader[Sample]:
        """Return a paddle reader creator; each call of it reads all samples in order: (float32 [784], int)."""

        def read() -> Iterator[Sample]:
            for start in range(0, len(self), _CHUNK):
                chunk = self.input.normalise(self.samples[start : start + _CHUNK])
                yield from zip(chunk.reshape(len(chunk), -1), self.truth[start : start + _CHUNK].tolist(), strict=True)

        return ArrayReader(len(self), read)

    def rows(self, rows: npt.NDArray[np.intp]) -> Split:
        """Return a split of some of the samples."""
        return replace(self, samples=self.samples[rows], truth=self.truth[rows])

    def spread(self, count: int) -> Split:
        """Return a split of so many of the samples, or all where there are fewer, at even distances."""
        return self.rows(np.linspace(0, len(self), min(count, len(self)), endpoint=False).astype(np.intp))


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set as loaded: where it came from in words, its splits, and the name of each label in order.

    Where the truth is a number to be foretold there are no labels, and `target` says what the number is.
    """

    source: str
    train: Split
    test: Split
    valid: Split | None
    labels: tuple[str, ...]
    target: str | None = None

    @property
    def input(self) -> Input:
        """How a graph is fed with the samples."""
        return self.train.input

    def as_trained(self, preprocessing: Mapping[str, Any]) -> Dataset:
        """Return the data set as a model takes it that was trained with this `preprocessing`.

        Raises DataError where it is of other data.
        """
        form = self.input.as_trained(preprocessing)
        train, test = (replace(split, input=form) for split in (self.train, self.test))
        return replace(self, train=train, test=test, valid=self.valid and replace(self.valid, input=form))

    def hold_out(self, count: int) -> Dataset:
        """Return the data set with `count` of its training samples as validation split, the same ones in every training.

        Raises UsageError where none would be left to train with.
        """
        if count >= len(self.train):
            raise UsageError(f"valid_size is {count}, and {self.source} has {len(self.train)} training samples in all")
        rows = np.random.RandomState(0).permutation(len(self.train))  # folders of images are sorted by class
        valid, train = (self.train.rows(np.sort(part)) for part in (rows[:count], rows[count:]))
        return replace(self, train=train, valid=valid)
