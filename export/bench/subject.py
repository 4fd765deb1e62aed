"""What is measured: the models of a run, or an ONNX file alone."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from export.model import load
from export.samples import BATCHES, run_dataset, sample_batches
from fluidline.errors import DataError
from fluidline.runs import RunFolder

if TYPE_CHECKING:
    from pipeline.data.dataset import Dataset

Floats = npt.NDArray[np.float32]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subject:
    """A model, where its files are and where what is found goes; `inference` and `run` are None for a file alone.

    `samples` are what it is run on, normalised, float32 [N, *shape], and `source` says where they come from. Without a
    `dataset` nobody knows which answers are right.
    """

    model: str
    run: str | None
    onnx: Path
    inference: Path | None
    variants: Path
    bench: Path
    samples: Floats
    source: str
    dataset: Dataset | None


def subject_of_run(run: RunFolder, data: str | None = None) -> Subject:
    """Return the models of a run that was exported. Raises RunError where it was not, DataError where they are damaged."""
    entry = run.read_stage("inference", "python -m export inference")
    run.read_stage("onnx", "python -m export onnx")
    dataset = run_dataset(run, entry, data)
    batches, source = sample_batches(dataset, entry)
    places: dict[str, Any] = {
        "onnx": run.onnx,
        "inference": run.inference,
        "variants": run.variants,
        "bench": run.bench,
    }
    return Subject(entry["model"], run.name, **places, samples=np.concatenate(batches), source=source, dataset=dataset)


def subject_of_file(path: Path, data: str | None = None) -> Subject:
    """Return the model in an ONNX file, to be run on the data set `data`, or on noise where it is None.

    What is found goes beside it: FILE.bench and FILE.variants. Raises DataError where it takes neither images nor rows
    of a table.
    """
    model = load(path, "cpu")
    takes = model.kind.takes
    if takes is None:
        raise DataError(f"{path} cannot be measured: {model.kind.why}")
    places: dict[str, Any] = {
        "onnx": path,
        "inference": None,
        "variants": path.with_name(f"{path.stem}.variants"),
        "bench": path.with_name(f"{path.stem}.bench"),
    }
    if data is None:
        noise = np.random.default_rng(0).uniform(-1, 1, (sum(BATCHES), *model.shape)).astype(np.float32)
        return Subject(model.name, None, **places, samples=noise, source="noise", dataset=None)
    from pipeline.data import load as load_data

    dataset = load_data(data)
    test = dataset.test.samples
    if test[0].size != takes.count:
        raise DataError(f"{dataset.source} has samples of {test[0].size} numbers, and {path} takes {model.kind}")
    samples = takes.normalise(test[np.resize(np.arange(len(test)), sum(BATCHES))])
    return Subject(
        model.name, None, **places, samples=samples, source=f"the test part of {dataset.source}", dataset=dataset
    )
