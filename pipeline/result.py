"""What a training came to: for the caller, and in the manifest for the stage that comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fluidline.files import sha256
from fluidline.runs import RunFolder
from pipeline.checkpoint import BEST
from pipeline.events import Best
from pipeline.losses import LOSSES, MSE
from pipeline.metrics import Row
from pipeline.models import short_name

if TYPE_CHECKING:
    from pipeline.trainer import Trainer

STAGE = "train"


@dataclass(frozen=True)
class TrainResult:
    """What a training came to; passes count from 0, the costs are the best pass's.

    Accuracies are fractions of 1, and None where there are no classes.
    """

    run: str
    model: str
    data: str
    seed: int
    epochs: int
    best_epoch: int
    test_cost: float
    test_accuracy: float | None
    train_cost: float
    train_accuracy: float | None
    seconds: float


def result_of(trainer: Trainer, best: Best, rows: Sequence[Row]) -> TrainResult:
    """Return what a finished training came to, `rows` being those of its metrics."""
    config = trainer.config
    row = next(row for row in rows if row["kind"] == "epoch" and row["epoch"] == best.epoch)
    assert best.test_cost is not None
    return TrainResult(
        run=config.run,
        model=short_name(config.model),
        data=trainer.dataset.source,
        seed=config.seed,
        epochs=trainer.progress.epoch,
        best_epoch=best.epoch,
        test_cost=best.test_cost,
        test_accuracy=best.test_accuracy,
        train_cost=row["train_cost"],
        train_accuracy=row.get("train_accuracy"),
        seconds=round(trainer.progress.seconds, 1),
    )


def write_stage(run: RunFolder, trainer: Trainer, result: TrainResult, best: Best) -> None:
    """Record in the manifest what the next stage reads, unless it says so already: what was made from it stays then."""
    files = sorted((run.checkpoints / BEST).iterdir())
    dataset, loss, prediction = trainer.dataset, trainer.config.loss, trainer.programs.prediction
    details = {
        "model": result.model,
        "task": LOSSES[loss].task,
        "seed": result.seed,
        "data": result.data,
        "labels": [] if loss == MSE else list(dataset.labels),
        **({"target": dataset.target} if dataset.target else {}),
        "input": {"name": dataset.input.name, "shape": list(dataset.input.shape), "dtype": "float32"},
        "output": {"name": prediction.name, "shape": list(prediction.shape[1:]), "dtype": "float32"},
        "preprocessing": dataset.input.preprocessing(),
        "best": _known(asdict(best)),
        "metrics": _known(
            {
                "train_cost": result.train_cost,
                "train_accuracy": result.train_accuracy,
                "epochs": result.epochs,
                "seconds": result.seconds,
            }
        ),
    }
    if not _says(run.read_manifest()["stages"].get(STAGE, {}), run, files, details):
        run.write_stage(STAGE, files, details)


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _says(entry: dict[str, Any], run: RunFolder, files: Sequence[Any], details: dict[str, Any]) -> bool:
    digests = {str(file.relative_to(run.path)): sha256(file) for file in files}
    return entry.get("files") == digests and {**entry, **details} == entry
