"""Test accuracy of the models' own recipes, or of a preset: each model over several seeds, as a Markdown table and as JSON.

    python -m benchmarks.accuracy --data ../shared/mnist
    python -m benchmarks.accuracy --data ../shared/mnist --preset best

Exits with 1 where a model's median is below what it is to reach. The runs stay below --runs-dir, and `--resume` goes on
with those of a benchmark that was stopped.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from fluidline.cli import Choice, main
from fluidline.errors import UsageError
from fluidline.files import write_json
from pipeline.config import TrainConfig
from pipeline.events import EndEpochEvent, Event
from pipeline.models import MODELS, PRESETS
from pipeline.train import TrainResult, train

# What the median is to reach, by preset and model: what "Recognize digits" of the PaddlePaddle book quotes; a goal of our own.
AIMS = {
    "default": {"softmax": 0.9234, "mlp": 0.9766, "lenet": 0.9920},
    "best": {"lenet": 0.9960},
}


def measure(model: str, preset: str, seed: int, data: str | None, runs: Path, resume: bool) -> TrainResult:
    """Train one model with one seed."""
    name = f"{model}-{preset}-{seed}"
    config = TrainConfig(model=model, preset=preset, seed=seed, data=data, run=name, runs_dir=str(runs))

    def show(event: Event) -> None:
        if isinstance(event, EndEpochEvent):
            cost, accuracy = event.test_cost, event.test_accuracy
            click.echo(f"{config.run} epoch {event.epoch}: cost {cost:.4f}, {accuracy:.2%}", err=True)

    begun = (runs / config.run / "config.json").exists()
    return train(config, [show], resume=resume and begun, overwrite=not resume)


def summary(model: str, preset: str, results: list[TrainResult]) -> dict[str, Any]:
    """Return what the seeds of one model came to."""
    accuracies = sorted(result.test_accuracy for result in results)
    return {
        "model": model,
        "preset": preset,
        "median": statistics.median(accuracies),
        "lowest": accuracies[0],
        "highest": accuracies[-1],
        "aim": AIMS[preset][model],
        "best_passes": [result.best_epoch + 1 for result in results],
        "recipe": asdict(PRESETS[preset] or MODELS[model].recipe),
        "seconds": statistics.median(result.seconds for result in results),
        "results": [asdict(result) for result in results],
    }


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the table that people read."""
    lines = [
        "| model | test accuracy, median | lowest to highest | aim | passes | best after | training, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        best = ", ".join(map(str, row["best_passes"]))
        lines.append(
            f"| {row['model']} | **{row['median']:.2%}** | {row['lowest']:.2%} to {row['highest']:.2%}"
            f" | {row['aim']:.2%} | {row['recipe']['epochs']} | {best} | {row['seconds']:.0f} |"
        )
    return "\n".join(lines)


@click.command()
@click.option("--data", help="As for `python -m pipeline train`.")
@click.option(
    "--model", "models", type=Choice(AIMS["default"]), multiple=True, help="May be repeated.  [default: the preset's]"
)
@click.option(
    "--preset", default="default", show_default=True, type=Choice(AIMS), help="'default': the model's own recipe."
)
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(min=1), help="Trains with seeds 1 to this.")
@click.option("--runs-dir", default=Path("runs/accuracy"), show_default=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The JSON file.  [default: accuracy.json in --runs-dir]")
@click.option("--resume", is_flag=True, help="Go on with the runs that are there.")
def command(
    data: str | None,
    models: tuple[str, ...],
    preset: str,
    seeds: int,
    runs_dir: Path,
    out: Path | None,
    resume: bool,
) -> int:
    """Measure the test accuracy of the models' own recipes, or of a preset, over several seeds."""
    aims = AIMS[preset]
    if other := [model for model in models if model not in aims]:
        raise UsageError(f"preset {preset} is for {', '.join(aims)}, not for {', '.join(other)} (leave --model out)")
    rows = []
    for model in models or aims:
        results = [measure(model, preset, seed + 1, data, runs_dir, resume) for seed in range(seeds)]
        rows.append(summary(model, preset, results))
        write_json(out or runs_dir / "accuracy.json", rows)
    click.echo(markdown(rows))
    return 0 if all(row["median"] >= row["aim"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(command))
