"""`python -m pipeline evaluate`: what the best pass of a run makes of the test images."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from fluidline.errors import DataError, RunError
from fluidline.runs import DEFAULT_ROOT, LATEST, RunFolder, find_run
from pipeline.checkpoint import BEST, load_program, read_checkpoint
from pipeline.config import TrainConfig, load_config
from pipeline.data.dataset import Dataset, Split, normalise
from pipeline.plot import draw_confusion
from pipeline.scores import Scores, score
from pipeline.train import load_data

BATCH = 200


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The scores of a run's best pass, and on what."""

    run: str
    model: str
    epoch: int
    data: str
    scores: Scores

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold."""
        facts = {"run": self.run, "model": self.model, "epoch": self.epoch, "data": self.data}
        return {**facts, **self.scores.as_dict()}

    def as_text(self) -> str:
        """Return all of it for reading."""
        return f"run {self.run}, model {self.model}, best pass {self.epoch}, on {self.data}\n{self.scores.as_text()}"


@dataclass(frozen=True, eq=False)
class Answers:
    """What a run's best pass says of each sample in the test split of `dataset`: `values` is float32 [N, outputs]."""

    config: TrainConfig
    epoch: int
    dataset: Dataset
    values: npt.NDArray[np.float32]


def evaluate(run: RunFolder, data: str | None = None) -> Evaluation:
    """Score the run's best pass on the test split of `data`; of what the run was trained on where that is None.

    Raises what `answer` raises.
    """
    given = answer(run, data)
    scores = score(given.values, given.dataset.test.labels, given.dataset.labels)
    return Evaluation(run.name, given.config.model, given.epoch, given.dataset.source, scores)


def answer(run: RunFolder, data: str | None = None) -> Answers:
    """Return the answers of the run's best pass to the test split of `data`, or of what it was trained on.

    Raises RunError where the run has no best pass yet, and DataError where the checkpoint is damaged or the data have
    other classes than the run.
    """
    best = run.checkpoints / BEST
    if not best.is_dir():
        raise RunError(f"run {run.path} has no finished pass to evaluate (train it: python -m pipeline train)")
    state = read_checkpoint(best)
    config, dataset = load_run_data(run, state["labels"], data)
    values = _predict(best, state["output"], dataset.test)
    return Answers(config, state["progress"]["best"]["epoch"], dataset, values)


def load_run_data(run: RunFolder, labels: list[str], data: str | None = None) -> tuple[TrainConfig, Dataset]:
    """Return how the run was trained, and `data`, or what it was trained on; `labels` are those of its checkpoint.

    Raises DataError where there are no such data, or they have other classes than the run.
    """
    config = load_config(run.config)
    dataset = load_data(replace(config, data=data or config.data))
    if list(dataset.labels) != labels:
        raise DataError(
            f"{dataset.source} has the classes {', '.join(dataset.labels)}, and run {run.path} was trained"
            f" on {', '.join(labels)} (give --data with those)"
        )
    return config, dataset


def _predict(checkpoint: Path, output: str, split: Split) -> npt.NDArray[np.float32]:
    """Return the probabilities [N, classes] that a checkpoint's test program gives for a split."""
    import legacy_fluid as fluid

    place = fluid.CPUPlace()
    executor = fluid.Executor(place)
    answers = []
    with fluid.scope_guard(fluid.Scope()):
        program = load_program(checkpoint, place)
        for begin in range(0, len(split), BATCH):
            images, labels = split.images[begin : begin + BATCH], split.labels[begin : begin + BATCH]
            feed = {"img": normalise(images)[:, None], "label": labels[:, None]}
            answers += executor.run(program, feed=feed, fetch_list=[output])
    return np.concatenate(answers)


@click.command(name="evaluate")
@click.option("--run", "name", default=LATEST, show_default=True, help="The run to evaluate.")
@click.option("--data", help="Folder or file of data, or 'builtin'; else what the run was trained on.")
@click.option("--runs-dir", type=click.Path(path_type=Path), default=DEFAULT_ROOT, show_default=True, help="Its place.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the confusion matrix to this PNG file.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def command(name: str, data: str | None, runs_dir: Path, plot: Path | None, as_json: bool) -> None:
    """Score a run's best pass on the test images: accuracy, cost, each class, confusion matrix."""
    evaluation = evaluate(find_run(name, runs_dir), data)
    if plot:
        scores = evaluation.scores
        title = f"{evaluation.run}: {scores.accuracy:.2%} of {scores.confusion.sum():,} test images"
        draw_confusion(scores.confusion, scores.labels, plot, title)
    click.echo(json.dumps(evaluation.as_dict(), indent=2) if as_json else evaluation.as_text())
