"""`fluid.dataloader.batch_sampler`: which samples make a mini-batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .dataset import Dataset

__all__ = ["BatchSampler"]


class BatchSampler:
    """Yields lists of indices.

    Args:
        dataset: all of its indices, or
        indices: these.
        shuffle: in an order of NumPy's global random state, anew each time.
        drop_last: leave out a last batch that is smaller.
    """

    def __init__(
        self,
        dataset: Dataset | None = None,
        indices: list[int] | tuple[int, ...] | None = None,
        shuffle: bool = False,
        batch_size: int = 1,
        drop_last: bool = False,
    ) -> None:
        if dataset is None:
            assert isinstance(indices, list | tuple), f"without a dataset, indices are a list or tuple, not {indices!r}"
        else:
            assert isinstance(dataset, Dataset), f"dataset is a fluid.dataloader.Dataset, not {dataset!r}"
            assert indices is None, "give a dataset or indices, not both"
        assert isinstance(batch_size, int) and batch_size > 0, f"batch_size is an int above 0, not {batch_size!r}"
        for name, value in (("shuffle", shuffle), ("drop_last", drop_last)):
            assert isinstance(value, bool), f"{name} is True or False, not {value!r}"
        self.indices = indices if dataset is None else list(range(len(dataset)))
        self.shuffle = shuffle
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        if self.shuffle:
            np.random.shuffle(self.indices)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield list(self.indices[start : start + self.batch_size])

    def __len__(self) -> int:
        left_over = 0 if self.drop_last else self.batch_size - 1
        return (len(self.indices) + left_over) // self.batch_size
