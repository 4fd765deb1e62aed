"""The images on which a run's converted models are compared with the trained one."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fluidline.errors import DataError, FluidlineError
from fluidline.runs import RunFolder

if TYPE_CHECKING:
    from pipeline.data.dataset import Dataset

BATCHES = (1, 2, 7, 64)

log = logging.getLogger(__name__)


def sample_batches(dataset: Dataset, entry: dict[str, Any]) -> tuple[list[npt.NDArray[np.float32]], str]:
    """Return test images as the model takes them, in batches of BATCHES sizes, and where they come from in words.

    `entry` is a manifest's entry with `input` and `preprocessing`.
    """
    count = sum(BATCHES)
    pixels = np.resize(dataset.test.images, (count, *dataset.test.images.shape[1:]))  # a small data set is repeated
    preprocessing = entry["preprocessing"]
    images = pixels.astype(np.float32) * np.float32(preprocessing["scale"]) + np.float32(preprocessing["shift"])
    images = images.reshape(count, *entry["input"]["shape"])
    return np.split(images, np.cumsum(BATCHES)[:-1]), f"test images of {dataset.source}"


def run_dataset(run: RunFolder, data: str | None = None) -> Dataset:
    """Return the data set `data`, or what config.json says that the run was trained on.

    Where that is not to be had, drawn digits, with a warning. Raises DataError where `data` is not there.
    """
    from pipeline.data import load  # imported here: with the model at hand, no other stage needs the data

    if data is not None:
        return load(data)
    try:
        return load(_configured(run))
    except FluidlineError as error:
        log.warning("warning: %s; comparing on drawn digits instead", error)
        return load("builtin")


def _configured(run: RunFolder) -> str | None:
    try:
        config: dict[str, Any] = json.loads(run.config.read_text(encoding="utf-8"))
        return config.get("data")
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{run.config} cannot be read ({error})") from error
