"""`fluid.lod_tensor`: tensors of sequences of different lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import core

__all__ = ["create_lod_tensor", "create_random_int_lodtensor"]


@core.raises_enforce_not_met
def create_lod_tensor(data: Any, recursive_seq_lens: list[list[int]], place: Any) -> Any:
    """Return a LoDTensor.

    Args:
        data: array, LoDTensor, or a list of integer sequences, whose lengths are then the last level.
        recursive_seq_lens: lengths of the sequences at each level, outermost first.
        place: where it is to be.

    Raises:
        AssertionError: the sequences of a list have other lengths.
        core.EnforceNotMet: the lengths do not fit the data.
        TypeError: `data` is neither.
    """
    if isinstance(data, core.LoDTensor):
        return create_lod_tensor(np.array(data), recursive_seq_lens, place)
    if isinstance(data, list):
        lengths = [len(sequence) for sequence in data]
        assert [lengths] == recursive_seq_lens, f"recursive_seq_lens is {recursive_seq_lens}, the data has {[lengths]}"
        data = np.concatenate([np.asarray(sequence) for sequence in data], axis=0).astype("int64").reshape(-1, 1)
    if not isinstance(data, np.ndarray):
        raise TypeError(f"data is a LoDTensor, a numpy array or a list of sequences, not {type(data)}")
    tensor = core.LoDTensor()
    tensor.set(data, place)
    tensor.set_recursive_sequence_lengths(recursive_seq_lens)
    return tensor


def create_random_int_lodtensor(
    recursive_seq_lens: list[list[int]], base_shape: list[int], place: Any, low: int, high: int
) -> Any:
    """Return a LoDTensor of integers from `low` to `high`, both included, each element shaped `base_shape`."""
    assert isinstance(base_shape, list), f"base_shape is a list, not {base_shape!r}"
    data = np.random.randint(low, high + 1, [sum(recursive_seq_lens[-1]), *base_shape]).astype("int64")
    return create_lod_tensor(data, recursive_seq_lens, place)
