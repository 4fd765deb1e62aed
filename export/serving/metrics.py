"""The counts of all workers in the words of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from export.serving.board import STATUSES, Board
from export.serving.models import Served

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


def exposition(board: Board, routes: Sequence[str], served: Iterable[Served]) -> bytes:
    """Return what `GET /metrics` answers."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counts(board, routes, list(served)))
    return generate_latest(registry)


class _Counts(Collector):
    def __init__(self, board: Board, routes: Sequence[str], served: list[Served]) -> None:
        self._board, self._routes, self._served = board, routes, served

    def collect(self) -> Iterator[Metric]:
        totals = self._board.totals()
        requests = CounterMetricFamily(
            "fluidline_requests", "Answers, by route and status.", labels=["route", "status"]
        )
        latency = HistogramMetricFamily(
            "fluidline_request_seconds", "From a request's first byte to its answer.", labels=["route"]
        )
        for index, route in enumerate(self._routes):
            counts = {status: totals.requests(index, status) for status in STATUSES}
            for status, count in counts.items():
                if count:
                    requests.add_metric([route, str(status)], count)
            if any(counts.values()):
                latency.add_metric([route], *totals.buckets(self._board.latencies[index]))
        yield requests
        yield latency
        batches = HistogramMetricFamily(
            "fluidline_batch_images", "Images that a model got at a time.", labels=["model"]
        )
        info = GaugeMetricFamily(
            "fluidline_model_info", "Models served, and on what.", labels=["model", "version", "provider"]
        )
        for served in self._served:
            batches.add_metric([served.name], *totals.buckets(self._board.batches[served.index]))
            info.add_metric([served.name, served.version, served.model.provider], 1)
        yield batches
        yield info
        for name, gauge, text in (
            ("fluidline_queue_images", "waiting", "Images that wait for a model."),
            ("fluidline_connections", "connections", "Open connections."),
            ("fluidline_workers_ready", "ready", "Worker processes that are ready."),
        ):
            yield GaugeMetricFamily(name, text, value=totals[gauge])
        yield CounterMetricFamily("fluidline_worker_starts", "Worker processes started.", value=totals["starts"])
        reloads = CounterMetricFamily("fluidline_reloads", "Reloads of models, of each worker.", labels=["result"])
        reloads.add_metric(["done"], totals["reloads"])
        reloads.add_metric(["refused"], totals["failed_reloads"])
        yield reloads
