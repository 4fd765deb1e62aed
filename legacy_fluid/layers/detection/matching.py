"""What each prior is to say, given the box it is matched with; in Python, as its operator is gone from the core."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ...layer_helper import LayerHelper
from .. import nn

__all__ = ["target_assign"]


def target_assign(
    input: Any,
    matched_indices: Any,
    negative_indices: Any = None,
    mismatch_value: float | None = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Return the target of each prior, [N, P, D], and its weight, [N, P, 1]: one where it has a target, else zero.

    Args:
        input: targets [K, P, D] or [K, 1, D] of the boxes, or [K, D], with lengths: so many boxes an image.
        matched_indices: int32 [N, P]: of the image's boxes, the number of the prior's, or -1.
        negative_indices: int32 [M, 1] with lengths: priors on the background, whose target is `mismatch_value`.
        mismatch_value: of priors without a box; zero where None.
    """
    helper = LayerHelper("target_assign", name=name)
    targets = helper.create_variable_for_type_inference(dtype=input.dtype)
    weights = helper.create_variable_for_type_inference(dtype="float32")
    targets.desc.set_shape([*matched_indices.shape, input.shape[-1]])
    weights.desc.set_shape([*matched_indices.shape, 1])
    fill = mismatch_value or 0

    def assign(boxes: Any, matched: Any, negative: Any = None) -> tuple[np.ndarray, np.ndarray]:
        return _assign(np.array(boxes), boxes.lod()[-1], np.array(matched), negative, fill)

    given = [input, matched_indices] + ([] if negative_indices is None else [negative_indices])
    nn.py_func(func=assign, x=given, out=[targets, weights])
    return targets, weights


def _assign(
    boxes: np.ndarray, offsets: list[int], matched: np.ndarray, negative: Any, fill: float
) -> tuple[np.ndarray, np.ndarray]:
    by_prior = boxes.reshape(len(boxes), -1, boxes.shape[-1])
    images, priors = matched.shape
    targets = np.full((images, priors, boxes.shape[-1]), fill, boxes.dtype)
    weights = np.zeros((images, priors, 1), np.float32)
    for image, first in enumerate(offsets[:-1]):
        (found,) = np.nonzero(matched[image] >= 0)
        targets[image, found] = by_prior[first + matched[image, found], found % by_prior.shape[1]]
        weights[image, found] = 1.0
    if negative is not None:
        rows, starts = np.array(negative).reshape(-1), negative.lod()[-1]
        for image, (start, end) in enumerate(pairwise(starts)):
            targets[image, rows[start:end]] = fill
            weights[image, rows[start:end]] = 1.0
    return targets, weights
