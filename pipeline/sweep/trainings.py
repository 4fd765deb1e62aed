"""The sweep itself: one training after the other, and what it leaves in the sweep's folder.

runs/NAME/sweep.json, sweep.csv, sweep.md    after each training
runs/NAME/sweep.png, best                    at the end, or where it was stopped; `best` is a link to the best run
runs/NAME/OPTION-VALUE-.../                  each training, a run folder like any other
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fluidline.errors import DivergedError, RunError, UsageError
from fluidline.files import write_text
from fluidline.runs import DEFAULT_ROOT, RunFolder, create_run, point_latest
from pipeline.config import TrainConfig
from pipeline.events import Handler
from pipeline.loggers import check_packages
from pipeline.resume import clear
from pipeline.sweep.apart import train_apart
from pipeline.sweep.grid import Vary, configs, varied
from pipeline.sweep.picture import draw_sweep
from pipeline.sweep.record import ACCURACY, COST, Outcome, Sweep, outcome_of, read_record, write_record
from pipeline.sweep.table import csv_table, markdown
from pipeline.train import check_machine

BEST = "best"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Turn:
    """A training of a sweep, the `number`th of `count`, begins (without an outcome) or has ended."""

    number: int
    count: int
    options: dict[str, Any]  # the varied ones
    outcome: Outcome | None = None


Tell = Callable[[Turn], None]


def sweep(
    options: Mapping[str, Any],
    vary: Vary,
    name: str = "sweep",
    *,
    handlers: Sequence[Handler] = (),
    tell: Tell = lambda turn: None,
    resume: bool = False,
    overwrite: bool = False,
) -> Sweep:
    """Train once for each combination of the values in `vary`, all else as `options` say, and compare.

    Both name options of TrainConfig; what neither names comes from each training's own model or preset. `handlers` are
    given the events within all trainings, `tell` the beginning and the outcome of each. One that diverges is an outcome
    like others.

    Ctrl-C or SIGTERM ends it with a KeyboardInterrupt that says how to go on. Raises UsageError before anything is
    trained where a value makes no sense, RunError where the folder holds something and neither `resume` nor `overwrite`
    is given, or where there is nothing to resume, and what `train` raises, what is finished being kept.
    """
    if resume and overwrite:
        raise UsageError("--resume goes on with a sweep and --overwrite begins it anew: choose one")
    options = {name: value for name, value in options.items() if value is not None}
    root = Path(options.pop("runs_dir", DEFAULT_ROOT))
    folder = create_run(name, root).path
    begun = read_record(folder)
    if resume:
        options, vary = _as_begun(folder, begun, options, vary)
    trainings = configs(options, vary, folder)
    for device, config in {config.device: config for config in trainings}.items():
        check_packages(config.log_to)
        if device != "cpu":  # which every machine has; asking brings Paddle, and each training brings its own
            check_machine(config)
    with RunFolder(folder).lock():
        if not resume:
            _clear(folder, begun, overwrite)
            begun = None
        result = begun or Sweep(name, options, {})
        result.vary = {name: list(values) for name, values in vary.items()}
        result.ranked_by = COST if len({config.loss for config in trainings}) == 1 else ACCURACY
        result.begin([config.run for config in trainings])
        _train_all(folder, trainings, result, handlers, tell)
    return result


def command_to_resume(folder: Path) -> str:
    """Return the command that goes on with a sweep."""
    elsewhere = "" if folder.parent == DEFAULT_ROOT else f" --runs-dir {shlex.quote(str(folder.parent))}"
    return f"python -m pipeline sweep --name {folder.name}{elsewhere} --resume"


def _train_all(
    folder: Path, trainings: Sequence[TrainConfig], result: Sweep, handlers: Sequence[Handler], tell: Tell
) -> None:
    _write(folder, result)
    try:
        for config in trainings:
            if config.run not in result.waiting:
                continue
            turn = Turn(len(result.trainings) + 1, len(trainings), varied(config, result.vary))
            tell(turn)
            outcome = _train(config, turn.options, handlers)
            result.add(outcome)
            _write(folder, result)
            tell(replace(turn, outcome=outcome))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_stopped(folder, trainings, result)) from None
    except Exception:
        _log.warning("%s", _stopped(folder, trainings, result))
        raise
    finally:
        draw_sweep(result, folder)


def _train(config: TrainConfig, options: dict[str, Any], handlers: Sequence[Handler]) -> Outcome:
    run = RunFolder(Path(config.runs_dir) / config.run)
    try:
        train_apart(config, handlers, resume=run.config.exists())
    except DivergedError as error:
        return Outcome(config.run, options, diverged=error.epoch)
    return outcome_of(run, options)


def _write(folder: Path, result: Sweep) -> None:
    write_record(folder, result)
    write_text(folder / "sweep.csv", csv_table(result))
    write_text(folder / "sweep.md", markdown(result))
    if result.best:
        point_latest(RunFolder(folder / result.best.run), BEST)


def _stopped(folder: Path, trainings: Sequence[TrainConfig], result: Sweep) -> str:
    done = len(result.trainings)
    return f"stopped after {done} of {len(trainings)} trainings; to go on: {command_to_resume(folder)}"


def _as_begun(folder: Path, begun: Sweep | None, options: Mapping[str, Any], vary: Vary) -> tuple[dict[str, Any], Vary]:
    """Return what a sweep is to be gone on with: as it was begun, but values of the varied options may come and go."""
    if begun is None:
        raise RunError(f"no sweep was begun in {folder}, so there is nothing to resume (sweep without --resume)")
    for name, value in options.items():
        if value != begun.options.get(name):
            before = begun.options.get(name, "left out")
            raise UsageError(
                f"sweep {folder} was begun with {name} {before}, not {value} (leave it out, or --overwrite)"
            )
    if vary and list(vary) != list(begun.vary):
        raise UsageError(
            f"sweep {folder} varies {', '.join(begun.vary)}, not {', '.join(vary)} (vary the same, or --overwrite)"
        )
    return begun.options, vary or begun.vary


def _clear(folder: Path, begun: Sweep | None, overwrite: bool) -> None:
    """Make place for a sweep: without `overwrite` there must be none; another's files stay."""
    if RunFolder(folder).config.exists():
        raise RunError(f"{folder} is a training's run, not a sweep's (--name NAME makes another)")
    runs = [RunFolder(folder / run) for run in begun.runs] if begun else []
    if not overwrite and any(run.config.exists() for run in runs):
        raise RunError(
            f"sweep {folder} exists (--resume goes on with it, --overwrite replaces it, --name NAME makes another)"
        )
    for run in runs:
        clear(run)
    (folder / BEST).unlink(missing_ok=True)
