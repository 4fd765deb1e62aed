"""`python -m pipeline train`: from a data source to a run folder that holds a trained model.

runs/NAME/config.json                     before the first step; graph.py too, the copy of a user's own graph
runs/NAME/metrics.jsonl, metrics.csv      row by row while it trains
runs/NAME/curves.png, checkpoints/        after each pass
runs/NAME/manifest.json, runs/latest      at the end
"""

from __future__ import annotations

import json
import logging
import platform
import shlex
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

import fluidline
from fluidline.errors import UsageError
from fluidline.files import atomic_file, recover, write_json
from fluidline.machine import cores, cpu_model
from fluidline.runs import DEFAULT_ROOT, RunFolder, create_run, point_latest
from pipeline.checkpoint import check_best, find_checkpoint, sweep
from pipeline.config import TrainConfig, config_options, load_config
from pipeline.data import load
from pipeline.data.dataset import Dataset
from pipeline.device import place, threads, use_threads
from pipeline.events import Best, EndTrainingEvent, Event, Handler, PrintHandler, ProgressHandler
from pipeline.loggers import check_packages, open_logs
from pipeline.losses import CROSS_ENTROPY
from pipeline.metrics import MetricsLog
from pipeline.models import short_name
from pipeline.plot import PlotHandler
from pipeline.result import TrainResult, result_of, write_stage
from pipeline.resume import check_checkpoint, check_config, clear, fingerprint, refuse_existing
from pipeline.settings import NONE
from pipeline.signals import StopSignal

if TYPE_CHECKING:
    from pipeline.graph_loading import Graph
    from pipeline.program import Programs
    from pipeline.trainer import Trainer

_log = logging.getLogger(__name__)


def train(
    config: TrainConfig, handlers: Sequence[Handler] | None = None, *, resume: bool = False, overwrite: bool = False
) -> TrainResult:
    """Train as `config` says and write the run folder; `handlers` are given each event, and print unless given.

    Ctrl-C or SIGTERM ends it with a checkpoint and a KeyboardInterrupt that says how to go on. Raises RunError where
    the run exists and neither `resume` nor `overwrite` is given, where there is none to resume, or where another
    process writes it, and FluidlineError where it cannot be written or the training diverges.
    """
    if resume and overwrite:
        raise UsageError("--resume goes on with a run and --overwrite begins it anew: choose one")
    run = create_run(config.run, Path(config.runs_dir))
    if resume:
        check_config(run, config)
    check_machine(config)
    with run.lock():
        if not (resume or overwrite):
            refuse_existing(run)
        dataset = load_data(config)
        _check_fit(config, dataset)
        graph, programs = _build(config, dataset, run.graph if resume else None)
        if overwrite:
            clear(run)
        trainer = _prepare(run, config, dataset, graph, programs, resume)
        begin = trainer.progress
        metrics = MetricsLog(run.metrics, before=(begin.epoch, begin.step))
        plot = PlotHandler(metrics, run.curves, f"{short_name(config.model)} on {dataset.source}")
        with open_logs(config.log_to, run, metrics, config.as_dict()) as logs:
            everyone: list[Handler] = [metrics, plot, *logs, *([PrintHandler()] if handlers is None else handlers)]
            best = _fit(trainer, run, everyone)

            result = result_of(trainer, best, metrics.rows)
            write_stage(run, trainer, result, best)
            point_latest(run)
            _send(EndTrainingEvent(best), everyone)
            return result


def check_machine(config: TrainConfig) -> None:
    """Raise UsageError where the machine lacks what `config` asks for: a package to log for, threads, the device."""
    check_packages(config.log_to)
    use_threads(config.threads)
    place(config.device)


def load_data(config: TrainConfig) -> Dataset:
    """Return the data that a training of `config` sees, its validation images held out where it says so."""
    dataset = load(config.data)
    return dataset.hold_out(config.valid_size) if config.valid_size and not dataset.valid else dataset


def _check_fit(config: TrainConfig, dataset: Dataset) -> None:
    """Raise UsageError where an option is for images of classes, and the data are a table with a number to foretell."""
    if not dataset.labels and config.loss == CROSS_ENTROPY:
        raise UsageError(f"{dataset.source} has no classes, which the loss {CROSS_ENTROPY} is for (--loss mse)")
    if not dataset.labels and config.augment != NONE:
        raise UsageError(f"{dataset.source} has no images that could be changed (--augment {NONE})")


