"""Where the worker processes of a server count: a piece of shared memory with a row for each, that any of them can sum.

A worker writes to its own row only, so nothing is locked; a row outlives its worker, and a replacement counts on.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Sequence

STATUSES = (200, 400, 401, 404, 405, 408, 413, 415, 422, 431, 500, 503)
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
GAUGES = ("ready", "connections", "waiting", "reloads", "failed_reloads", "starts", "loaded")

_STATUS_INDEX = {status: index for index, status in enumerate(STATUSES)}


class Histogram:
    """Counts by upper bound, one more for what is above the last, and a sum, at a place in a row."""

    def __init__(self, bounds: Sequence[float], start: int) -> None:
        self.bounds = bounds
        self.start = start
        self.size = len(bounds) + 2

    def observe(self, row: memoryview[float], value: float) -> None:
        """Count a value."""
        row[self.start + bisect_left(self.bounds, value)] += 1
        row[self.start + self.size - 1] += value


class Board:
    """The counts of `workers` processes, for `routes` and `models` by number; make it before they are forked."""

    def __init__(self, workers: int, routes: int, models: int) -> None:
        self.workers, self.routes, self.models = workers, routes, models
        start = len(GAUGES)
        self.latencies = []
        self.batches = []
        self.requests = start
        start += routes * len(STATUSES)
        for _ in range(routes):
            self.latencies.append(Histogram(SECONDS, start))
            start += self.latencies[-1].size
        for _ in range(models):
            self.batches.append(Histogram(IMAGES, start))
            start += self.batches[-1].size
        self._width = start
        self._memory = memoryview(mmap.mmap(-1, 8 * workers * start)).cast("d")

    def row(self, worker: int) -> Row:
        """Return the row in which a worker counts."""
        return Row(self, self._memory[worker * self._width : (worker + 1) * self._width])

    def has_started(self) -> bool:
        """Say whether every worker has loaded its models, it or one before it.

        Until then none answers about images: a client that was answered once must not be refused by another worker.
        """
        return all(self.row(worker)["loaded"] for worker in range(self.workers))

    def totals(self) -> Row:
        """Return the sum of all rows."""
        rows = [self.row(worker).values for worker in range(self.workers)]
        return Row(self, memoryview(bytearray(8 * self._width)).cast("d"), list(map(sum, zip(*rows, strict=True))))


class Row:
    """The counts of one worker, or of all."""

    def __init__(self, board: Board, values: memoryview[float], filled: Sequence[float] = ()) -> None:
        self.board = board
        self.values = values
        for index, value in enumerate(filled):
            values[index] = value

    def count_request(self, route: int, status: int, seconds: float) -> None:
        """Count an answer."""
        self.values[self.board.requests + route * len(STATUSES) + _STATUS_INDEX[status]] += 1
        self.board.latencies[route].observe(self.values, seconds)

    def count_batch(self, model: int, images: int) -> None:
        """Count a run of a model."""
        self.board.batches[model].observe(self.values, images)

    def requests(self, route: int, status: int) -> float:
        """Return how often a route answered with a status."""
        value: float = self.values[self.board.requests + route * len(STATUSES) + _STATUS_INDEX[status]]
        return value

    def buckets(self, histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
        """Return a histogram's cumulative counts by upper bound, as Prometheus has them, and its sum."""
        counts = self.values[histogram.start : histogram.start + histogram.size].tolist()
        total, cumulative = counts.pop(), []
        so_far = 0.0
        for bound, count in zip((*map(float, histogram.bounds), float("inf")), counts, strict=True):
            so_far += count
            cumulative.append(("+Inf" if bound == float("inf") else str(bound), so_far))
        return cumulative, total

    def __getitem__(self, gauge: str) -> float:
        value: float = self.values[GAUGES.index(gauge)]
        return value

    def __setitem__(self, gauge: str, value: float) -> None:
        self.values[GAUGES.index(gauge)] = value
