"""`python -m export inference`: the inference model of a run's best pass, in Paddle 2.x's layout and in fluid's.

runs/NAME/inference/          model.pdmodel and model.pdiparams: for paddle.inference and paddle.static
runs/NAME/inference_fluid/    __model__ and a file for each parameter: for fluid 1.x
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from export.conversion.compare import Difference, Tolerance, compare
from export.conversion.paddle_files import load_2x, load_checkpoint, load_fluid, save_2x, save_fluid
from export.conversion.paddle_model import PaddleModel
from export.conversion.signature import Signature
from export.samples import run_dataset, sample_batches
from fluidline.files import atomic_folder
from fluidline.runs import DEFAULT_ROOT, LATEST, RunFolder, find_run

TOLERANCE = Tolerance(atol=1e-6, rtol=1e-6)  # the same operators in the same executor: anything else is another model
MADE_BY = "python -m export inference"
_CARRIED = ("model", "task", "data", "labels", "target", "input", "output", "preprocessing", "best")


def export_inference(run: RunFolder, data: str | None = None) -> dict[str, Any]:
    """Make the inference models of the run's best pass, and return the stage's entry in the manifest.

    Both are read back and compared with the checkpoint's whole program on test samples before they count: those of
    `data`, or of what the run was trained on where it is None. Raises RunError where the run has no finished pass,
    DataError where its checkpoint is damaged, and ValidationError where a model answers otherwise than the checkpoint.
    """
    with run.lock():
        entry = run.read_stage("train", "python -m pipeline train")
        batches, source = sample_batches(run_dataset(run, entry, data), entry)
        checkpoint = run.checkpoints / "best" / "model"
        whole, model = load_checkpoint(checkpoint, [entry["input"]["name"]], [entry["output"]["name"]])
        reference = [_answer(whole, entry["input"]["name"], batch) for batch in batches]
        with atomic_folder(run.inference) as modern, atomic_folder(run.inference_fluid) as fluid:
            save_2x(model, modern / "model")
            save_fluid(model, fluid)
            differences = {
                run.inference.name: _compare(load_2x(modern / "model"), batches, reference),
                run.inference_fluid.name: _compare(load_fluid(fluid), batches, reference),
            }
        validation = {
            "inputs": source,
            "batches": [len(batch) for batch in batches],
            **asdict(TOLERANCE),
            "largest_difference": max(difference.largest for difference in differences.values()),
            "differences": {name: difference.as_json() for name, difference in differences.items()},
        }
        carried = {key: entry[key] for key in _CARRIED if key in entry}
        files = [file for folder in (run.inference, run.inference_fluid) for file in sorted(folder.iterdir())]
        run.write_stage("inference", files, {**carried, "validation": validation}, parent="train")
        return run.read_stage("inference", MADE_BY)


def _answer(whole: PaddleModel, image: str, batch: np.ndarray) -> np.ndarray:
    """Return the answer of a program that may also take labels: zeros, on which a prediction cannot depend."""
    sizes = dict.fromkeys(Signature(whole.inputs, ()).free_dimensions(), len(batch))
    feed = {spec.name: np.zeros(spec.sized(sizes), spec.dtype) for spec in whole.inputs}
    return whole.run({**feed, image: batch})[0]


def _compare(model: PaddleModel, batches: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> Difference:
    answers = [model.run({model.inputs[0].name: batch})[0] for batch in batches]
    return compare(model.outputs[0].name, answers, reference, TOLERANCE)


@click.command(name="inference")
@click.option("--run", "name", default=LATEST, show_default=True, help="Name of the run.")
@click.option("--runs-dir", type=click.Path(path_type=Path), default=DEFAULT_ROOT, show_default=True, help="Its place.")
@click.option("--data", help="Data set whose test samples are compared on; else what the run was trained on.")
@click.option("--json", "as_json", is_flag=True, help="Print the stage's entry in the manifest as JSON.")
def command(name: str, runs_dir: Path, data: str | None, as_json: bool) -> None:
    """Make the inference model of a run's best pass, for Paddle 2.x and for fluid 1.x."""
    run = find_run(name, runs_dir)
    entry = export_inference(run, data)
    if as_json:
        click.echo(json.dumps(entry, indent=2))
        return
    validation = entry["validation"]
    click.echo(f"wrote {run.inference} (Paddle 2.x) and {run.inference_fluid} (fluid 1.x)")
    click.echo(
        f"compared with the checkpoint on {sum(validation['batches'])} {validation['inputs']}: largest difference "
        f"{validation['largest_difference']:.3g} ({TOLERANCE})"
    )
