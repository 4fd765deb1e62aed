"""The models that a server has: opened, checked, warmed up, and found by name and version."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from export.kind import Floats
from export.model import CPU, Model, load, locate
from export.serving.batching import Batcher, LoneRunner
from export.serving.errors import RequestError
from export.serving.settings import ModelSource, Settings
from fluidline.errors import DataError, FluidlineError, UsageError

_TOLERANCE = (
    1e-3  # of the largest answer, and of 1, between the model as served and as written: a GPU may compute in TF32
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    """A model that passed its check. `index` is the place of its source among those the server was given."""

    index: int
    name: str
    version: str
    digest: str
    model: Model


@dataclass(frozen=True)
class Served:
    """A model with the queue in front of it. `index` is as in `Opened`.

    `batcher` takes images or rows, `lone` the tensors of a model whose requests cannot share a run; None where they can.
    """

    index: int
    name: str
    version: str
    digest: str
    model: Model
    batcher: Batcher
    lone: LoneRunner | None


class Models:
    """The models that are served at the moment, and how they are replaced.

    `observe` is told of each run of a model, and none is found before `has_started`.
    """

    def __init__(
        self, settings: Settings, observe: Callable[[int, int], None], has_started: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._observe = observe
        self._has_started = has_started
        self._is_open = False
        self._served: dict[int, Served] = {}
        self._thread = ThreadPoolExecutor(1, "model")

    @property
    def served(self) -> list[Served]:
        """The models in the order of their sources."""
        return [self._served[index] for index in sorted(self._served)]

    @property
    def waiting(self) -> int:
        """How many images wait for a model."""
        return sum(
            served.batcher.waiting + (served.lone.waiting if served.lone else 0) for served in self._served.values()
        )

    def find(self, name: str | None, version: str | None = None) -> Served:
        """Return a model by name, the first if None, and version, the first of that name if None."""
        self._is_open = self._is_open or (bool(self._served) and self._has_started())
        if not self._is_open:
            raise RequestError(503, "starting", "no model is loaded yet", "try again", b"retry-after: 1\r\n")
        for served in self._served.values():
            if name in (None, served.name) and version in (None, served.version):
                return served
        known = ", ".join(f"{served.name} (version {served.version})" for served in self.served)
        wanted = f"{name or 'a model'}{f' of version {version}' if version else ''}"
        raise RequestError(404, "no_such_model", f"{wanted} is not served here", f"there is: {known}")

    async def load(self) -> None:
        """Load what is new among the sources. Raises FluidlineError where one cannot be used: then it stays as it was.

        What can be used is served even then.
        """
        loop = asyncio.get_running_loop()
        problems = []
        for index, source in enumerate(self._settings.models):
            digest = self._served[index].digest if index in self._served else None
            try:
                # On a GPU in the thread that runs the models, which its graphs belong to.
                opened = await loop.run_in_executor(self._thread, open_source, self._settings, index, source, digest)
                if opened is not None:
                    self._check_unique(opened)
                    self._serve(opened)
            except FluidlineError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    def _check_unique(self, opened: Opened) -> None:
        for index, served in self._served.items():
            if index != opened.index and (served.name, served.version) == (opened.name, opened.version):
                raise UsageError(
                    f"two models are {opened.name} of version {opened.version} (name one: --model NAME=PATH)"
                )

    def _serve(self, opened: Opened) -> None:
        settings, model, index = self._settings, opened.model, opened.index
        options: dict[str, Any] = {
            "max_wait": settings.max_wait,
            "max_queue": settings.max_queue,
            "timeout": settings.timeout,
            "observe": partial(self._observe, index),
            "thread": self._thread if model.provider != CPU else None,
        }
        batcher = Batcher(model, max_batch=settings.max_batch, **options)
        lone = None if model.is_batched else LoneRunner(model, max_batch=1, **options)
        self._served[index] = Served(index, opened.name, opened.version, opened.digest, model, batcher, lone)
        log.info(
            "serving %s, version %s, on %s: %s",
            *(opened.name, opened.version, model.provider, model.kind),
            extra={"path": str(model.path)},
        )


def open_source(settings: Settings, index: int, source: ModelSource, known: str | None = None) -> Opened | None:
    """Open a model and check it; None where it is the file of digest `known`.

    Raises FluidlineError where there is none, it cannot be used, its answers are wrong, or the device is not to be had.
    """
    path = locate(source.run, source.path, settings.runs_dir)
    digest = _digest(path)
    if digest == known:
        return None
    model = _open(path, settings)
    if model.provider != CPU and model.is_batched:
        from export.serving.gpu import with_graphs

        model = with_graphs(model, settings.max_batch)
    check(model, settings.max_batch)
    name = source.name or model.name
    return Opened(index, name, source.version or digest[:8], digest, model)


def check(model: Model, max_batch: int) -> None:
    """Warm a model up, and hold its answers against those of its graph as it is written, on the CPU, one by one.

    Of a model that takes tensors of other kinds nobody knows what suits it: it is not run. Raises DataError where the
    answers differ.
    """
    if model.kind.takes is None and not model.is_batched:
        return
    rows = np.random.default_rng(0).uniform(-1, 1, (max_batch, *model.shape)).astype(np.float32)
    expected = _reference(model.path, rows)
    tolerance = _TOLERANCE * max(1.0, float(np.abs(expected).max()))
    for batch in {1, 2, max_batch}:
        answers = model.run(rows[:batch])
        difference = float(np.abs(answers - expected[:batch]).max())
        if not difference <= tolerance:
            raise DataError(
                f"{model.path} answers wrongly on {model.provider}: off by {difference:.3g} in a batch of {batch}"
                " (serve it with --device cpu, or export it again)"
            )


def _reference(path: Path, rows: Floats) -> Floats:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=[CPU])
    answers: Floats = session.run(None, {session.get_inputs()[0].name: rows})[0]
    return answers


def _open(path: Path, settings: Settings) -> Model:
    try:
        model = load(path, settings.device, "serving")
    except DataError:
        raise
    except FluidlineError as error:
        if not settings.allow_cpu_fallback:
            raise FluidlineError(f"{error} (--allow-cpu-fallback would serve on the CPU)") from None
        log.warning("no GPU, falling back to the CPU: %s", error)
        model = load(path, "cpu", "serving")
    return model


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
