"""The decorators that need no help: what they do happens in the consumer's own thread, one sample at a time."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import chain as chain_iterables
from itertools import zip_longest
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")
R = TypeVar("R")


class ComposeNotAligned(ValueError):  # noqa: N818  the name is paddle's
    """The readers given to `compose` are not of one length."""


def batch(reader: Callable[[], Iterable[T]], batch_size: int, drop_last: bool = False) -> Batched[T]:
    """Return a reader of lists of `batch_size` samples; the last may be shorter, or is dropped.

    Raises ValueError where `batch_size` is not positive.
    """
    return Batched(reader, batch_size, drop_last)


class Batched(Generic[T]):
    """What `batch` returns."""

    def __init__(self, reader: Callable[[], Iterable[T]], batch_size: int, drop_last: bool) -> None:
        self.reader = reader
        self.batch_size = int(batch_size)
        self.drop_last = drop_last
        if self.batch_size <= 0:
            raise ValueError(f"batch_size must be a positive whole number, not {self.batch_size}")

    def __call__(self) -> Iterator[list[T]]:
        samples: list[T] = []
        for sample in self.reader():
            samples.append(sample)
            if len(samples) == self.batch_size:
                yield samples
                samples = []
        if samples and not self.drop_last:
            yield samples


def shuffle(reader: Callable[[], Iterable[T]], buf_size: int, seed: int | None = None) -> Shuffled[T]:
    """Return a reader that fills a buffer with `buf_size` samples, gives them in random order, and fills it again.

    Without a seed the order is taken from Python's global `random`, as paddle does. With one, see `Shuffled`.
    """
    return Shuffled(reader, buf_size, seed)


class Shuffled(Generic[T]):
    """A shuffling reader that knows which epoch comes next.

    The order of an epoch follows from the seed and the epoch's number alone. To read epoch 7 without those before it,
    as a resumed training does, set `epoch = 7` and call the reader; each call counts one on. It follows from nothing
    in the samples either, so that `order` can tell it without reading them.

    Shuffle around a `multiprocess_reader` and not within it: what is called there, and counts, is a copy.
    """

    def __init__(self, reader: Callable[[], Iterable[T]], buf_size: int, seed: int | None) -> None:
        self.reader = reader
        self.buf_size = buf_size
        self.seed = seed
        self.epoch = 0

    def __call__(self) -> Iterator[T]:
        return self._read(self._next_mix())

    def order(self, count: int) -> npt.NDArray[np.intp]:
        """Return in what order a call would give `count` samples, and count as that call."""
        mix, size = self._next_mix(), max(self.buf_size, 1)
        parts = [np.arange(begin, min(begin + size, count)) for begin in range(0, count, size)]
        for part in parts:
            mix(part)
        return np.concatenate([np.arange(0), *parts])

    def _next_mix(self) -> Callable[[Any], None]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        if self.seed is None:
            return random.shuffle
        # NumPy's older generator: what it draws is fixed for all its versions. Through SHA-512 neighbouring seeds and
        # epochs have nothing in common.
        digest = hashlib.sha512(f"{self.seed}/{epoch}".encode()).digest()
        return np.random.RandomState(np.frombuffer(digest, np.uint32)).shuffle

    def _read(self, mix: Callable[[list[T]], None]) -> Iterator[T]:
        buffer: list[T] = []
        for sample in self.reader():
            buffer.append(sample)
            if len(buffer) >= self.buf_size:
                mix(buffer)
                yield from buffer
                buffer = []
        if buffer:
            mix(buffer)
            yield from buffer


def map_readers(func: Callable[..., R], *readers: Callable[[], Iterable[Any]]) -> Callable[[], Iterator[R]]:
    """Return a reader of `func(a, b, ...)` with a sample from each reader; it ends with the shortest of them."""

    def read() -> Iterator[R]:
        yield from map(func, *[reader() for reader in readers])

    return read


def chain(*readers: Callable[[], Iterable[T]]) -> Callable[[], Iterator[T]]:
    """Return a reader of the samples of the first reader, then those of the second, and so on."""

    def read() -> Iterator[T]:
        yield from chain_iterables(*[reader() for reader in readers])

    return read


def compose(
    *readers: Callable[[], Iterable[Any]], check_alignment: bool = True
) -> Callable[[], Iterator[tuple[Any, ...]]]:
    """Return a reader of flat tuples with a sample from each reader: (1, 2), 3 and (4, 5) make (1, 2, 3, 4, 5).

    Raises ComposeNotAligned while reading where one reader ends before another. With `check_alignment=False` it ends
    with the shortest instead. As in paddle, the check takes a sample that is None for the end of its reader.
    """

    def read() -> Iterator[tuple[Any, ...]]:
        opened = [reader() for reader in readers]
        for samples in zip_longest(*opened) if check_alignment else zip(*opened, strict=False):
            if check_alignment:
                _check_aligned(samples)
            yield tuple(part for sample in samples for part in (sample if isinstance(sample, tuple) else (sample,)))

    return read


def firstn(reader: Callable[[], Iterable[T]], n: int) -> FirstN[T]:
    """Return a reader of the first `n` samples."""
    return FirstN(reader, n)


class FirstN(Generic[T]):
    """What `firstn` returns."""

    def __init__(self, reader: Callable[[], Iterable[T]], n: int) -> None:
        self.reader = reader
        self.n = n

    def __call__(self) -> Iterator[T]:
        # One sample more than n is drawn, as in paddle: with a random reader, what is drawn next depends on it.
        for index, sample in enumerate(self.reader()):
            if index == self.n:
                break
            yield sample


def cache(reader: Callable[[], Iterable[T]]) -> Callable[[], Iterator[T]]:
    """Read `reader` once, now, into memory, and return a reader of what it gave."""
    samples = tuple(reader())

    def read() -> Iterator[T]:
        yield from samples

    return read


def _check_aligned(samples: tuple[Any, ...]) -> None:
    ended = [index for index, sample in enumerate(samples) if sample is None]
    if ended:
        raise ComposeNotAligned(
            f"outputs of readers are not aligned: of {len(samples)} readers, those at {ended} ended before the others "
            "(give readers of one length, or check_alignment=False)"
        )
