"""The race itself: all servers are up and have answered rightly, and are loaded one after the other, in rounds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmarks.serving.client import load
from benchmarks.serving.contenders import Contender
from benchmarks.serving.forms import FORMS, Pixels, label_of
from benchmarks.serving.process import Server
from benchmarks.serving.results import Course, Lap, Started
from export.model import load as load_model
from fluidline.errors import FluidlineError

STEP, CLIENTS = 100_000, 64  # of many requests: those between two looks at the memory, and the clients that send them

_log = logging.getLogger("fluidline.serving")


class Field:
    """A context with the running servers. Raises FluidlineError where one does not label each image as the model does."""

    def __init__(self, everyone: Sequence[Contender], model: Path, images: Pixels, folder: Path) -> None:
        self.images = images
        self.servers: list[Server] = []
        labels = load_model(model, "cpu").classify(images).argmax(axis=1).tolist()
        with ExitStack() as stack:
            for contender in everyone:
                server = Server(contender, model, images[0], folder / f"{contender.title}.log")
                self.servers.append(stack.enter_context(server))
                for form in contender.paths:
                    self._check(server, form, labels)
            self.open = stack.pop_all()

    def __enter__(self) -> Field:
        return self

    def __exit__(self, *_: object) -> None:
        self.open.close()

    @property
    def started(self) -> list[Started]:
        return [Started(server.contender.title, server.cold_start_s, server.memory()) for server in self.servers]

    def race(self, forms: Sequence[str], clients: Sequence[int], rounds: int, seconds: float) -> list[Course]:
        """Return what `rounds` rounds came to, after one to warm up; each server begins a round as often as the others."""
        courses = [Course(form, count, {}) for form in forms for count in clients]
        for number in range(1 + rounds):
            begin = number % len(self.servers)
            for course in courses:
                for server in self.servers[begin:] + self.servers[:begin]:
                    if course.form in server.contender.paths:
                        lap = self._slice(server, course.form, course.clients, seconds)
                        if number:
                            course.laps.setdefault(server.contender.title, []).append(lap)
            _log.info(f"round {number} of {rounds}" if number else "warmed up")
        return courses

    def endure(self, count: int, seconds: float) -> list[tuple[int, int]]:
        """Ask the first server `count` times, in all its forms by turns, and return its bytes after each STEP requests."""
        server, done = self.servers[0], 0
        memory = [(0, server.memory())]
        for form in cycle(server.contender.paths):
            lap = self._slice(server, form, CLIENTS, seconds)
            if lap.errors:
                raise FluidlineError(f"{lap.errors} of {lap.answers} answers were errors ({form})")
            done += lap.answers
            if done // STEP > memory[-1][0] // STEP:
                memory.append((done, server.memory()))
                _log.info("%d requests, %.1f MB", done, memory[-1][1] / 1e6)
            if done >= count:
                return memory
        raise AssertionError("a cycle has no end")

    def _slice(self, server: Server, form: str, clients: int, seconds: float) -> Lap:
        """Load a server, and return what came of it."""
        path = server.contender.paths[form]
        begun = server.cpu_s()
        result = load(server.port, [FORMS[form].request(path, image) for image in self.images], clients, seconds)
        cpu_s = server.cpu_s() - begun
        if not result.latencies:
            raise FluidlineError(
                f"{server.contender.title} answered nothing in {seconds:g} s ({form}, {clients} clients)"
            )
        p50, p99 = np.percentile(result.latencies, (50, 99))
        return Lap(
            answers=len(result.latencies),
            seconds=result.seconds,
            p50_ms=1e3 * p50,
            p99_ms=1e3 * p99,
            cpu_us=1e6 * cpu_s / result.answered,
            errors=result.errors,
        )

    def _check(self, server: Server, form: str, labels: Sequence[int]) -> None:
        for image, label in zip(self.images, labels, strict=True):
            status, answer = server.ask(form, image)
            if status != 200 or label_of(answer) != label:
                raise FluidlineError(f"{server.contender.title} answers wrongly ({form}, {status}): {answer[:200]!r}")
