"""What a data set holds, in numbers, and whether it looks right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.data.dataset import SIDE, Dataset, Images, Split

_CHUNK = 1000  # images counted at once: all pixels of a set as larger numbers would fill the memory

Check = Callable[[Dataset], Iterator[str]]


def splits_of(dataset: Dataset) -> dict[str, Split]:
    """Return the splits that a data set has, by name."""
    splits = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    return {name: split for name, split in splits.items() if split is not None}


def columns_of(dataset: Dataset, split: Split) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of a table's split by name, the target last."""
    features = split.input.preprocessing()["features"]
    return dict(zip([*features, dataset.target], [*split.samples.T, split.truth], strict=True))


def describe(dataset: Dataset) -> dict[str, Any]:
    """Return what a data set holds as what JSON can hold: its source, each split in numbers, and the checks.

    A check is what should be so, and what was found where it is not; a set may be used all the same.
    """
    describe_split, checks = (_describe_images, CHECKS) if dataset.target is None else (_describe_table, TABLE_CHECKS)
    return {
        "source": dataset.source,
        "labels": list(dataset.labels),
        "target": dataset.target,
        "splits": {name: describe_split(dataset, split) for name, split in splits_of(dataset).items()},
        "checks": [_check(words, "; ".join(findings(dataset))) for words, findings in checks.items()],
    }


def _check(words: str, found: str) -> dict[str, Any]:
    return {"check": words, "passed": not found, "found": found}


def _describe_images(dataset: Dataset, split: Split) -> dict[str, Any]:
    levels = np.arange(256)
    counts = _count_levels(split.images)
    mean = np.average(levels, weights=counts)
    return {
        "images": len(split),
        "shape": [SIDE, SIDE],
        "dtype": str(split.images.dtype),
        "range": np.flatnonzero(counts)[[0, -1]].tolist(),
        "mean": round(float(mean), 2),
        "std": round(float(np.sqrt(np.average((levels - mean) ** 2, weights=counts))), 2),
        "histogram": dict(zip(dataset.labels, _count_classes(dataset, split).tolist(), strict=True)),
    }


def _describe_table(dataset: Dataset, split: Split) -> dict[str, Any]:
    columns = {
        name: {
            "range": [float(values.min()), float(values.max())],
            "mean": float(values.mean()),
            "std": float(values.std()),
        }
        for name, values in columns_of(dataset, split).items()
    }
    return {"rows": len(split), "columns": columns}


def _count_levels(images: Images) -> npt.NDArray[np.intp]:
    """Return how many pixels have each value from 0 to 255."""
    chunks = (images[begin : begin + _CHUNK] for begin in range(0, len(images), _CHUNK))
    return np.sum([np.bincount(chunk.ravel(), minlength=256) for chunk in chunks], axis=0)


def _count_classes(dataset: Dataset, split: Split) -> npt.NDArray[np.intp]:
    return np.bincount(split.labels, minlength=len(dataset.labels))


def _classes_without_images(dataset: Dataset) -> Iterator[str]:
    for name, split in splits_of(dataset).items():
        counts = _count_classes(dataset, split)
        if missing := [label for label, count in zip(dataset.labels, counts, strict=True) if not count]:
            yield f"{name} has none of {', '.join(missing)}"


def _rare_classes(dataset: Dataset) -> Iterator[str]:
    counts = _count_classes(dataset, dataset.train)
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
        images = split.images
        borders = np.concatenate([images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]], axis=1)
        light = np.flatnonzero(np.median(borders, axis=1) > 127)
        if len(light):
            yield f"{name} has {len(light):,} on light paper, the first is image {light[0]}"


def _shared_samples(dataset: Dataset) -> Iterator[str]:
    train = {sample.tobytes() for sample in dataset.train.samples}
    for name, split in splits_of(dataset).items():
        shared = sum(sample.tobytes() in train for sample in split.samples)
        if shared and split is not dataset.train:
            yield f"{name} shares {shared}"


def _constant_columns(dataset: Dataset) -> Iterator[str]:
    for name, values in columns_of(dataset, dataset.train).items():
        if values.min() == values.max():
            yield f"{name} is always {values[0]:g}"


def _unseen_ranges(dataset: Dataset) -> Iterator[str]:
    train = columns_of(dataset, dataset.train)
    for name, split in splits_of(dataset).items():
        for column, values in columns_of(dataset, split).items():
            outside = ((values < train[column].min()) | (values > train[column].max())).sum()
            if outside:
                yield f"{column} in {outside} of {len(split)} rows of {name}"


def _nothing(dataset: Dataset) -> Iterator[str]:
    return iter(())


CHECKS: Mapping[str, Check] = {
    "files are whole, pixels in range, a known label for each image": _nothing,  # else it would not have been read
    "every class is in every split": _classes_without_images,
    "no class is ten times rarer than another": _rare_classes,
    "no image is blank": _blank_images,
    "ink is light on dark": _dark_ink,
    "no image to test with is one to train with": _shared_samples,
}
TABLE_CHECKS: Mapping[str, Check] = {
    "every cell is a number, every row of one length": _nothing,  # else it would not have been read
    "every column varies": _constant_columns,
    "no value to test with is outside of those to train with": _unseen_ranges,
    "no row to test with is one to train with": _shared_samples,
}
