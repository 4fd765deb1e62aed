"""The samples on which a run's converted models are compared with the trained one."""

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


def sample_batches(dataset: Dataset | None, entry: dict[str, Any]) -> tuple[list[npt.NDArray[np.float32]], str]:
    """Return test samples as the model takes them, in batches of BATCHES sizes, and where they come from in words.

    `entry` is a manifest's entry with `input`; without a data set they are drawn at random.
    """
    shape, ends = entry["input"]["shape"], np.cumsum(BATCHES)
    if dataset is None:
        drawn = np.random.default_rng(0).standard_normal((ends[-1], *shape)).astype(np.float32)
        return np.split(drawn, ends[:-1]), "random rows"
    test = dataset.test
    samples = test.input.normalise(
        test.samples[np.resize(np.arange(len(test)), ends[-1])]
    )  # a small data set is repeated
    what = "rows" if is_table(entry) else "images"
    return np.split(samples.reshape(-1, *shape), ends[:-1]), f"test {what} of {dataset.source}"


def run_dataset(run: RunFolder, entry: dict[str, Any], data: str | None = None) -> Dataset | None:
    """Return the data set `data`, or what config.json says that the run was trained on, as its model takes it.

    Where that is not to be had, drawn digits for a model of images and None for one of a table, with a warning. Raises
    DataError where `data` is not there, or is not what the model takes.
    """
    from pipeline.data import load  # imported here: with the model at hand, no other stage needs the data

    preprocessing = entry["preprocessing"]
    if data is not None:
        return load(data).as_trained(preprocessing)
    try:
        return load(_configured(run)).as_trained(preprocessing)
    except FluidlineError as error:
        instead = None if is_table(entry) else load("builtin")
        log.warning("warning: %s; comparing on %s instead", error, "drawn digits" if instead else "random rows")
        return instead


def is_table(entry: dict[str, Any]) -> bool:
    """Tell whether the model of a manifest's entry takes rows of a table."""
    return "features" in entry["preprocessing"]


def _configured(run: RunFolder) -> str | None:
    try:
        config: dict[str, Any] = json.loads(run.config.read_text(encoding="utf-8"))
        return config.get("data")
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{run.config} cannot be read ({error})") from error
