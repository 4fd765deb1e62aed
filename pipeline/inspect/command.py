"""`python -m pipeline inspect`: what is inside a trained run, as tables and pictures.

runs/NAME/inspect/
  inspect.txt, inspect.json        all that was found
  layers.csv, parameters.csv, activations.csv, confusion.csv, mistakes.csv
  program.txt, program.dot, onnx.dot, graph.png, graph.svg
  filters_NAME.png, feature_maps.png, confusion.png or fit.png, mistakes.png, surest.png
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from fluidline.cli import Choice
from fluidline.errors import DataError, FluidlineError, UsageError
from fluidline.files import atomic_folder
from fluidline.runs import DEFAULT_ROOT, LATEST, RunFolder, find_run
from pipeline.checkpoint import BEST, LAST
from pipeline.config import TrainConfig
from pipeline.data.dataset import Dataset
from pipeline.evaluate import Answers, load_run_data, scored
from pipeline.inspect.drawing import as_dot, draw_networks
from pipeline.inspect.examples import draw_mistakes, draw_surest, mistakes_table
from pipeline.inspect.from_onnx import read_onnx
from pipeline.inspect.from_program import program_text
from pipeline.inspect.layers import layer_table
from pipeline.inspect.opened import Array, Opened, open_checkpoint
from pipeline.inspect.pictures import draw_feature_maps, draw_filters
from pipeline.inspect.statistics import Activations, parameter_table
from pipeline.inspect.tables import Table
from pipeline.scores import Errors, Scores

_TEXT, _JSON = "inspect.txt", "inspect.json"
_SHOWN = 10  # mistakes that are listed for reading


@dataclass
class Inspection:
    """What was found in a run, by the names of the files in `folder` that hold it; `skipped` says what is not there, and why."""

    run: str
    checkpoint: str
    epoch: int
    folder: Path
    data: str | None = None
    tables: dict[str, Table] = field(default_factory=dict)
    scores: Scores | Errors | None = None
    files: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold."""
        facts = {"run": self.run, "checkpoint": self.checkpoint, "epoch": self.epoch, "data": self.data}
        tables = {name: table.as_json() for name, table in self.tables.items()}
        scores = self.scores.as_dict() if self.scores else None
        return {
            **facts,
            **tables,
            "scores": scores,
            "folder": str(self.folder),
            "files": self.files,
            "skipped": self.skipped,
        }

    def as_text(self) -> str:
        """Return all of it for reading."""
        on = f", on {self.data}" if self.data else ""
        at = f"pass {self.epoch}" if self.checkpoint == BEST else f"before the end of pass {self.epoch}"
        parts = [f"run {self.run}, checkpoint {self.checkpoint}, {at}{on}"]
        parts += [table.as_text(_SHOWN if name == "mistakes" else None) for name, table in self.tables.items()]
        if self.scores:
            parts.append(self.scores.as_text())
        parts.append(f"wrote {self.folder}: {', '.join(self.files)}")
        parts += [f"left out {what}: {why}" for what, why in self.skipped.items()]
        return "\n\n".join(parts)