def _build(config: TrainConfig, dataset: Dataset, kept: Path | None) -> tuple[Graph, Programs]:
    """Return the model's graph and the programs made of it, before anything is written: a user's graph may fail."""
    from pipeline.graph_loading import load_graph  # both bring paddle, which --help must not wait for
    from pipeline.program import build_programs

    graph = load_graph(config.model, kept)
    return graph, build_programs(config, len(dataset.labels), dataset.input, graph)


def _prepare(
    run: RunFolder, config: TrainConfig, dataset: Dataset, graph: Graph, programs: Programs, resume: bool
) -> Trainer:
    """Return the trainer, at its beginning or where the run's last checkpoint stands, with config.json written."""
    from pipeline.trainer import Trainer  # brings paddle too

    facts = {
        "labels": list(dataset.labels),
        "preprocessing": dataset.input.preprocessing(),
        "graph": graph.digest,
        "data": fingerprint(dataset),
        "threads": threads(),
    }
    found = find_checkpoint(run.checkpoints) if resume else None
    if found:
        check_checkpoint(run, found[1], facts, config)
    recover(run.path)
    sweep(run.checkpoints, found and found[0])
    if graph.source is not None:
        with atomic_file(run.graph) as copy:
            copy.write_bytes(graph.source)
    write_json(run.config, {**config.as_dict(), "versions": _versions(), "machine": _machine()})
    trainer = Trainer(config, dataset, programs, run.checkpoints, facts)
    if found:
        trainer.restore(*found)
        if trainer.progress.best:
            check_best(run.checkpoints)
    if resume:
        _log.info("%s goes on at epoch %d, batch %d", run.path, trainer.progress.epoch, trainer.progress.batch)
    return trainer


def _fit(trainer: Trainer, run: RunFolder, handlers: Sequence[Handler]) -> Best:
    """Train to the end and return the best pass; KeyboardInterrupt where a signal ended it before."""
    with StopSignal() as stop:
        best = trainer.fit(lambda event: _send(event, handlers), stop)
    if best is None:
        now, root = trainer.progress, run.path.parent
        elsewhere = "" if root == DEFAULT_ROOT else f" --runs-dir {shlex.quote(str(root))}"
        raise KeyboardInterrupt(
            f"stopped in epoch {now.epoch} after {now.batch} of {trainer.batches} batches;"
            f" to go on: python -m pipeline train --run {run.name}{elsewhere} --resume"
        )
    return best


def _send(event: Event, handlers: Sequence[Handler]) -> None:
    for handler in handlers:
        handler(event)


def _versions() -> dict[str, str]:
    import paddle

    return {
        "fluidline": fluidline.__version__,
        "python": platform.python_version(),
        "paddlepaddle": paddle.__version__,
        "numpy": np.__version__,
    }


def _machine() -> dict[str, str | int]:
    return {"processor": cpu_model(), "cores": cores(), "os": platform.platform()}


@click.command(name="train")
@config_options
@click.option("--config", "file", type=click.Path(path_type=Path), help="JSON or TOML file of these options.")
@click.option("--resume", is_flag=True, help="Go on with the run where its last checkpoint stands.")
@click.option("--overwrite", is_flag=True, help="Replace the run if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, and the lines of progress to stderr.")
def command(file: Path | None, resume: bool, overwrite: bool, as_json: bool, **given: Any) -> None:
    """Train a model and write its run folder.

    The lines of progress are the PaddlePaddle book's. Ctrl-C stops with a checkpoint; --resume goes on from there, and
    ends with the parameters of a training that was never stopped.
    """
    if resume and file is None:
        # What a resumed run is not told anew, its own config.json says.
        given["run"] = given["run"] or short_name(given["model"] or TrainConfig().model)
        given["runs_dir"] = given["runs_dir"] or TrainConfig().runs_dir
        own = RunFolder(Path(given["runs_dir"]) / given["run"]).config
        file = own if own.exists() else None
    config = load_config(file, **given)
    with closing(ProgressHandler()) as bar:
        lines = PrintHandler(sys.stderr if as_json else sys.stdout)
        try:
            result = train(config, [bar, lines], resume=resume, overwrite=overwrite)
        except KeyboardInterrupt as stop:
            bar.close()
            if stop.args:  # none where it came before the first step, and there is no checkpoint to speak of
                _log.warning("%s", stop)
            raise
    if as_json:
        click.echo(json.dumps(asdict(result), indent=2))
