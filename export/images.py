"""The images on which a run's converted models are compared with the trained one."""

from __future__ import annotations

import json
import logging
from typing import Any

import numpy as np
import numpy.typing as npt

from fluidline.errors import DataError, FluidlineError
from fluidline.runs import RunFolder

BATCHES = (1, 2, 7, 64)

log = logging.getLogger(__name__)


def sample_batches(
    run: RunFolder, entry: dict[str, Any], data: str | None
) -> tuple[list[npt.NDArray[np.float32]], str]:
    """Return test images as the model takes them, in batches of BATCHES sizes, and where they come from in words.

    They are of `data`, or else of what config.json says that the run was trained on, or else, with a warning, drawn
    digits. `entry` is a manifest's entry with `input` and `preprocessing`. Raises DataError where `data` is not there.
    """
    pixels, source = _test_images(run, data)
    count = sum(BATCHES)
    pixels = np.resize(pixels, (count, *pixels.shape[1:]))  # a small data set is repeated
    preprocessing = entry["preprocessing"]
    images = pixels.astype(np.float32) * np.float32(preprocessing["scale"]) + np.float32(preprocessing["shift"])
    images = images.reshape(count, *entry["input"]["shape"])
    return np.split(images, np.cumsum(BATCHES)[:-1]), source


def _test_images(run: RunFolder, data: str | None) -> tuple[npt.NDArray[np.uint8], str]:
    from pipeline.data import load  # imported here: with the model at hand, no other stage needs the data

    if data is None:
        try:
            dataset = load(_configured(run))
        except FluidlineError as error:
            log.warning("warning: %s; comparing on drawn digits instead", error)
            dataset = load("builtin")
    else:
        dataset = load(data)
    return dataset.test.images, f"test images of {dataset.source}"


def _configured(run: RunFolder) -> str | None:
    try:
        config: dict[str, Any] = json.loads(run.config.read_text(encoding="utf-8"))
        return config.get("data")
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{run.config} cannot be read ({error})") from error
