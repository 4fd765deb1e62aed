"""What a data set holds, in numbers, and whether it looks right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from pipeline.data.dataset import SIDE, Dataset, Split


def splits_of(dataset: Dataset) -> dict[str, Split]:
    """Return the splits that a data set has, by name."""
    splits = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    return {name: split for name, split in splits.items() if split is not None}


def describe(dataset: Dataset) -> dict[str, Any]:
    """Return what a data set holds as what JSON can hold: its source, each split in numbers, and the checks.

    A check is what should be so, and what was found where it is not; a set may be used all the same.
    """
    return {
        "source": dataset.source,
        "labels": list(dataset.labels),
        "splits": {name: _describe_split(split, dataset.labels) for name, split in splits_of(dataset).items()},
        "checks": [_check(words, "; ".join(findings(dataset))) for words, findings in CHECKS.items()],
    }


def _check(words: str, found: str) -> dict[str, Any]:
    return {"check": words, "passed": not found, "found": found}


def _describe_split(split: Split, labels: tuple[str, ...]) -> dict[str, Any]:
    counts = np.bincount(split.labels, minlength=len(labels)).tolist()
    return {
        "images": len(split),
        "shape": [SIDE, SIDE],
        "dtype": str(split.images.dtype),
        "range": [int(split.images.min()), int(split.images.max())],
        "mean": round(float(split.images.mean()), 2),
        "histogram": dict(zip(labels, counts, strict=True)),
    }


def _classes_without_images(dataset: Dataset) -> Iterator[str]:
    for name, split in splits_of(dataset).items():
        counts = np.bincount(split.labels, minlength=len(dataset.labels))
        if missing := [label for label, count in zip(dataset.labels, counts, strict=True) if not count]:
            yield f"{name} has none of {', '.join(missing)}"


def _rare_classes(dataset: Dataset) -> Iterator[str]:
    counts = np.bincount(dataset.train.labels, minlength=len(dataset.labels))
    if counts.min() * 10 < counts.max():
        rare, frequent = (dataset.labels[index] for index in (counts.argmin(), counts.argmax()))
        yield f"{rare} has {counts.min()}, {frequent} has {counts.max()}"


def _blank_images(dataset: Dataset) -> Iterator[str]:
    for name, split in splits_of(dataset).items():
        blank = np.flatnonzero(split.images.min(axis=(1, 2)) == split.images.max(axis=(1, 2)))
        if len(blank):
            yield f"{name} has {len(blank)}, the first is image {blank[0]}"


def _dark_ink(dataset: Dataset) -> Iterator[str]:
    for name, split in splits_of(dataset).items():
        if split.images.mean() > 127:
            yield f"{name} is light on average ({split.images.mean():.0f} of 255)"


def _shared_images(dataset: Dataset) -> Iterator[str]:
    train = {image.tobytes() for image in dataset.train.images}
    for name, split in splits_of(dataset).items():
        shared = sum(image.tobytes() in train for image in split.images)
        if shared and split is not dataset.train:
            yield f"{name} shares {shared}"


def _nothing(dataset: Dataset) -> Iterator[str]:
    return iter(())


CHECKS: Mapping[str, Callable[[Dataset], Iterator[str]]] = {
    "files are whole, pixels in range, a known label for each image": _nothing,  # else it would not have been read
    "every class is in every split": _classes_without_images,
    "no class is ten times rarer than another": _rare_classes,
    "no image is blank": _blank_images,
    "ink is light on dark": _dark_ink,
    "no image to test with is one to train with": _shared_images,
}
