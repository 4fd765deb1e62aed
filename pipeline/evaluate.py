"""`python -m pipeline evaluate`: what the best pass of a run makes of the test images."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
from pipeline.data.dataset import Dataset, Split
from pipeline.models import short_name
from pipeline.plot import draw_confusion, draw_fit
from pipeline.scores import Errors, Scores, score
from pipeline.train import load_data

BATCH = 200


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The scores of a run's best pass, and on what."""

    run: str
    model: str
    epoch: int
    data: str
    scores: Scores | Errors

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold."""
        facts = {"run": self.run, "model": self.model, "epoch": self.epoch, "data": self.data}
        return {**facts, **self.scores.as_dict()}

    def as_text(self) -> str:
        """Return all of it for reading."""
        return f"run {self.run}, model {self.model}, best pass {self.epoch}, on {self.data}\n{self.scores.as_text()}"

    def draw(self, path: Path) -> None:
        """Draw the confusion matrix, or the numbers foretold over the true ones."""
        scores = self.scores
        if isinstance(scores, Errors):
            title = f"{self.run}: {len(scores.truth):,} test rows, mean squared error {scores.cost:.4g}"
            draw_fit(scores.answers, scores.truth, scores.target, path, title)
        else:
            title = f"{self.run}: {scores.accuracy:.2%} of {scores.confusion.sum():,} test images"
            draw_confusion(scores.confusion, scores.labels, path, title)


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
    return scored(run, answer(run, data))


def scored(run: RunFolder, given: Answers) -> Evaluation:
    """Return the scores of answers."""
    dataset, truth = given.dataset, given.dataset.test.truth
    scores = (
        Errors(dataset.target, given.values[:, 0], truth)
        if dataset.target
        else score(given.values, truth, dataset.labels)
    )
    return Evaluation(run.name, short_name(given.config.model), given.epoch, dataset.source, scores)


def answer(run: RunFolder, data: str | None = None) -> Answers:
    """Return the answers of the run's best pass to the test split of `data`, or of what it was trained on.

    Raises RunError where the run has no best pass yet, and DataError where the checkpoint is damaged or the data have
    other classes than the run.
    """
    best = run.checkpoints / BEST
    if not best.is_dir():
        raise RunError(f"run {run.path} has no finished pass to evaluate (train it: python -m pipeline train)")
    state = read_checkpoint(best)
    config, dataset = load_run_data(run, state, data)
    values = _predict(best, state["output"], dataset.test)
    return Answers(config, state["progress"]["best"]["epoch"], dataset, values)


def load_run_data(run: RunFolder, state: Mapping[str, Any], data: str | None = None) -> tuple[TrainConfig, Dataset]:
    """Return how the run was trained, and `data`, or what it was trained on, as it took them; `state` is a checkpoint's.

    Raises DataError where there are no such data, or they have other classes or columns than the run.
    """
    config = load_config(run.config)
    dataset = load_data(replace(config, data=data or config.data))
    labels = state["labels"]
    if list(dataset.labels) != labels:
        has = f"the classes {', '.join(dataset.labels)}" if dataset.labels else "no classes"
        raise DataError(
            f"{dataset.source} has {has}, and run {run.path} was trained on {', '.join(labels) or 'a table of numbers'}"
            " (give --data with those)"
        )
    return config, dataset.as_trained(state.get("preprocessing", {}))


def _predict(checkpoint: Path, output: str, split: Split) -> npt.NDArray[np.float32]:
    """Return the answers [N, outputs] that a checkpoint's test program gives for a split."""
    import legacy_fluid as fluid
    from pipeline.feeding import in_order

    place = fluid.CPUPlace()
    executor = fluid.Executor(place)
    answers = []
    with fluid.scope_guard(fluid.Scope()):
        program = load_program(checkpoint, place)
        for feed in in_order(split, BATCH):
            answers += executor.run(program, feed=feed, fetch_list=[output])
    return np.concatenate(answers)


@click.command(name="evaluate")
@click.option("--run", "name", default=LATEST, show_default=True, help="The run to evaluate.")
@click.option("--data", help="Folder or file of data, or 'builtin'; else what the run was trained on.")
@click.option("--runs-dir", type=click.Path(path_type=Path), default=DEFAULT_ROOT, show_default=True, help="Its place.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw them to this PNG file.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def command(name: str, data: str | None, runs_dir: Path, plot: Path | None, as_json: bool) -> None:
    """Score a run's best pass on the test samples: accuracy, cost, each class, confusion matrix; or errors of numbers."""
    evaluation = evaluate(find_run(name, runs_dir), data)
    if plot:
        evaluation.draw(plot)
    click.echo(json.dumps(evaluation.as_dict(), indent=2) if as_json else evaluation.as_text())
