"""What is ready is computed together: jobs that came within one turn of the event loop make one batch.

Nothing waits for company unless it is told to (`max_wait`). On a CPU the model runs in the event loop itself: its
core has nothing better to do, and the requests that arrive meanwhile are the next batch. On a GPU it runs in a thread,
so that the loop reads the next requests while the device computes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from export.kind import Floats
from export.model import Model
from export.serving.errors import RequestError, busy, internal, unprocessable

# Seconds of batches one after the other before the connections are looked at again. Within these bounds it is a multiple
# of what the connections took: to refuse a request costs as much as to answer it, and must not be all that is done.
_SHORTEST_TURN, _LONGEST_TURN, _SHARE = 0.02, 0.25, 4

log = logging.getLogger(__name__)


class Timing(NamedTuple):
    """When a job's last batch began and ended, of perf_counter, and how many images it had."""

    begun: float
    done: float
    batch: int


class Job:
    """Rows on their way to a model: `count` of float32 as it takes them, or images of uint8, light ink on dark."""

    __slots__ = ("are_pixels", "count", "images", "queued", "rows", "taken")

    def __init__(self, images: bytes, are_pixels: bool, count: int) -> None:
        self.images = images
        self.are_pixels = are_pixels
        self.count = count
        self.queued = time.perf_counter()
        self.taken = 0
        self.rows: list[Floats] = []

    def finish(self, answers: Floats, best: list[int], timing: Timing) -> None:
        """Take the answers, float32 [count, labels or 1], and which is the largest of each row."""
        raise NotImplementedError

    def fail(self, error: RequestError) -> None:
        """Take the reason why there are none."""
        raise NotImplementedError


class Part(NamedTuple):
    """The images of a job, from `start` on, that are in a batch: all of them unless they are many."""

    job: Job
    start: int
    length: int

    def data(self) -> bytes | memoryview:
        """Return the bytes of these images."""
        job = self.job
        if self.length == job.count:
            return job.images
        size = len(job.images) // job.count
        return memoryview(job.images)[self.start * size : (self.start + self.length) * size]


