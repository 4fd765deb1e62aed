"""Decorated readers over arrays: the rows that they tell are the samples that they give."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from pipeline import readers as R  # noqa: N812
from pipeline.data.dataset import Split


def split(count: int) -> Split:
    """Return a split whose images are told apart by their first pixels, and by their labels."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, :2] = np.arange(count)[:, None] // [1, 256] % 256
    return Split(images, np.arange(count))


@pytest.mark.parametrize("count", [0, 1, 7, 64, 300])
@pytest.mark.parametrize("buf_size", [0, 1, 7, 64, 1000])
@pytest.mark.parametrize("seed", [0, 5])
def test_rows_told_are_the_samples_given(count: int, buf_size: int, seed: int) -> None:
    def reader() -> Any:
        return R.batch(R.shuffle(R.firstn(split(count).reader(), 250), buf_size, seed=seed), 16)

    samples, rows = reader(), reader()
    for _ in range(3):  # epochs, each of another order
        batches, told = list(samples()), R.order_of_batches(rows)
        assert told is not None
        assert [len(batch) for batch in batches] == [len(part) for part in told]
        for batch, part in zip(batches, told, strict=True):
            assert [label for _, label in batch] == part.tolist()
            gathered = split(count).rows(part).reader()
            assert all(np.array_equal(one, other) for (one, _), (other, _) in zip(batch, gathered(), strict=True))


def test_a_short_last_batch_is_dropped_in_rows_too() -> None:
    reader = R.batch(split(10).reader(), 4, drop_last=True)
    told = R.order_of_batches(reader)
    assert told is not None
    assert [part.tolist() for part in told] == [[label for _, label in batch] for batch in reader()]


@pytest.mark.parametrize("n", [-1, 0, 3, 50])
def test_the_first_n_are_told_as_they_are_given(n: int) -> None:
    reader = R.firstn(split(10).reader(), n)
    told = R.order(reader)
    assert told is not None
    assert told.tolist() == [label for _, label in reader()]


def test_rows_are_not_told_where_they_cannot_be_known() -> None:
    plain = split(5).reader()
    assert R.order(lambda: iter(range(5))) is None
    assert R.order(R.map_readers(lambda sample: sample, plain)) is None
    assert R.order(R.shuffle(plain, 5)) is None  # from the global random state, which only reading may change
    assert R.order_of_batches(R.batch(R.firstn(R.chain(plain, plain), 3), 2)) is None


def test_telling_draws_nothing_from_the_global_random_states() -> None:
    states = random.getstate(), np.random.get_state()[1].tolist()
    R.order(R.shuffle(split(20).reader(), 10, seed=1))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states
