"""Whether a run may be begun, replaced or gone on with."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fluidline.errors import DataError, RunError, UsageError
from fluidline.runs import RunFolder, find_run
from pipeline.config import TrainConfig, load_config
from pipeline.data.dataset import Dataset

# What a resumed run may be told anew; anything else would make it another training than the one that was begun.
MAY_CHANGE = {
    "check_content", "check_shape", "checkpoint_every", "data", "epochs", "log_every", "log_to", "prefetch", "run",
    "runs_dir", "threads",
}  # fmt: skip

_log = logging.getLogger(__name__)


def refuse_existing(run: RunFolder) -> None:
    """Raise RunError where the folder holds a run."""
    if any(place.exists() for place in _places(run)):
        raise RunError(
            f"run {run.path} exists (--resume goes on with it, --overwrite replaces it, --run NAME makes another)"
        )


def clear(run: RunFolder) -> None:
    """Remove what the stages wrote, the manifest first; other files in the folder stay."""
    for place in _places(run):
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


def check_config(run: RunFolder, config: TrainConfig) -> None:
    """Compare `config` with that of the run it is to go on with.

    Raises RunError where there is no such run and UsageError where an option differs that may not.
    """
    find_run(config.run, Path(config.runs_dir))
    if not run.config.exists():
        raise RunError(f"run {run.path} has not begun to train, so there is nothing to resume (train without --resume)")
    before = load_config(run.config).as_dict()
    for name, value in config.as_dict().items():
        if name not in MAY_CHANGE and value != before[name]:
            raise UsageError(
                f"run {run.path} was begun with {name} {before[name]}, not {value} (leave it out, or --overwrite)"
            )


def check_checkpoint(run: RunFolder, state: Mapping[str, Any], facts: Mapping[str, Any], config: TrainConfig) -> None:
    """Compare a checkpoint with what it is to be gone on with: the `facts` that decide the outcome, and the passes.

    Raises DataError where the data or the user's own graph are others and UsageError where more passes are done than asked.
    """
    if state["data"] != facts["data"]:
        raise DataError(f"run {run.path} was begun on other data (give the same --data, or --overwrite)")
    if state.get("graph") != facts["graph"]:
        raise DataError(f"run {run.path} was begun with another {run.graph.name} (put it back, or --overwrite)")
    if state["threads"] != facts["threads"]:
        _log.warning(
            "warning: begun with %s threads and resumed with %s: the last digits will differ (--threads %s)",
            state["threads"], facts["threads"], state["threads"],
        )  # fmt: skip
    done = state["progress"]["epoch"]
    if config.epochs < done:
        raise UsageError(f"run {run.path} has {done} epochs behind it, and --epochs is {config.epochs}")


def fingerprint(dataset: Dataset) -> str:
    """Return a SHA-256 over what a training sees of its data."""
    digest = hashlib.sha256()
    for split in (dataset.train, dataset.valid, dataset.test):
        if split:
            digest.update(split.samples.tobytes())
            digest.update(split.truth.tobytes())
    return digest.hexdigest()


def _places(run: RunFolder) -> list[Path]:
    return [
        run.manifest, run.config, run.graph, run.metrics, run.metrics.with_suffix(".csv"), run.curves, run.checkpoints,
        run.inference, run.inference_fluid, run.onnx.parent, run.bench, run.report, run.logs, run.inspect,
    ]  # fmt: skip
