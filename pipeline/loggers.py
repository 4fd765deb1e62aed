"""What a training writes for VisualDL and TensorBoard: `--log-to visualdl,tensorboard`.

runs/NAME/logs/visualdl       visualdl --logdir runs/NAME/logs
runs/NAME/logs/tensorboard    tensorboard --logdir runs/NAME/logs

A log holds nothing that the run does not have in its own files, metrics.jsonl and checkpoints/best. So a training that goes
on writes it anew from there, and no step is in it twice. Both packages are extras, imported only where they are asked for.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fluidline.errors import UsageError, closest
from fluidline.files import explained
from fluidline.runs import RunFolder
from pipeline.checkpoint import BEST, MODEL
from pipeline.events import Best, EndTrainingEvent, Event
from pipeline.metrics import MetricsLog, Row
from pipeline.settings import NONE

_COUNTS = {"kind", "epoch", "batch", "step"}  # what says where a row of the metrics belongs; the rest are values
# By a row's kind: what its tags begin with, and what it is drawn against.
_LEVELS = {"batch": ("batch", "step"), "epoch": ("pass", "epoch")}
_OPTIONS_OF_PLACE = {"run", "runs_dir", "log_to"}  # of no interest where trainings are compared


@dataclass(frozen=True)
class Package:
    """A row of the table: where the class of a package's writer is, and the file of what it needs.

    Both classes have the methods called here, with the same positions, but for `add_hparams`: `scores` says how each has
    the scores of the best pass, which are scalars of the log already.
    """

    module: str
    writer: str
    requirements: str
    scores: Callable[[dict[str, float]], Any]
    also: Mapping[str, Any] = field(default_factory=dict)  # what else add_hparams is given


# tensorboardX, because tensorboard itself can write nothing but scalars; it weighs 1 MB and needs NumPy and protobuf.
PACKAGES = {
    "visualdl": Package("visualdl", "LogWriter", "requirements-visualdl.txt", list),
    "tensorboard": Package("tensorboardX", "SummaryWriter", "requirements-tensorboard.txt", dict, {"name": "options"}),
}


def parse(text: str) -> list[str]:
    """Return which packages `visualdl,tensorboard` names, none for 'none'. Raises UsageError for any other name."""
    names = [part.strip() for part in text.split(",")] if text != NONE else []
    for name in names:
        if name not in PACKAGES:
            raise UsageError(f"no such log: '{name}'{closest(name, [*PACKAGES, NONE])}")
    return list(dict.fromkeys(names))


def check_packages(text: str) -> None:
    """Raise UsageError, with what to install, where a package that `text` names is not there."""
    for name in parse(text):
        _import(name)


@contextmanager
def open_logs(
    text: str, run: RunFolder, metrics: MetricsLog, options: Mapping[str, Any]
) -> Iterator[Sequence[LogHandler]]:
    """Yield a handler for each package that `text` names; each is to get its events after `metrics` did.

    Raises UsageError where a package is missing and FluidlineError where the place cannot be written.
    """
    shown = {
        name: value if type(value) in (str, int, float) else str(value)  # VisualDL fails on a bool
        for name, value in options.items()
        if name not in _OPTIONS_OF_PLACE
    }
    with ExitStack() as stack:
        handlers = []
        for name in parse(text):
            folder = run.logs / name
            with explained(folder):
                shutil.rmtree(folder, ignore_errors=True)
                writer = stack.enter_context(_import(name)(str(folder)))
            handlers.append(LogHandler(PACKAGES[name], writer, run, metrics, shown))
        yield handlers


class LogHandler:
    """The event handler that copies the metrics into one package's log, and adds the best pass at the end."""

    def __init__(
        self, package: Package, writer: Any, run: RunFolder, metrics: MetricsLog, options: Mapping[str, Any]
    ) -> None:
        self.package, self.writer, self.run, self.metrics, self.options = package, writer, run, metrics, options
        self.written = 0  # rows

    def __call__(self, event: Event) -> None:
        for row in self.metrics.rows[self.written :]:
            self._add_row(row)
        self.written = len(self.metrics.rows)
        if isinstance(event, EndTrainingEvent):
            self._add_best(event.best)

    def _add_row(self, row: Row) -> None:
        level, count = _LEVELS[row["kind"]]
        for name, value in row.items():
            if name not in _COUNTS:
                self.writer.add_scalar(f"{level}/{name}", value, row[count])

    def _add_best(self, best: Best) -> None:
        known = {name: value for name, value in asdict(best).items() if value is not None}
        scores = {f"best/{name}": value for name, value in known.items() if name != "epoch"}
        for tag, value in scores.items():
            self.writer.add_scalar(tag, value, best.epoch)
        # The table in which trainings are compared by their options.
        self.writer.add_hparams(dict(self.options), self.package.scores(scores), **self.package.also)
        for name, values in _parameters(self.run).items():
            self.writer.add_histogram(name, values, best.epoch)
            if len(values.shape) == 4 and values.shape[1] in (1, 3):  # filters that look at the image itself
                self.writer.add_image(f"{name}/filters", _sheet(values), best.epoch, dataformats="HWC")


def _import(name: str) -> Any:
    package = PACKAGES[name]
    try:
        return getattr(importlib.import_module(package.module), package.writer)
    except ImportError as error:
        raise UsageError(
            f"a log for {name} needs the package {package.module}: {error} (pip install -r {package.requirements})"
        ) from error


def _parameters(run: RunFolder) -> dict[str, npt.NDArray[Any]]:
    """Return the parameters of the best pass, and the statistics kept beside them, by name."""
    import legacy_fluid as fluid

    state: dict[str, npt.NDArray[Any]] = fluid.load_program_state(str(run.checkpoints / BEST / MODEL))
    return dict(sorted(state.items()))


def _sheet(filters: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Return filters [N, 1 or 3, h, w] side by side as an image [H, W, 3], the largest weight white, the smallest black."""
    low, high = filters.min(), filters.max()
    pixels = ((filters - low) / max(high - low, 1e-12) * 255).astype(np.uint8)
    tiles = np.pad(pixels.repeat(8, 2).repeat(8, 3), ((0, 0), (0, 0), (2, 2), (2, 2)))
    strip = np.concatenate(list(tiles), axis=2).transpose(1, 2, 0)
    return strip if strip.shape[2] == 3 else strip.repeat(3, 2)
