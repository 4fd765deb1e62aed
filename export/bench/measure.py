"""Measuring: every backend in a process of its own, answers compared first, then rounds in which they take turns."""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from export.bench.backends import Backend
from export.bench.process import BackendError, Worker
from export.bench.report import DISAGREES, MEASURED, Result, Timing
from export.bench.subject import Subject

TOLERANCE = 1e-5  # of the largest answer, and of 1: the largest absolute difference between two backends' answers
ROUNDS = 5
_STARTS = 3  # cold starts of each backend; those after the first only within their share of the time
_STARTS_SHARE = 0.4
_MIB = 1 << 20

Array = npt.NDArray[np.float32]


def measure(
    subject: Subject, backends: Sequence[Backend], images: Array, batches: Sequence[int], seconds: float, threads: int
) -> list[Result]:
    """Return a result for each backend, in order; what goes wrong in one is told in its row.

    `images` are float32 [N, ...], as the model takes them, at least as many as the largest batch. `seconds` is for the
    whole; it is exceeded where one start of each backend takes more than its share, or the fewest calls of each round
    take longer.
    """
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fluidline-bench-") as name, ExitStack() as workers:
        folder = Path(name)
        np.save(folder / "images.npy", images)
        contenders = [_Contender(backend, subject, folder, threads) for backend in backends]
        for contender in contenders:
            with contender.excused():
                contender.worker = workers.enter_context(contender.start())
        _compare(contenders, batches)
        _start_again(contenders, begin, begin + _STARTS_SHARE * seconds)
        _take_turns(contenders, batches, max(begin + seconds, time.monotonic() + (1 - _STARTS_SHARE) * seconds))
        return [contender.conclude() for contender in contenders]


class _Contender:
    """A backend under measurement: what was found until now, and its process, which is None when it has dropped out."""

    def __init__(self, backend: Backend, subject: Subject, folder: Path, threads: int) -> None:
        self.backend = backend
        self.subject = subject
        self.worker: Worker | None = None
        self.status, self.reason = MEASURED, ""
        self.starts: list[dict[str, Any]] = []  # what the process said when it was ready, for each cold start
        self.compared_to: str | None = None
        self.difference: float | None = None
        self.rounds_ns: dict[int, list[list[int]]] = {}  # by batch size: the calls of each round
        self._folder = folder
        self._spec = {
            "library": backend.library,
            "options": dict(backend.options),
            "model": str(Path(backend.model(subject) or "").resolve()),
            "threads": threads,
            "images": str(folder / "images.npy"),
        }

    def start(self) -> Worker:
        worker = Worker(self._spec, self._folder / f"{self.backend.name}.{len(self.starts)}.log")
        self.starts.append(worker.ready)
        return worker

    def ask(self, **request: Any) -> Any:
        assert self.worker is not None
        return self.worker.ask(**request)["answer"]

    @contextmanager
    def excused(self) -> Iterator[None]:
        """Let the backend fail in the block: it drops out with its reason, and the others go on."""
        try:
            yield
        except BackendError as error:
            self.drop(error.status, str(error))

    def drop(self, status: str, reason: str) -> None:
        self.status, self.reason = status, reason
        if self.worker is not None:
            self.worker.close()
            self.worker = None

    def conclude(self) -> Result:
        peak_mib = None
        with self.excused():
            if self.worker is not None:
                peak_mib = self.ask(do="memory") / _MIB
        timings = [_timing(batch, rounds) for batch, rounds in self.rounds_ns.items()]
        return Result(
            name=self.backend.name,
            status=self.status,
            reason=self.reason,
            model_bytes=self.backend.model_bytes(self.subject),
            compared_to=self.compared_to,
            largest_difference=self.difference,
            memory_peak_mib=peak_mib,
            timings=timings if self.status == MEASURED else [],
            **_start_figures(self.starts),
        )


def _well(contenders: Sequence[_Contender]) -> list[_Contender]:
    return [contender for contender in contenders if contender.worker is not None]