class Batcher:
    """The queue in front of one model. `max_wait` and `timeout` are in seconds, `max_queue` counts images."""

    def __init__(
        self,
        model: Model,
        *,
        max_batch: int,
        max_wait: float,
        max_queue: int,
        timeout: float,
        observe: Callable[[int], None],
        thread: ThreadPoolExecutor | None = None,
    ) -> None:
        self.waiting = 0
        self._model = model
        self._shape = (-1, *model.shape)
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._max_queue = max_queue
        self._timeout = timeout
        self._observe = observe
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Job] = deque()
        self._due: asyncio.Handle | None = None
        self._computing = False
        self._looked = time.perf_counter()  # when the connections were last let in

    def submit(self, job: Job) -> None:
        """Queue a job. Raises RequestError, 503, where the queue is full."""
        if self.waiting + job.count > self._max_queue:
            raise busy(f"{self.waiting} images are waiting already")
        self._queue.append(job)
        self.waiting += job.count
        if self._computing:
            return
        if self._due is None and self._max_wait:
            self._due = self._loop.call_later(self._max_wait, self._turn)
        elif self._due is None:
            self._due = self._loop.call_soon(self._turn)
        elif self._max_wait and self.waiting >= self._max_batch:
            self._due.cancel()
            self._due = self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._due = None
        now = time.perf_counter()
        end = now + min(max(_SHARE * (now - self._looked), _SHORTEST_TURN), _LONGEST_TURN)
        while parts := self._take():
            begun = time.perf_counter()
            if self._thread is not None:
                self._computing = True
                future = self._loop.run_in_executor(self._thread, self._compute, parts)
                future.add_done_callback(partial(self._computed, parts, begun))
                return
            self._deliver(parts, begun, self._compute(parts))
            self._looked = time.perf_counter()
            if self._queue and self._looked > end:
                self._due = self._loop.call_soon(self._turn)
                return

    def _computed(self, parts: list[Part], begun: float, future: asyncio.Future[Floats | None]) -> None:
        self._computing = False
        self._turn()  # the device goes on while this batch is answered
        self._deliver(parts, begun, future.result())

    def _take(self) -> list[Part]:
        """Take at most `max_batch` images off the queue; what has waited too long is refused."""
        parts, room = [], self._max_batch
        oldest = time.perf_counter() - self._timeout
        while self._queue and room:
            job = self._queue[0]
            if job.queued < oldest:
                self._queue.popleft()
                self.waiting -= job.count - job.taken
                job.fail(busy("the images have waited too long for the model"))
                continue
            count = min(room, job.count - job.taken)
            parts.append(Part(job, job.taken, count))
            job.taken += count
            room -= count
            self.waiting -= count
            if job.taken == job.count:
                self._queue.popleft()
        return parts

    def _compute(self, parts: list[Part]) -> Floats | None:
        try:
            return self._model.run(self._join(parts))
        except Exception:  # onnxruntime's exceptions have no base of their own
            log.exception("the model failed on a batch")
            return None

    def _join(self, parts: list[Part]) -> Floats:
        kinds = {part.job.are_pixels for part in parts}
        if len(kinds) == 1:
            return self._to_array([part.data() for part in parts], kinds.pop())
        return np.concatenate([self._to_array([part.data()], part.job.are_pixels) for part in parts])

    def _to_array(self, data: list[bytes | memoryview], are_pixels: bool) -> Floats:
        joined = data[0] if len(data) == 1 else b"".join(data)
        if are_pixels:
            return self._model.images.normalise(np.frombuffer(joined, np.uint8))
        return np.frombuffer(joined, "<f4").reshape(self._shape)

    def _deliver(self, parts: list[Part], begun: float, answers: Floats | None) -> None:
        timing = Timing(begun, time.perf_counter(), sum(part.length for part in parts))
        self._observe(timing.batch)
        if answers is None:
            for part in parts:
                part.job.fail(internal())
            return
        best = answers.argmax(axis=1).tolist()
        finite = bool(np.isfinite(answers).all())
        end = 0
        for job, _, count in parts:
            start, end = end, end + count
            rows = answers[start:end]
            if count == job.count:
                _finish(job, rows, best[start:end], timing, finite)
                continue
            job.rows.append(rows)
            if sum(map(len, job.rows)) == job.count:
                rows = np.concatenate(job.rows)
                _finish(job, rows, rows.argmax(axis=1).tolist(), timing, False)


def _finish(job: Job, rows: Floats, best: list[int], timing: Timing, finite: bool) -> None:
    if not finite and not np.isfinite(rows).all():
        job.fail(unprocessable("the model's answer is no number", "send finite numbers, as the model takes them"))
        return
    try:
        job.finish(rows, best, timing)
    except Exception:
        log.exception("an answer could not be written")
        job.fail(internal())


class LoneJob(Job):
    """Tensors for a model that takes them one request at a time, and the names of the outputs that are asked for."""

    __slots__ = ("feed", "outputs")

    def __init__(self, feed: Mapping[str, npt.NDArray[Any]], outputs: list[str]) -> None:
        super().__init__(b"", False, 1)
        self.feed = feed
        self.outputs = outputs

    def take(self, answers: list[npt.NDArray[Any]]) -> None:
        """Take the outputs, in the order of their names."""
        raise NotImplementedError


class LoneRunner(Batcher):
    """The queue in front of a model whose requests cannot share a run: several tensors, of any kind and shape."""

    def _compute(self, parts: list[Part]) -> Any:
        job = parts[0].job
        assert isinstance(job, LoneJob)
        try:
            return self._model.run_tensors(job.feed, job.outputs)
        except Exception as error:  # onnxruntime's exceptions have no base of their own; most are about the tensors
            return unprocessable(f"the model refuses these tensors: {str(error).splitlines()[0]}", "send others")

    def _deliver(self, parts: list[Part], begun: float, answers: Any) -> None:
        job = parts[0].job
        assert isinstance(job, LoneJob)
        self._observe(1)
        if isinstance(answers, RequestError):
            job.fail(answers)
            return
        try:
            job.take(answers)
        except Exception:
            log.exception("an answer could not be written")
            job.fail(internal())
