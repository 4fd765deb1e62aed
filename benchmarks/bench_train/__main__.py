"""Training speed: fluidline against PyTorch, Paddle as it comes and genuine fluid, on the book's three graphs.

    python -m benchmarks.bench_train [--data DIR] [--genuine PYTHON38] [--to-accuracy 99.0]

Exits with 1 where the costs of two do not fall alike, for then they have not done the same work. Results: --out.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from benchmarks.bench_train.contenders import ROOT, Contender, contenders
from benchmarks.bench_train.picture import draw
from benchmarks.bench_train.race import BATCHES, Course, climb, race
from benchmarks.bench_train.results import Report
from benchmarks.bench_train.tables import markdown
from benchmarks.figures import publish
from export.bench.environment import environment, watched
from fluidline.cli import Choice, main
from fluidline.errors import UsageError
from pipeline.data import load

TORCH = ROOT / ".venv-bench" / "bin" / "python"
CLIMBERS = ("ours", "torch")  # who is sent to an accuracy: the others take too long


def bench_train(
    everyone: Sequence[Contender],
    models: Sequence[str],
    *,
    data: str | None = None,
    rounds: int = 5,
    batches: int | None = None,
    batch_size: int = 64,
    seed: int = 1,
    threads: int | None = None,
    goal: float | None = None,
) -> Report:
    """Race `everyone` on each model, and to the test accuracy `goal`, a fraction of 1, where one is given.

    A round has `batches` batches, or the model's own number. Raises FluidlineError where a contender fails.
    """
    dataset = load(data)
    protocol = {"data": dataset.source, "rounds": rounds, "batch_size": batch_size, "seed": seed, "threads": threads}
    facts = environment()
    with tempfile.TemporaryDirectory() as folder, watched(facts):
        course = Course(dataset, batch_size, seed, threads, Path(folder))
        races = [race(course, model, everyone, rounds, batches) for model in models]
        climbers = [contender for contender in everyone if contender.name in CLIMBERS]
        climbed = climb(course, climbers, goal) if goal else None
    return Report(facts, protocol, races, climbed)


@click.command()
@click.option("--data", help="As for `python -m pipeline train`.")
@click.option("--model", "models", type=Choice(list(BATCHES)), multiple=True, help="May be repeated.  [default: all]")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1), help="Timed, after one to warm up.")
@click.option("--batches", type=click.IntRange(min=1), help="In a round.  [default: about a second's]")
@click.option("--batch-size", default=64, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
@click.option("--threads", type=click.IntRange(min=1), help="Of every contender.  [default: as each library comes]")
@click.option("--torch", default=TORCH, type=click.Path(path_type=Path), help="A Python that has PyTorch.")
@click.option("--genuine", type=click.Path(path_type=Path), help="A Python 3.8 that has paddlepaddle 1.8.5.")
@click.option("--without", type=Choice(["torch", "paddle"]), multiple=True, help="Leave a rival out; may be repeated.")
@click.option("--to-accuracy", type=click.FloatRange(0, 100, min_open=True), help="Also train LeNet up to this, in %.")
@click.option("--out", default=Path("runs/bench-train"), show_default=True, type=click.Path(path_type=Path))
def command(
    data: str | None, models: tuple[str, ...], rounds: int, batches: int | None, batch_size: int, seed: int,
    threads: int | None, torch: Path, genuine: Path | None, without: tuple[str, ...], to_accuracy: float | None, out: Path,
) -> int:  # fmt: skip
    """Measure training speed against PyTorch, Paddle as it comes and genuine fluid, in turns on the same batches."""
    if "torch" not in without and not torch.exists():
        raise UsageError(
            f"no Python with PyTorch at {torch} (`make bench-train` makes one; --without torch goes without)"
        )
    if genuine and not genuine.exists():
        raise UsageError(f"no such Python: {genuine}")
    busy = os.getloadavg()[0]
    if busy > 0.5:
        click.echo(f"the machine is busy (load {busy:.1f}): figures will be too low, and ratios noisy", err=True)
    everyone = contenders(None if "torch" in without else torch, "paddle" not in without, genuine)
    report = bench_train(
        everyone, models or list(BATCHES), data=data, rounds=rounds, batches=batches, batch_size=batch_size, seed=seed,
        threads=threads, goal=to_accuracy and to_accuracy / 100,
    )  # fmt: skip
    publish(out, "bench-train", report.as_dict(), markdown(report), partial(draw, report))
    return 0 if all(comparison.alike for race in report.races for comparison in race.comparisons) else 1


if __name__ == "__main__":
    sys.exit(main(command, interrupted_by=[signal.SIGTERM]))
