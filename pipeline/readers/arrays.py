"""Readers over arrays in memory, which can be asked which samples they would give instead of for the samples.

What trains from arrays needs no sample of its own for each image: `order` says which rows come when, and one index
gathers a whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.readers.plain import Batched, FirstN, Shuffled

T = TypeVar("T")
Rows = npt.NDArray[np.intp]


class ArrayReader(Generic[T]):
    """A reader of `count` samples that stand in arrays, one a row, in the order of the rows."""

    def __init__(self, count: int, read: Callable[[], Iterator[T]]) -> None:
        self.count = count
        self.read = read

    def __call__(self) -> Iterator[T]:
        return self.read()


def order(reader: Any) -> Rows | None:
    """Return the rows of the samples that a call of `reader` would give, in order, and count as that call.

    None where it is no ArrayReader, or decorated with anything but `shuffle` with a seed and `firstn`.
    """
    match reader:
        case ArrayReader():
            return np.arange(reader.count)
        case FirstN():
            rows = order(reader.reader)
            return rows if rows is None or reader.n < 0 else rows[: reader.n]
        case Shuffled(seed=int()):
            rows = order(reader.reader)
            return None if rows is None else rows[reader.order(len(rows))]
    return None


def order_of_batches(reader: Batched[Any]) -> list[Rows] | None:
    """Return the rows of each batch that a call of `reader` would give, as `order` does."""
    rows = order(reader.reader)
    if rows is None:
        return None
    whole = len(rows) // reader.batch_size * reader.batch_size if reader.drop_last else len(rows)
    return [rows[begin : begin + reader.batch_size] for begin in range(0, whole, reader.batch_size)]
