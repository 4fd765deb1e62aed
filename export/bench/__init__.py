"""`python -m export bench`: latency, throughput, start and memory of a run's model in everything that can run it.

The rows of `backends` each run in a process of their own (`process`, `worker`) and are compared and timed by `measure`.
Then onnxruntime is tuned: `variants` makes other forms of the model, `tuning` finds out which of them runs fastest, and
how, for `predict` and `serve`. `report` holds what was found, for JSON, `tables` and `picture` show it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from export import settings
from export.bench.backends import BACKENDS, Backend
from export.bench.environment import environment, watched
from export.bench.measure import ROUNDS, TOLERANCE, Array, measure
from export.bench.picture import draw
from export.bench.report import Report, Tuning
from export.bench.tables import markdown, text
from export.bench.tuning import BATCHES as BATCHES_TUNED
from export.bench.tuning import choose, tune
from export.images import run_dataset, sample_batches
from fluidline.errors import UsageError, ValidationError
from fluidline.files import atomic_folder, write_json, write_text
from fluidline.machine import cores
from fluidline.runs import DEFAULT_ROOT, LATEST, RunFolder, find_run

if TYPE_CHECKING:
    from pipeline.data.dataset import Dataset

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS = 30.0
QUICK_BATCHES = (1, 8, 64)
QUICK_SECONDS = 8.0
_TUNING_SHARE = 1 / 3
_MOST_SECONDS = 3600
_MOST_IMAGES = 4096  # in a batch: beyond it, memory is measured rather than speed

_CALL = "takes a NumPy array of float32 in [-1, 1] and gives one back: the library's own copies in and out are included"

log = logging.getLogger(__name__)


def bench(
    run: RunFolder,
    batches: Sequence[int] = BATCHES,
    seconds: float = SECONDS,
    threads: int | None = None,
    backends: Sequence[Backend] = BACKENDS,
    tuned: bool = True,
) -> Report:
    """Measure the run's models and write bench/bench.json, bench.md and bench.png into its folder.

    Where `tuned`, a third of the time goes to onnxruntime's settings, and onnx/settings.json is written too.

    `seconds` is for the whole, `threads` the number that every backend computes with (default: all cores). A backend
    that cannot run, crashes, hangs or disagrees is a row that says so: see `Report.failures`.

    Raises UsageError for values out of range, RunError where the run has not been exported, DataError where a model
    is not the one that the export wrote.
    """
    threads = cores() if threads is None else threads
    _check(batches, seconds, threads)
    with run.lock():
        entry = run.read_stage("inference", "python -m export inference")
        run.read_stage("onnx", "python -m export onnx")
        dataset = run_dataset(run)
        samples, source = sample_batches(dataset, entry)
        images = np.concatenate(samples)
        images = np.resize(images, (max(*batches, *BATCHES_TUNED), *images.shape[1:]))  # repeated
        protocol: dict[str, Any] = {
            "threads": threads,
            "seconds": seconds,
            "rounds": ROUNDS,
            "batches": list(batches),
            "images": source,
            "tolerance": TOLERANCE,
            "call": _CALL,
        }
        machine = environment()
        log.info("%s: %d backends, %g s, %d threads, %s", run.path, len(backends), seconds, threads, source)
        with watched(machine):
            share = _TUNING_SHARE if tuned else 0.0
            results = measure(run, backends, images, batches, (1 - share) * seconds, threads)
            tuning = _tune(run, dataset, images, share * seconds) if tuned else None
        report = Report(run.name, entry["model"], machine, protocol, results, tuning)
        _write(run, report)
        log.info("wrote %s", run.bench)
    return report


def _tune(run: RunFolder, dataset: Dataset, images: Array, seconds: float) -> Tuning:
    from export.bench.variants import make_variants  # onnx and its quantizer, which --help can do without

    variants = make_variants(run, dataset)
    trials = tune(variants, run.onnx.parent, images, seconds, cores())
    chosen = choose(trials)
    settings.write_settings(run.onnx, chosen, choose(trials, exact=False))
    return Tuning(variants, trials, chosen)


def _check(batches: Sequence[int], seconds: float, threads: int) -> None:
    for batch in batches:
        if not 1 <= batch <= _MOST_IMAGES:
            raise UsageError(f"{batch} is no batch size to measure (1 to {_MOST_IMAGES})")
    if not batches or len(set(batches)) < len(batches):
        raise UsageError(f"batch sizes are {list(batches)}: name at least one, and each once")
    if not 0 < seconds <= _MOST_SECONDS:
        raise UsageError(f"seconds is {seconds:g}, and must be above 0 and at most {_MOST_SECONDS}")
    if not 1 <= threads <= cores():
        raise UsageError(f"threads is {threads}, and this machine has {cores()} cores (1 to {cores()})")


def _write(run: RunFolder, report: Report) -> None:
    with atomic_folder(run.bench) as folder:
        write_json(folder / "bench.json", report.as_json())
        write_text(folder / "bench.md", markdown(report))
        if report.measured:
            draw(report, folder / "bench.png")
    details: dict[str, Any] = {
        "protocol": report.protocol,
        "backends": {
            result.name: {
                "status": result.status,
                "reason": result.reason,
                "largest_difference": result.largest_difference,
            }
            for result in report.backends
        },
    }
    files = sorted(run.bench.iterdir())
    if report.tuning:
        details["settings"] = {purpose: asdict(setting) for purpose, setting in report.tuning.chosen.items()}
        files += [run.onnx.with_name(settings.FILE), *sorted(run.variants.iterdir())]
    run.write_stage("bench", files, details, parent="onnx")


def _parse_batches(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    try:
        return tuple(int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"'{value}' is no list of whole numbers like 1,8,64") from None


@click.command()
@click.option("--run", "name", default=LATEST, show_default=True, help="Name of the run.")
@click.option("--runs-dir", type=click.Path(path_type=Path), default=DEFAULT_ROOT, show_default=True, help="Its place.")
@click.option("--batches", callback=_parse_batches, help="Batch sizes, as in 1,8,64.  [default: 1,2,4 to 256]")
@click.option("--seconds", type=float, help=f"Time for the whole.  [default: {SECONDS:g}]")
@click.option("--threads", type=int, help="Threads that every backend computes with.  [default: all cores]")
@click.option("--no-tune", is_flag=True, help="Leave onnxruntime's settings as they are.")
@click.option("--quick", is_flag=True, help="Few batch sizes and little time, where these are not given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(
    name: str,
    runs_dir: Path,
    batches: tuple[int, ...] | None,
    seconds: float | None,
    threads: int | None,
    no_tune: bool,
    quick: bool,
    as_json: bool,
) -> None:
    """Measure a run's model in Paddle and onnxruntime: latency, throughput, start, memory."""
    report = bench(
        find_run(name, runs_dir),
        batches=batches or (QUICK_BATCHES if quick else BATCHES),
        seconds=seconds if seconds is not None else (QUICK_SECONDS if quick else SECONDS),
        threads=threads,
        tuned=not no_tune,
    )
    click.echo(json.dumps(report.as_json(), indent=2) if as_json else text(report))
    if report.failures:
        reasons = "; ".join(f"{result.name}: {result.reason}" for result in report.failures)
        raise ValidationError(f"{len(report.failures)} of {len(report.backends)} backends failed: {reasons}")
