"""`python -m pipeline sweep`."""

from __future__ import annotations

import json
import logging
import shlex
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from fluidline.errors import FluidlineError
from fluidline.runs import DEFAULT_ROOT
from pipeline.config import config_options, read_options
from pipeline.events import ProgressHandler
from pipeline.sweep.grid import parse_vary
from pipeline.sweep.record import Sweep, as_dict
from pipeline.sweep.table import summary, text, words
from pipeline.sweep.trainings import BEST, Turn, sweep

_log = logging.getLogger(__name__)


@click.command(name="sweep")
@click.option(
    "--vary", "varied", multiple=True, metavar="OPTION=VALUE,VALUE,...", help="An option of train and its values."
)
@click.option("--name", default="sweep", show_default=True, help="Name of the sweep's folder, which holds the runs.")
@config_options
@click.option("--config", "file", type=click.Path(path_type=Path), help="JSON or TOML file of these options.")
@click.option("--resume", is_flag=True, help="Train what is not finished, as the sweep was begun.")
@click.option("--overwrite", is_flag=True, help="Replace the sweep if it exists.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the outcomes as JSON, and the lines of progress to stderr."
)
def command(
    varied: tuple[str, ...], name: str, file: Path | None, resume: bool, overwrite: bool, as_json: bool, **given: Any
) -> None:
    """Train with every combination of the values of some options, and compare.

    For example --vary learning_rate=0.1,0.01 --vary optimizer=sgd,adam trains four times. Where values have commas of
    their own, semicolons divide them. Ctrl-C stops with what is finished kept; --resume goes on.
    """
    from tqdm.contrib.logging import logging_redirect_tqdm

    options = read_options(file, **given)
    progress = _Progress(sys.stderr if as_json else sys.stdout)
    with closing(progress), logging_redirect_tqdm(), _said_once("pipeline.data.sources"):
        try:
            result = sweep(
                options, parse_vary(varied), name, handlers=[progress.of_pass], tell=progress, resume=resume, overwrite=overwrite
            )  # fmt: skip
        except KeyboardInterrupt as stop:
            progress.close()
            if stop.args:
                _log.warning("%s", stop)
            raise
    folder = Path(options.get("runs_dir") or DEFAULT_ROOT) / name
    click.echo(json.dumps(as_dict(result), indent=2) if as_json else _as_text(result, folder))
    if result.best is None:
        raise FluidlineError("no training came to its end: all diverged (sweep lower learning rates)")


class _Progress:
    """A line for each finished training, and on a terminal a bar over all of them."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.of_pass = stream, ProgressHandler()
        self._bar: Any = None

    def __call__(self, turn: Turn) -> None:
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=turn.count, initial=turn.number - 1, unit="training", leave=False, disable=None)
        if turn.outcome is None:
            self._bar.set_description_str(words(turn.options))
        else:
            self.of_pass.close()  # which a diverged training leaves in the middle of its pass
            line = f"{turn.number}/{turn.count}  {words(turn.options)}: {summary(turn.outcome)}"
            tqdm.write(line, file=self.stream)
            self._bar.update()

    def close(self) -> None:
        """Take the bars off the screen."""
        self.of_pass.close()
        if self._bar is not None:
            self._bar.close()


@contextmanager
def _said_once(logger: str) -> Iterator[None]:
    """Let a logger say nothing twice: each training would tell where its data come from."""
    said: set[str] = set()

    def is_new(record: logging.LogRecord) -> bool:
        known = len(said)
        said.add(record.getMessage())
        return len(said) > known

    logging.getLogger(logger).addFilter(is_new)
    try:
        yield
    finally:
        logging.getLogger(logger).removeFilter(is_new)


def _as_text(result: Sweep, folder: Path) -> str:
    lines = ["", text(result), "", f"wrote {folder}/sweep.png, sweep.md, sweep.csv, sweep.json"]
    if result.best:
        run = f"--run {result.name}/{BEST}"
        if folder.parent != DEFAULT_ROOT:
            run += f" --runs-dir {shlex.quote(str(folder.parent))}"
        lines += [
            f"best: {words(result.best.options)} ({folder / result.best.run})",
            f"to export it: python -m export inference {run} && python -m export onnx {run}",
        ]
    return "\n".join(lines)
