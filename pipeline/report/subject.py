"""What a report reads: the files of a run folder, and what the best pass answers to the test split."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from fluidline.errors import DataError, FluidlineError
from fluidline.runs import DEFAULT_ROOT, RunFolder
from pipeline.checkpoint import BEST, read_checkpoint
from pipeline.evaluate import Answers, answer
from pipeline.inspect.network import Network
from pipeline.inspect.opened import open_checkpoint
from pipeline.metrics import Row, read_rows

T = TypeVar("T")

# The stages, each made from the one before it, with the command that makes it.
_MADE_BY = {
    "train": "pipeline train --resume",
    "inference": "export inference",
    "onnx": "export onnx",
    "bench": "export bench",
}


class NotYetError(FluidlineError):
    """A run does not have something yet, which `what` says, and `command` makes it."""

    def __init__(self, what: str, command: str) -> None:
        super().__init__(f"{what} To make it: {command}")
        self.what, self.command = what, command


class Subject:
    """A run as its report sees it. What the run does not have raises FluidlineError where it is asked for.

    `data` are to be tested on instead of those that the run was trained on, unless None.
    """

    def __init__(self, run: RunFolder, data: str | None = None) -> None:
        self.run, self.data = run, data

    @cached_property
    def config(self) -> dict[str, Any]:
        """What config.json holds, the options and more."""
        if not self.run.config.exists():
            raise NotYetError("Not begun to train.", self._commands(["pipeline train"]))
        return _read_json(self.run.config)

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of metrics.jsonl."""
        return read_rows(self.run.metrics)

    @property
    def passes(self) -> list[Row]:
        """The rows of the finished passes; NotYetError where there is none."""
        rows = [row for row in self.rows if row["kind"] == "epoch"]
        if not rows:
            raise self._no_pass()
        return rows

    @property
    def batches(self) -> list[Row]:
        """The rows of single batches."""
        return [row for row in self.rows if row["kind"] == "batch"]

    @property
    def chooses(self) -> str:
        """The split whose cost chooses the best pass: "valid" where there is one, else "test"."""
        return "valid" if "valid_cost" in self.passes[-1] else "test"

    @cached_property
    def stages(self) -> Mapping[str, Any]:
        """The manifest's entries of the stages that have run."""
        stages: Mapping[str, Any] = self.run.read_manifest()["stages"]
        return stages

    def stage(self, name: str, what: str) -> dict[str, Any]:
        """Return the manifest's entry of a stage; NotYetError, which says `what`, where it has not run."""
        if name not in self.stages:
            way = list(_MADE_BY)[: list(_MADE_BY).index(name) + 1]
            raise NotYetError(what, self._commands(_MADE_BY[stage] for stage in way if stage not in self.stages))
        entry: dict[str, Any] = self.stages[name]
        return entry

    @property
    def best(self) -> Mapping[str, Any]:
        """The number of the best pass, as `epoch`, and its costs and accuracies."""
        finished = self.stages.get("train", {}).get("best")
        return finished or min(self.passes, key=lambda row: row[f"{self.chooses}_cost"])

    @cached_property
    def checkpoint(self) -> dict[str, Any]:
        """The state of the best pass's checkpoint."""
        folder = self.run.checkpoints / BEST
        if not folder.is_dir():
            raise self._no_pass()
        return read_checkpoint(folder)

    @cached_property
    def network(self) -> Network:
        """The best pass's program from input to output."""
        assert self.checkpoint  # or it says what makes it
        return open_checkpoint(self.run, BEST).network

    @cached_property
    def bench(self) -> dict[str, Any]:
        """What bench.json holds."""
        self.stage("bench", "Not measured yet.")
        return _read_json(self.run.bench / "bench.json")

    @cached_property
    def answers(self) -> Answers:
        """What the best pass answers to the test split."""
        return answer(self.run, self.data)

    def _no_pass(self) -> NotYetError:
        return NotYetError("No pass is finished.", self._commands([_MADE_BY["train"]]))

    def _commands(self, made_by: Iterable[str]) -> str:
        """Return commands as one types them, for this run."""
        root = self.run.path.parent
        options = ["--run", self.run.name, *([] if root == DEFAULT_ROOT else ["--runs-dir", str(root)])]
        return " && ".join(f"python -m {words} {shlex.join(options)}" for words in made_by)


def if_there(say: Callable[[], T]) -> T | None:
    """Return what `say` returns, or None where that is of something that the run does not have."""
    try:
        return say()
    except FluidlineError:
        return None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not what was written there ({error}); make it again") from error
    return value
