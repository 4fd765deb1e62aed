"""Means of the largest values of ragged matrices, whose operator is gone from Paddle 2.6."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import layers
from ...framework import default_main_program


def sequence_topk_avg_pooling(input: Any, row: Any, col: Any, topks: list[int], channel_num: int) -> Any:
    """Return the sums of the largest values of each row of match matrices, divided by how many were asked for.

    Args:
        input: [M, 1], float, of sequences: for each pair of sequences `channel_num` matrices of its rows and columns.
        row, col: of as many sequences, whose lengths are the numbers of rows and columns.
        topks: how many values to take; a row that is shorter gives all it has.

    Returns:
        [rows, channel_num * len(topks)], of sequences as `row` is.
    """
    count = max(topks)
    places = default_main_program().current_block().create_var(dtype="int64", shape=[-1, channel_num * count])
    layers.py_func(_places_of_largest(channel_num, count), [input, row, col], places)
    nothing = layers.fill_constant([1, 1], input.dtype, 0)
    largest = layers.gather(layers.concat([input, nothing]), layers.reshape(places, [-1]))
    shares = np.float32([[(place < topk) / topk for topk in topks] for place in range(count)])
    shares = layers.cast(layers.assign(shares), input.dtype)
    means = layers.matmul(layers.reshape(largest, [-1, count]), shares)
    return layers.lod_reset(layers.reshape(means, [-1, channel_num * len(topks)]), row)


def _places_of_largest(channel_num: int, count: int) -> Callable[[Any, Any, Any], np.ndarray]:
    """Return a function of the values that gives, row by row, where the largest of each channel are.

    Where a row has fewer than `count`, the rest is the place after the last value.
    """

    def find(values: Any, row: Any, col: Any) -> np.ndarray:
        values, start, found = np.array(values).ravel(), 0, []
        for rows, cols in zip(_lengths(row), _lengths(col), strict=True):
            places = start + np.arange(channel_num * rows * cols).reshape(channel_num, rows, cols)
            order = np.argsort(-values[places], axis=2, kind="stable")[:, :, :count]
            largest = np.full((channel_num, rows, count), len(values))
            largest[:, :, : order.shape[2]] = np.take_along_axis(places, order, axis=2)
            found.append(largest.transpose(1, 0, 2).reshape(rows, -1))
            start += places.size
        return np.concatenate(found)

    return find


def _lengths(sequences: Any) -> list[int]:
    return sequences.recursive_sequence_lengths()[-1]
