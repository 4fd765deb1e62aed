"""What was measured, and what follows from it: rates, ratios, tails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.figures import Spread
from benchmarks.serving.contenders import OURS


@dataclass(frozen=True)
class Lap:
    """A slice: its answers, the ms in which half of them and 99 of 100 came, and the server's processor time for each."""

    answers: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    errors: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


@dataclass
class Course:
    """All slices with one form and number of clients: of each server, by its title, one a round."""

    form: str
    clients: int
    laps: dict[str, list[Lap]]

    @property
    def peers(self) -> list[str]:
        return [title for title in self.laps if title != OURS]

    @property
    def ratio(self) -> Spread:
        """Requests/s: ours to the best peer's, round by round."""
        return self._against("rate", max)

    @property
    def tail(self) -> Spread:
        """p99: ours to the lowest peer's, round by round."""
        return self._against("p99_ms", min)

    def spread(self, title: str, what: str) -> Spread:
        return Spread.of([getattr(lap, what) for lap in self.laps[title]])

    def as_dict(self) -> dict[str, Any]:
        ratios = {"ratio": asdict(self.ratio), "p99_ratio": asdict(self.tail)} if self.peers else {}
        return {**asdict(self), **ratios}

    def _against(self, what: str, best: Callable[[Iterable[float]], float]) -> Spread:
        rounds = zip(self.laps[OURS], *(self.laps[peer] for peer in self.peers), strict=True)
        return Spread.of([getattr(ours, what) / best(getattr(lap, what) for lap in laps) for ours, *laps in rounds])


@dataclass(frozen=True)
class Started:
    """A server: its seconds to the first answer, and the bytes of all its processes when everything was over."""

    title: str
    cold_start_s: float
    memory: int


@dataclass(frozen=True)
class Report:
    """The whole benchmark; `memory` has the bytes of our server after so many requests, where these were many."""

    environment: dict[str, Any]
    protocol: dict[str, Any]
    servers: list[Started]
    courses: list[Course]
    memory: list[tuple[int, int]] = field(default_factory=list)

    @property
    def errors(self) -> int:
        return sum(lap.errors for course in self.courses for laps in course.laps.values() for lap in laps)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "courses": [course.as_dict() for course in self.courses]}
