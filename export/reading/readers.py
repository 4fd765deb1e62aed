"""Processes that read image files ahead of the model, in order, and never further ahead than a fixed number of batches.

Processes, not threads: around the decoding of a small file there is as much Python, which the interpreter's lock would
put one after the other; they start reading while this process still imports onnxruntime; and a decoder that crashes
on a damaged file takes down a reader, not the command.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from export.reading.messages import Answer, Settings
from fluidline.errors import DataError

_AHEAD = 32 << 20
"""Bytes of pixels that may be read before the model takes them: 40,000 images of 28x28, so that no reader waits."""


@dataclass(frozen=True)
class Batch:
    """File names, their pixels (uint8, n * height * width bytes, light ink on dark), and the reasons of failures by index."""

    names: list[str]
    pixels: bytes
    failures: dict[int, str]


class Readers:
    """A context in which `count` processes read `names` in batches of `size`; iterated over, it gives them in order.

    Raises DataError where a reader dies.
    """

    def __init__(self, names: Iterable[str], settings: Settings, size: int, count: int) -> None:
        self._names = iter(names)
        self._settings = settings
        self._size = size
        self._count = count
        self._readers: list[_Reader] = []
        self._order: queue.SimpleQueue[tuple[list[str], _Reader] | BaseException | None] = queue.SimpleQueue()
        height, width = settings.size
        self._slots = threading.Semaphore(max(2 * count, _AHEAD // (size * height * width)))
        self._closed = False
        self._feeder = threading.Thread(target=self._feed, daemon=True)

    def __enter__(self) -> Readers:
        self._readers.append(_Reader(self._settings))
        self._feeder.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed = True
        self._slots.release()
        for reader in self._readers:
            reader.kill()
        self._feeder.join()
        for reader in self._readers:  # also one that the feeder started meanwhile
            reader.kill()

    def __iter__(self) -> Iterator[Batch]:
        while (item := self._order.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            names, reader = item
            answer = reader.receive(names)
            self._slots.release()
            yield Batch(names, answer.pixels, answer.failures)

    def _feed(self) -> None:
        """Deal the batches out to the readers, each in its turn; a reader starts with its first batch."""
        try:
            turn = 0
            while names := list(islice(self._names, self._size)):
                self._slots.acquire()
                if self._closed:
                    return
                if turn % self._count == len(self._readers):
                    self._readers.append(_Reader(self._settings))
                reader = self._readers[turn % self._count]
                self._order.put((names, reader))
                reader.send(names)
                turn += 1
            self._order.put(None)
        except Exception as error:
            self._order.put(error)


class _Reader:
    """One process, and a thread that takes its answers as soon as they come."""

    def __init__(self, settings: Settings) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from export.reading.process import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],  # where `export` is found
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # the other readers are what uses the cores
            process_group=0,  # Ctrl-C is for the command alone, which then closes its readers
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._replies = self._process.stdin, self._process.stdout
        self._answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._taker = threading.Thread(target=self._take, daemon=True)
        self._taker.start()
        self.send(settings)

    def send(self, message: Any) -> None:
        with suppress(OSError):  # the process has died: `receive` says so, with the batch that killed it
            pickle.dump(message, self._requests, pickle.HIGHEST_PROTOCOL)
            self._requests.flush()

    def receive(self, names: list[str]) -> Answer:
        answer = self._answers.get()
        if answer is None:
            self._answers.put(None)
            raise DataError(
                f"the process that read the images died, exit status {self._process.wait()}, on one of {names[0]} to"
                f" {names[-1]} (find it by halves with --batch-size 1, and remove it)"
            )
        return answer

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._taker.join()
        self._replies.close()
        with suppress(OSError):  # what was not sent yet cannot be any more
            self._requests.close()

    def _take(self) -> None:
        try:
            while True:
                self._answers.put(pickle.load(self._replies))
        except (EOFError, pickle.UnpicklingError):
            self._answers.put(None)
