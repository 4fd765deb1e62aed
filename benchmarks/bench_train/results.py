"""What was measured, and what follows from it: rates, ratios, and whether all have learnt alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from benchmarks.bench_train.contenders import OURS, Contender
from benchmarks.figures import Spread

FIRST_BATCHES = (
    6  # of a training: their costs must agree closely. Later Adam makes much of little, see docs/training-speed.md
)
FIRST_TOLERANCE = 1e-3
LAST_TOLERANCE = 0.05  # of the average cost of a pass, of which rounding decides ever more as a training goes on


@dataclass(frozen=True)
class Lap:
    """A pass: its seconds, its average cost, the costs shown in it by batch, and what else its worker said of it."""

    images: int
    seconds: float
    cost: float
    costs: Sequence[tuple[int, float]]
    peak_bytes: int
    test_accuracy: float | None = None

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.images / self.seconds


@dataclass
class Entry:
    """A contender with its laps; the first of them warms up, and counts for the costs alone."""

    contender: Contender
    ready: dict[str, Any]
    laps: list[Lap] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The name for people, with a rival's version: ours runs on the Paddle of a rival."""
        title = self.contender.title
        return title if self.contender.name == OURS else f"{title} {self.ready['version']}"

    @property
    def timed(self) -> list[Lap]:
        return self.laps[1:]

    @property
    def rate(self) -> Spread:
        return Spread.of([lap.rate for lap in self.timed])

    @property
    def start_s(self) -> float:
        """Import and program building."""
        return float(self.ready["import_s"] + self.ready["build_s"])

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.contender.name,
            "title": self.contender.title,
            **self.ready,
            "images_per_s": asdict(self.rate),
            "peak_bytes": self.laps[-1].peak_bytes,
            "laps": [asdict(lap) for lap in self.laps],
        }


@dataclass(frozen=True)
class Comparison:
    """Ours against a rival: the ratio of the rates, round by round, and how far the costs are apart."""

    ours: Entry
    rival: Entry
    target: float | None

    @property
    def ratio(self) -> Spread:
        pairs = zip(self.ours.timed, self.rival.timed, strict=True)
        return Spread.of([ours.rate / theirs.rate for ours, theirs in pairs])

    @cached_property
    def first_difference(self) -> float:
        """The largest difference of a cost among the first batches of the training."""
        theirs = dict(self.rival.laps[0].costs)
        return max(abs(cost - theirs[batch]) for batch, cost in self.ours.laps[0].costs if batch < FIRST_BATCHES)

    @cached_property
    def last_difference(self) -> float:
        """The difference of the average costs of the last pass, as a share of the rival's."""
        ours, theirs = self.ours.laps[-1].cost, self.rival.laps[-1].cost
        return abs(ours - theirs) / theirs

    @property
    def alike(self) -> bool:
        return self.first_difference <= FIRST_TOLERANCE and self.last_difference <= LAST_TOLERANCE

    def as_dict(self) -> dict[str, Any]:
        return {
            "rival": self.rival.contender.name,
            "ratio": asdict(self.ratio),
            "target": self.target,
            "first_costs_differ_by": self.first_difference,
            "last_cost_differs_by_share": self.last_difference,
            "alike": self.alike,
        }


@dataclass(frozen=True)
class Race:
    """All that was measured of a model."""

    model: str
    batches: int
    entries: list[Entry]

    @property
    def ours(self) -> Entry:
        return next(entry for entry in self.entries if entry.contender.name == OURS)

    @property
    def comparisons(self) -> list[Comparison]:
        rivals = [entry for entry in self.entries if entry is not self.ours]
        return [Comparison(self.ours, rival, rival.contender.targets.get(self.model)) for rival in rivals]

    def as_dict(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "batches_a_round": self.batches,
            "entries": [entry.as_dict() for entry in self.entries],
            "comparisons": [comparison.as_dict() for comparison in self.comparisons],
        }


@dataclass(frozen=True)
class Climb:
    """The way to an accuracy: of each contender the test accuracy after each pass and the seconds of training."""

    goal: float
    entries: list[Entry]

    @staticmethod
    def passes(entry: Entry, goal: float) -> int | None:
        """Return the number of passes after which the goal was first reached; None where it was not."""
        reached = (count for count, lap in enumerate(entry.laps, 1) if (lap.test_accuracy or 0) >= goal)
        return next(reached, None)

    def as_dict(self) -> dict[str, Any]:
        rows = []
        for entry in self.entries:
            passes = self.passes(entry, self.goal)
            rows.append(
                {
                    "name": entry.contender.name,
                    "title": entry.contender.title,
                    "passes": passes,
                    "seconds": None if passes is None else sum(lap.seconds for lap in entry.laps[:passes]),
                    "start_s": entry.start_s,
                    "accuracies": [lap.test_accuracy for lap in entry.laps],
                }
            )
        return {"goal": self.goal, "entries": rows}


@dataclass(frozen=True)
class Report:
    """The whole benchmark."""

    environment: dict[str, Any]
    protocol: dict[str, Any]
    races: list[Race]
    climb: Climb | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "protocol": self.protocol,
            "races": [race.as_dict() for race in self.races],
            "to_accuracy": self.climb and self.climb.as_dict(),
        }
