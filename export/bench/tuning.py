"""Which setting of onnxruntime runs the model fastest on this machine's processor: tried in turns, best one kept."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from export.model import CPU, OPTIMISATIONS, session_options
from export.settings import Setting

ROUNDS = 5
BATCHES = (8, 16, 64)  # images a call, where throughput counts
_MARGIN = 0.02  # by so much a setting must be faster than one before it in the table to be preferred

if TYPE_CHECKING:
    from export.bench.report import Tuning
    from export.bench.variants import Variant

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Trial:
    """A setting of a variant, and what it came to: percentiles over all calls, and the rate of the fastest round.

    The fastest, for what else the machine does only makes a round slower.
    """

    purpose: str
    variant: str
    exact: bool
    setting: Setting
    p50_ms: float
    p99_ms: float
    images_per_s: float


def tune(variants: Sequence[Variant], folder: Path, images: Floats, seconds: float, cores: int) -> list[Trial]:
    """Time every setting of every variant that may be used, for each purpose, in about `seconds`.

    `folder` is the one that the variants' files are relative to; `images` are float32 [N, 1, 28, 28], at least
    max(BATCHES).
    """
    contenders = [
        _Contender(purpose, variant, replace(setting, file=variant.file))
        for variant in variants
        if not variant.reason
        for purpose, settings in (("latency", _latency(cores)), ("throughput", _throughput(cores)))
        for setting in settings
    ]
    sessions = _Sessions(folder)
    turn = seconds / (ROUNDS * len(contenders))
    for contender in _shown(contenders * ROUNDS):
        contender.time(sessions.open(contender.setting), images[: contender.setting.batch], turn)
    return [contender.conclude() for contender in contenders]


def choose(trials: Sequence[Trial], exact: bool = True) -> dict[str, Setting]:
    """Return the fastest setting for each purpose, of those whose answers are the plain model's unless not `exact`."""
    chosen = {}
    for purpose, suits in _SUITS.items():
        open_to = [trial for trial in trials if suits(trial) and (trial.exact or not exact)]
        limit = (1 - _MARGIN) * max(trial.images_per_s for trial in open_to)
        chosen[purpose] = next(trial.setting for trial in open_to if trial.images_per_s >= limit)
    return chosen


_SUITS: dict[str, Callable[[Trial], bool]] = {
    "latency": lambda trial: trial.purpose == "latency",
    "throughput": lambda trial: trial.purpose == "throughput",
    "serving": lambda trial: trial.purpose == "throughput" and trial.setting.threads == 1,
}


def fastest(tuning: Tuning) -> list[Trial]:
    """Return the fastest trial of each variant for each purpose."""
    best: dict[tuple[str, str], Trial] = {}
    for trial in tuning.trials:
        key = (trial.purpose, trial.variant)
        if key not in best or trial.images_per_s > best[key].images_per_s:
            best[key] = trial
    return [best[key] for key in sorted(best, key=lambda key: list(_SUITS).index(key[0]))]


def _latency(cores: int) -> list[Setting]:
    """One image at a time, on one thread or all."""
    threads = sorted({1, cores})
    return [Setting("", level, count) for level, count in product(reversed(OPTIMISATIONS), threads)]


def _throughput(cores: int) -> list[Setting]:
    """Calls side by side on a thread each, or one call after the other on all threads."""
    ways = sorted({(1, cores), (cores, 1)})
    levels = [level for level in reversed(OPTIMISATIONS) if level != "basic"]
    return [Setting("", level, *way, batch) for level, way, batch in product(levels, ways, BATCHES)]


class _Sessions:
    """Sessions, opened when first needed; settings that differ in batch and calls alone share one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[tuple[str, str, int], Any] = {}

    def open(self, setting: Setting) -> Any:
        key = (setting.file, setting.optimisation, setting.threads)
        if key not in self._open:
            import onnxruntime

            options = session_options(setting.threads, setting.optimisation)
            path = str(self._folder / setting.file)
            self._open[key] = onnxruntime.InferenceSession(path, options, providers=[CPU])
        return self._open[key]


class _Contender:
    """A setting under measurement."""

    def __init__(self, purpose: str, variant: Variant, setting: Setting) -> None:
        self.purpose, self.variant, self.setting = purpose, variant, setting
        self._calls_ns: list[int] = []
        self._rates: list[float] = []

    def time(self, session: Any, images: Floats, seconds: float) -> None:
        """Call the session for a round of so many seconds, after a call that is not timed."""
        feed = {session.get_inputs()[0].name: images}
        session.run(None, feed)
        begin = time.perf_counter_ns()
        end = begin + int(seconds * 1e9)
        with ThreadPoolExecutor(self.setting.calls) as pool:
            callers = [pool.submit(_call_until, session, feed, end) for _ in range(self.setting.calls)]
            durations = [duration for caller in callers for duration in caller.result()]
        self._rates.append(len(images) * len(durations) / ((time.perf_counter_ns() - begin) / 1e9))
        self._calls_ns += durations

    def conclude(self) -> Trial:
        p50, p99 = (float(value) / 1e6 for value in np.percentile(self._calls_ns, [50, 99]))
        return Trial(self.purpose, self.variant.name, self.variant.exact, self.setting, p50, p99, max(self._rates))


def _call_until(session: Any, feed: dict[str, Floats], end: int) -> list[int]:
    durations: list[int] = []
    while not durations or time.perf_counter_ns() < end:
        start = time.perf_counter_ns()
        session.run(None, feed)
        durations.append(time.perf_counter_ns() - start)
    return durations


def _shown(turns: Sequence[_Contender]) -> Iterable[_Contender]:
    from tqdm import tqdm

    shown: Iterable[_Contender] = tqdm(turns, "tuning", unit="turn", leave=False, disable=not sys.stderr.isatty())
    return shown
