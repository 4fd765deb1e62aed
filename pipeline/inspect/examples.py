"""The test images about which a model is surest, and those it takes for something else: contact sheets and a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.inspect.opened import Array
from pipeline.inspect.page import gray, grid, write_page, zoomed
from pipeline.inspect.tables import Columns, Table, percent

_LIMIT = 100  # images on a sheet
_IMAGE = 84  # pixels
_LETTERS = 16  # of a label below an image, at most


def mistakes_table(probabilities: Array, truth: Array, labels: Sequence[str]) -> Table:
    """Return a row for each image that was taken for another class, the surest mistake first.

    `probabilities` is float32 [N, classes], `truth` int64 [N].
    """
    predicted, top = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != truth)
    wrong = wrong[np.argsort(-top[wrong], kind="stable")]
    rows: list[dict[str, Any]] = [
        {
            "image": int(index),
            "label": labels[truth[index]],
            "predicted": labels[predicted[index]],
            "probability": float(top[index]),
            "of_label": float(probabilities[index, truth[index]]),
        }
        for index in wrong
    ]
    columns: Columns = {"image": str, "label": str, "predicted": str, "probability": percent, "of_label": percent}
    return Table(f"{len(rows):,} of {len(truth):,} test samples are taken for another class", columns, rows)


def draw_mistakes(path: Path, images: Array, mistakes: Table) -> bool:
    """Draw the surest mistakes: the image, its label, what it was taken for and how surely; False where there are none."""
    rows = mistakes.rows[:_LIMIT]
    if not rows:
        return False
    captions = [
        f"{_cut(row['label'])} → {_cut(row['predicted'])}\n{_sure(row['probability'])}\n#{row['image']}" for row in rows
    ]
    heading = f"label → prediction, its probability, number of the image; the {len(rows)} surest"
    tiles = [zoomed(gray(images[row["image"]]), _IMAGE) for row in rows]
    write_page(path, mistakes.title, [(heading, grid(tiles, captions))])
    return True


def draw_surest(path: Path, images: Array, probabilities: Array, truth: Array, labels: Sequence[str]) -> None:
    """Draw, for each class, the images that are taken for it most surely."""
    predicted, top = probabilities.argmax(axis=1), probabilities.max(axis=1)
    each = max(1, _LIMIT // len(labels))
    sections = []
    for number, label in enumerate(labels):
        found = np.flatnonzero(predicted == number)
        found = found[np.argsort(-top[found], kind="stable")][:each]
        if len(found):
            captions = [_caption(top[index], labels[truth[index]], label) for index in found]
            sections.append((label, grid([zoomed(gray(images[index]), _IMAGE) for index in found], captions)))
    write_page(path, "The surest predictions of each class", sections)


def _caption(probability: float, label: str, predicted: str) -> str:
    return _sure(probability) if label == predicted else f"{_sure(probability)}\nis {_cut(label)}"


def _sure(probability: float) -> str:
    """Return a probability for reading, in which rounding hides no doubt: 0.9999994 is not 100%."""
    if probability > 0.999999:
        return "> 99.9999%"
    return f"{probability:.4%}" if probability > 0.9999 else f"{probability:.2%}"


def _cut(label: str) -> str:
    return label if len(label) <= _LETTERS else label[: _LETTERS - 1] + "…"
