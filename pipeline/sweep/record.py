"""sweep.json: what a sweep was asked for and what has come of it, written anew after each training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fluidline.errors import DataError
from fluidline.files import write_json
from fluidline.runs import RunFolder
from pipeline.result import STAGE

FILE = "sweep.json"
SCHEMA_VERSION = 1
COST, ACCURACY = "cost", "accuracy"


@dataclass(frozen=True)
class Outcome:
    """What a training came to. The numbers are the best pass's, and None where it diverged; passes count from 0."""

    run: str
    options: dict[str, Any]  # the varied ones
    diverged: int | None = None  # the pass in which the cost became no number
    best_pass: int | None = None
    train_cost: float | None = None
    train_accuracy: float | None = None
    valid_cost: float | None = None
    valid_accuracy: float | None = None
    test_cost: float | None = None
    test_accuracy: float | None = None
    seconds: float | None = None

    @property
    def cost(self) -> float | None:
        """The cost that chose the best pass: of the validation images where there are any, else of the test's."""
        return self.test_cost if self.valid_cost is None else self.valid_cost

    @property
    def accuracy(self) -> float | None:
        """The accuracy that goes with it."""
        return self.test_accuracy if self.valid_cost is None else self.valid_accuracy


@dataclass
class Sweep:
    """A sweep: the options of all its trainings, those that are varied, and the outcomes, the best first."""

    name: str
    options: dict[str, Any]
    vary: dict[str, list[Any]]
    ranked_by: str = COST  # ACCURACY where the trainings lower different losses, whose costs say nothing of each other
    trainings: list[Outcome] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)  # runs that are not finished, in the order in which they come

    @property
    def runs(self) -> list[str]:
        """The names of all its runs."""
        return [*(outcome.run for outcome in self.trainings), *self.waiting]

    @property
    def best(self) -> Outcome | None:
        """The training of the lowest cost, None where none came to its end."""
        return next((outcome for outcome in self.trainings if outcome.diverged is None), None)

    def begin(self, runs: Sequence[str]) -> None:
        """Let these be the runs of the sweep: what is known of them stays, the others wait."""
        known = {outcome.run: outcome for outcome in self.trainings if outcome.run in runs}
        self.trainings = sorted(known.values(), key=self._rank)
        self.waiting = [run for run in runs if run not in known]

    def add(self, outcome: Outcome) -> None:
        """Put an outcome in its place."""
        self.waiting.remove(outcome.run)
        self.trainings = sorted([*self.trainings, outcome], key=self._rank)

    def _rank(self, outcome: Outcome) -> tuple[bool, float]:
        value = -(outcome.accuracy or 0.0) if self.ranked_by == ACCURACY else outcome.cost or 0.0
        return outcome.diverged is not None, value


def outcome_of(run: RunFolder, options: dict[str, Any]) -> Outcome:
    """Return what a finished training came to, from its manifest."""
    entry = run.read_manifest()["stages"][STAGE]
    best, metrics = entry["best"], entry["metrics"]
    return Outcome(
        run=run.name,
        options=options,
        best_pass=best["epoch"],
        train_cost=metrics["train_cost"],
        train_accuracy=metrics.get("train_accuracy"),
        valid_cost=best.get("valid_cost"),
        valid_accuracy=best.get("valid_accuracy"),
        test_cost=best["test_cost"],
        test_accuracy=best.get("test_accuracy"),
        seconds=metrics["seconds"],
    )


def as_dict(sweep: Sweep) -> dict[str, Any]:
    """Return what sweep.json holds."""
    return {"schema_version": SCHEMA_VERSION, **asdict(sweep), "best": sweep.best and sweep.best.run}


def write_record(folder: Path, sweep: Sweep) -> None:
    """Write sweep.json into a sweep's folder."""
    write_json(folder / FILE, as_dict(sweep))


def read_record(folder: Path) -> Sweep | None:
    """Return the sweep that was begun in a folder, None where none was. Raises DataError where sweep.json is torn."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if (version := values.pop("schema_version")) != SCHEMA_VERSION:
            raise ValueError(f"schema version {version}, and this is version {SCHEMA_VERSION}")
        del values["best"]
        return Sweep(**{**values, "trainings": [Outcome(**row) for row in values["trainings"]]})
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not a sweep's: {error} (move its folder away, or --name another)") from error