def _compare(contenders: Sequence[_Contender], batches: Sequence[int]) -> None:
    """Compare the answers to the same images in every batch size; who disagrees with most of the others drops out."""
    answers: dict[_Contender, Array] = {}
    for contender in _well(contenders):
        with contender.excused():
            rows = [row for batch in batches for row in contender.ask(do="answer", batch=batch)]
            answers[contender] = np.array(rows)
    if not answers:
        return

    def backers(contender: _Contender) -> int:
        return sum(_agree(answers[contender], other) for other in answers.values())

    reference = max(answers, key=backers)  # the first of those with most on their side
    for contender, answer in answers.items():
        if contender is reference:
            continue
        name = contender.compared_to = reference.backend.name
        difference = _difference(answer, answers[reference])
        contender.difference = difference if math.isfinite(difference) else None  # JSON knows no infinity
        if not _agree(answer, answers[reference]):
            contender.drop(
                DISAGREES, f"its answers differ from those of {name} by {difference:.2g} (tolerance {TOLERANCE:g})"
            )


def _agree(one: Array, other: Array) -> bool:
    return _difference(one, other) <= TOLERANCE * max(1.0, float(np.abs(other).max()))


def _difference(one: Array, other: Array) -> float:
    """Return the largest absolute difference; infinite where shapes differ or a value is not a number."""
    if one.shape != other.shape:
        return math.inf
    return float(np.nan_to_num(np.abs(one - other), nan=math.inf).max())


def _start_again(contenders: Sequence[_Contender], begin: float, deadline: float) -> None:
    """Start further processes of each backend, in rounds, up to _STARTS in all, while the next round ends in time."""
    duration = time.monotonic() - begin
    for _ in range(1, _STARTS):
        start = time.monotonic()
        if start + duration > deadline:
            return
        for contender in _well(contenders):
            with contender.excused():
                contender.start().close()
        duration = time.monotonic() - start


def _take_turns(contenders: Sequence[_Contender], batches: Sequence[int], deadline: float) -> None:
    """Time every batch size in every backend, ROUNDS times; backends follow each other, another one first each round.

    So a busy spell of the machine falls on all alike, and on one round only.
    """
    from tqdm import tqdm

    left = ROUNDS * len(batches) * len(_well(contenders))
    with tqdm(total=left, desc="measuring", unit="turn", leave=False, disable=not sys.stderr.isatty()) as bar:
        for round in range(ROUNDS):
            for batch in batches:
                for contender in _rotated(_well(contenders), round):
                    seconds = max(0.0, deadline - time.monotonic()) / left
                    with contender.excused():
                        calls_ns = contender.ask(do="time", batch=batch, seconds=seconds)
                        contender.rounds_ns.setdefault(batch, []).append(calls_ns)
                    bar.update()
                    left -= 1


def _rotated(contenders: list[_Contender], by: int) -> list[_Contender]:
    first = by % max(1, len(contenders))
    return contenders[first:] + contenders[:first]


def _timing(batch: int, rounds_ns: Sequence[Sequence[int]]) -> Timing:
    calls_ms = np.concatenate([np.array(calls) for calls in rounds_ns]) / 1e6
    p50, p95, p99 = (float(value) for value in np.percentile(calls_ms, [50, 95, 99]))
    rates = [batch * len(calls) / (sum(calls) / 1e9) for calls in rounds_ns]
    return Timing(batch, len(calls_ms), p50, p95, p99, statistics.median(rates), min(rates), max(rates))


def _start_figures(starts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of Result that cold starts tell: medians, and what the first one said of the library."""
    if not starts:
        return {}

    def median_ms(key: str) -> float:
        return statistics.median(start[key] for start in starts) / 1e6

    return {
        "version": starts[0]["version"],
        "providers": starts[0]["providers"],
        "starts": len(starts),
        "cold_start_ms": median_ms("cold_start_ns"),
        "import_ms": median_ms("import_ns"),
        "load_ms": median_ms("load_ns"),
        "first_answer_ms": median_ms("first_answer_ns"),
        "memory_loaded_mib": statistics.median(start["peak_bytes"] for start in starts) / _MIB,
    }