def inspect_run(
    run: RunFolder, checkpoint: str = BEST, data: str | None = None, image: str = "0", out: Path | None = None
) -> Inspection:
    """Look into a run's checkpoint, best or last, and write what is found to `out`, or else to runs/NAME/inspect.

    `data` is what is looked at with, unless what the run was trained on; `image` is a number in its test split, or an
    image file. Raises RunError where the run has no such checkpoint, DataError where that is damaged or `data` has
    other classes, and UsageError where there is no such image, or `out` holds something else.
    """
    opened = open_checkpoint(run, checkpoint)
    folder = out or run.inspect
    _check_place(folder)
    found = Inspection(run.name, checkpoint, opened.state["progress"]["epoch"], folder)
    loaded = _load(run, opened, data, found)
    with atomic_folder(folder) as part:
        if loaded:
            _look_at_image(opened, loaded[1], image, found, part)  # first: there may be no such image
        _look_at_program(run, opened, found, part)
        values = {name: opened.parameter(name) for name in opened.network.parameters}
        found.tables["parameters"] = parameter_table(opened.network, values)
        labels: list[str] = opened.state["labels"]
        if not draw_filters(part, opened.network, values, labels):
            found.skipped["filters"] = "no layer has weights that look like pictures"
        if loaded:
            config, dataset = loaded
            answers = _look_at_activations(opened, dataset, found)
            _look_at_answers(run, Answers(config, found.epoch, dataset, answers), found, part)
        for name, table in found.tables.items():
            (part / f"{name}.csv").write_text(table.as_csv(), encoding="utf-8")
        found.files = sorted([*(file.name for file in part.iterdir()), _TEXT, _JSON])
        (part / _TEXT).write_text(found.as_text() + "\n", encoding="utf-8")
        (part / _JSON).write_text(json.dumps(found.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return found


def _check_place(folder: Path) -> None:
    """Raise UsageError where a folder holds something that was not made here: all of it is about to be replaced."""
    if folder.exists() and not (folder / _JSON).is_file() and (folder.is_file() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and holds something else (give --out a new or empty folder)")


def _load(run: RunFolder, opened: Opened, data: str | None, found: Inspection) -> tuple[TrainConfig, Dataset] | None:
    """Return how the run was trained, and the data to look with; None, with the reason in `found`, where those are gone."""
    try:
        config, dataset = load_run_data(run, opened.state, data)
    except FluidlineError as error:
        if data is not None:
            raise
        found.skipped["activations, feature maps, scores and examples"] = f"{error} (--data DATA names others)"
        return None
    found.data = dataset.source
    return config, dataset


def _look_at_program(run: RunFolder, opened: Opened, found: Inspection, folder: Path) -> None:
    found.tables["layers"] = layer_table(opened.network)
    (folder / "program.txt").write_text(program_text(opened.whole), encoding="utf-8")
    networks = {"program": opened.network}
    if "onnx" in run.read_manifest()["stages"]:
        networks["onnx"] = read_onnx(run.onnx)
    else:
        found.skipped["the ONNX graph"] = f"the run has no ONNX file (make it: make export RUN={run.name})"
    for name, network in networks.items():
        (folder / f"{name}.dot").write_text(as_dot(network), encoding="utf-8")
    draw_networks(list(networks.values()), folder / "graph.png", folder / "graph.svg")


def _look_at_activations(opened: Opened, dataset: Dataset, found: Inspection) -> Array:
    """Return the model's answers to the test split, [N, outputs]."""
    test, size = dataset.test, opened.batch_size()
    activations = Activations(opened.network.layer_outputs())
    names = [tensor.name for tensor in activations.layers.values()]
    answers = []
    for begin in range(0, len(test), size):
        batch = opened.run(test.input.normalise(test.samples[begin : begin + size]), [*names, opened.output])
        activations.add(batch[:-1])
        answers.append(batch[-1])
    found.tables["activations"] = activations.table("test samples")
    return np.concatenate(answers)


def _look_at_image(opened: Opened, dataset: Dataset, image: str, found: Inspection, folder: Path) -> None:
    if dataset.test.samples.ndim != 3:
        found.skipped["feature maps"] = "the model does not look at images"
        return
    pixels, what = _pick(dataset, image)
    layers = {
        layer: tensor.name for layer, tensor in opened.network.layer_outputs().items() if tensor.name != opened.output
    }
    *hidden, answer = opened.run(dataset.input.normalise(pixels[None]), [*layers.values(), opened.output])
    labels = _classes(answer, dataset)
    said = f"{labels[int(answer.argmax())]}, {answer.max():.2%}" if labels else f"{answer.ravel()[0]:.4g}"
    title = f"{what}; the model says {said}"
    draw_feature_maps(
        folder / "feature_maps.png", title, pixels, dict(zip(layers, hidden, strict=True)), answer, labels
    )


def _look_at_answers(run: RunFolder, given: Answers, found: Inspection, folder: Path) -> None:
    dataset, test, labels = given.dataset, given.dataset.test, _classes(given.values, given.dataset)
    evaluation = scored(run, given)
    found.scores = scores = evaluation.scores
    if isinstance(scores, Errors):
        evaluation.draw(folder / "fit.png")
        found.skipped["confusion matrix"] = f"{dataset.target} is a number, not a class"
    else:
        evaluation.draw(folder / "confusion.png")
        rows = [
            dict(zip(("label", *scores.labels), row, strict=True))
            for row in zip(scores.labels, *scores.confusion.T.tolist(), strict=True)
        ]
        (folder / "confusion.csv").write_text(Table("", dict.fromkeys(rows[0], str), rows).as_csv(), encoding="utf-8")
    if labels:
        found.tables["mistakes"] = mistakes_table(given.values, test.labels, labels)
    if not labels or test.samples.ndim != 3:
        found.skipped["examples"] = "the model gives no probabilities of classes of images"
        return
    draw_surest(folder / "surest.png", test.images, given.values, test.labels, labels)
    if not draw_mistakes(folder / "mistakes.png", test.images, found.tables["mistakes"]):
        found.skipped["mistakes.png"] = "there are no mistakes"


def _classes(answers: Array, dataset: Dataset) -> Sequence[str]:
    """Return the names of the classes whose probabilities the answers are; none where they are something else."""
    return dataset.labels if len(dataset.labels) > 1 and answers.shape[1:] == (len(dataset.labels),) else ()


def _pick(dataset: Dataset, image: str) -> tuple[Array, str]:
    """Return pixels uint8 [28, 28], light ink on dark, and what they are in words."""
    test = dataset.test
    if image.isdecimal():
        index = int(image)
        if index >= len(test):
            raise UsageError(f"--image is {index}, and the last test image of {dataset.source} is {len(test) - 1}")
        return test.images[index], f"test image {index}, label {dataset.labels[test.labels[index]]}"
    from export.prepare import UnreadableImageError, prepare

    try:
        return prepare(Path(image)), Path(image).name
    except UnreadableImageError as error:
        raise DataError(
            f"--image {image} is no readable image: {error.reason} (give a number of a test image, or another file)"
        ) from error


@click.command(name="inspect")
@click.option("--run", "name", default=LATEST, show_default=True, help="The run to look into.")
@click.option("--runs-dir", type=click.Path(path_type=Path), default=DEFAULT_ROOT, show_default=True, help="Its place.")
@click.option("--checkpoint", type=Choice([BEST, LAST]), default=BEST, show_default=True, help="Which of its states.")
@click.option("--data", help="Folder or file of data, or 'builtin'; else what the run was trained on.")
@click.option("--image", default="0", show_default=True, help="Test image, by number, or file to draw feature maps of.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write.  [default: runs/NAME/inspect]")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def command(
    name: str, runs_dir: Path, checkpoint: str, data: str | None, image: str, out: Path | None, as_json: bool
) -> None:
    """Look into a run: layers, parameters, activations, filters, feature maps, graphs, mistakes."""
    found = inspect_run(find_run(name, runs_dir), checkpoint, data, image, out)
    click.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False) if as_json else found.as_text())
