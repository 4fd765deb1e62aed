"""`python -m export bench`: latency, throughput, start and memory of a run's model in everything that can run it.

Or of an ONNX file alone, in onnxruntime.

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
from typing import Any

import click
import numpy as np

from export import settings
from export.bench.backends import BACKENDS, Backend
from export.bench.environment import environment, watched
from export.bench.measure import ROUNDS, TOLERANCE, Array, measure
from export.bench.picture import draw
from export.bench.report import Report, Tuning
from export.bench.subject import Subject, subject_of_file, subject_of_run
from export.bench.tables import markdown, text
from export.bench.tuning import BATCHES as BATCHES_TUNED
from export.bench.tuning import choose, tune
from export.model import locate
from fluidline.errors import UsageError, ValidationError
from fluidline.files import atomic_folder, write_json, write_text
from fluidline.machine import cores
from fluidline.runs import DEFAULT_ROOT, LATEST, RunFolder, find_run

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
    data: str | None = None,
) -> Report:
    """Measure the run's models and write bench/bench.json, bench.md and bench.png into its folder.

    Where `tuned`, a third of the time goes to onnxruntime's settings, and onnx/settings.json is written too.

    `seconds` is for the whole, `threads` the number that every backend computes with (default: all cores), `data` the
    data set whose test samples the models are run on (default: what the run was trained on). A backend that cannot run,
    crashes, hangs or disagrees is a row that says so: see `Report.failures`.

    Raises UsageError for values out of range, RunError where the run has not been exported, DataError where a model
    is not the one that the export wrote.
    """
    threads = cores() if threads is None else threads
    _check(batches, seconds, threads)
    with run.lock():
        report = _bench(subject_of_run(run, data), batches, seconds, threads, backends, tuned)
        _record(run, report)
    log.info("wrote %s", run.bench)
    return report


def bench_file(
    path: Path,
    batches: Sequence[int] = BATCHES,
    seconds: float = SECONDS,
    threads: int | None = None,
    tuned: bool = True,
    data: str | None = None,
) -> Report:
    """Do as `bench` does with an ONNX file alone, in onnxruntime; what is found goes beside it, into FILE.bench.

    Without `data` it is run on noise, and forms of fewer bits are not tried: nobody could say what they lose.
    """
    threads = cores() if threads is None else threads
    _check(batches, seconds, threads)
    subject = subject_of_file(path, data)
    report = _bench(subject, batches, seconds, threads, [each for each in BACKENDS if each.stage == "onnx"], tuned)
    log.info("wrote %s", subject.bench)
    return report


def _bench(
    subject: Subject, batches: Sequence[int], seconds: float, threads: int, backends: Sequence[Backend], tuned: bool
) -> Report:
    samples = np.resize(subject.samples, (max(*batches, *BATCHES_TUNED), *subject.samples.shape[1:]))  # repeated
    protocol: dict[str, Any] = {
        "threads": threads,
        "seconds": seconds,
        "rounds": ROUNDS,
        "batches": list(batches),
        "images": subject.source,
        "tolerance": TOLERANCE,
        "call": _CALL,
    }
    machine = environment()
    log.info("%s: %d backends, %g s, %d threads, %s", subject.onnx, len(backends), seconds, threads, subject.source)
    with watched(machine):
        share = _TUNING_SHARE if tuned else 0.0
        results = measure(subject, backends, samples, batches, (1 - share) * seconds, threads)
        tuning = _tune(subject, samples, share * seconds) if tuned else None
    report = Report(subject.run, subject.model, machine, protocol, results, tuning)
    with atomic_folder(subject.bench) as folder:
        write_json(folder / "bench.json", report.as_json())
        write_text(folder / "bench.md", markdown(report))
        if report.measured:
            draw(report, folder / "bench.png")
    return report


def _tune(subject: Subject, samples: Array, seconds: float) -> Tuning:
    from export.bench.variants import make_variants  # onnx and its quantizer, which --help can do without

    variants = make_variants(subject)
    trials = tune(variants, subject.onnx.parent, samples, seconds, cores())
    chosen = choose(trials)
    settings.write_settings(subject.onnx, chosen, choose(trials, exact=False))
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


def _record(run: RunFolder, report: Report) -> None:
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


@click.command(name="bench")
@click.option("--run", "name", help=f"Name of the run.  [default: {LATEST}]")
@click.option("--runs-dir", type=click.Path(path_type=Path), default=DEFAULT_ROOT, show_default=True, help="Its place.")
@click.option("--model", type=click.Path(path_type=Path), help="An ONNX file, or a run's folder, instead of --run.")
@click.option("--data", help="Data set to run the model on.  [default: what the run was trained on; for a file, noise]")
@click.option("--batches", callback=_parse_batches, help="Batch sizes, as in 1,8,64.  [default: 1,2,4 to 256]")
@click.option("--seconds", type=float, help=f"Time for the whole.  [default: {SECONDS:g}]")
@click.option("--threads", type=int, help="Threads that every backend computes with.  [default: all cores]")
@click.option("--no-tune", is_flag=True, help="Leave onnxruntime's settings as they are.")
@click.option("--quick", is_flag=True, help="Few batch sizes and little time, where these are not given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(
    name: str | None,
    runs_dir: Path,
    model: Path | None,
    data: str | None,
    batches: tuple[int, ...] | None,
    seconds: float | None,
    threads: int | None,
    no_tune: bool,
    quick: bool,
    as_json: bool,
) -> None:
    """Measure a run's model in Paddle and onnxruntime, or an ONNX file: latency, throughput, start, memory."""
    options: dict[str, Any] = {
        "batches": batches or (QUICK_BATCHES if quick else BATCHES),
        "seconds": seconds if seconds is not None else (QUICK_SECONDS if quick else SECONDS),
        "threads": threads,
        "tuned": not no_tune,
        "data": data,
    }
    if model is None or model.is_dir():
        report = bench(find_run(name or LATEST, runs_dir) if model is None else RunFolder(model), **options)
    else:
        report = bench_file(locate(name, model), **options)
    click.echo(json.dumps(report.as_json(), indent=2) if as_json else text(report))
    if report.failures:
        reasons = "; ".join(f"{result.name}: {result.reason}" for result in report.failures)
        raise ValidationError(f"{len(report.failures)} of {len(report.backends)} backends failed: {reasons}")
