"""Load for an HTTP server: so many connections, each with one request at a time, for so many seconds.

Written on uvloop and as little else as can be, for it takes its processor time from the server that it measures.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Sequence
from time import perf_counter

import uvloop

RAMP_S = 0.2  # in which the connections come up, and nothing counts
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Load:
    """What came of it: `latencies`, seconds of each answer within `seconds`, how many of all were no 200 or did not come.

    `answered` has also those of the ramp, which the server's processor time is for.
    """

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.requests = itertools.cycle(requests)
        self.latencies: list[float] = []
        self.answered = self.errors = 0
        self.seconds = 0.0
        self.over = False


def load(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Load:
    """Send whole requests, round and round, over so many connections, and return what came of it.

    Answers have to name their length. Raises OSError where nobody listens.
    """
    return uvloop.run(_load(port, requests, clients, seconds))


async def _load(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Load:
    loop, result = asyncio.get_running_loop(), Load(requests)
    opened = [await loop.create_connection(lambda: _Client(result), "127.0.0.1", port) for _ in range(clients)]
    await asyncio.sleep(RAMP_S)
    result.answered = len(result.latencies)
    result.latencies.clear()
    begin = perf_counter()
    await asyncio.sleep(seconds)
    result.over = True
    result.seconds = perf_counter() - begin
    result.answered += len(result.latencies)
    for transport, _ in opened:
        transport.abort()
    return result


class _Client(asyncio.Protocol):
    def __init__(self, result: Load) -> None:
        self.result = result
        self.received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        if self.received:
            data = self.received + data
        end = data.find(b"\r\n\r\n")
        length = _LENGTH.search(data, 0, end) if end > 0 else None
        if length is None or len(data) < end + 4 + int(length[1]):
            self.received = data
            return
        self.received = b""
        result = self.result
        if result.over:
            return
        if data.startswith(b"HTTP/1.1 200"):
            result.latencies.append(perf_counter() - self.asked)
        else:
            result.errors += 1
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        self.result.errors += not self.result.over

    def _ask(self) -> None:
        self.asked = perf_counter()
        self.transport.write(next(self.result.requests))
