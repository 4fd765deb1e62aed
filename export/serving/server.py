"""The connections of a worker: accepted, timed, and at the end drained."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import time
from collections.abc import Callable
from email.utils import formatdate

from export.serving.connection import Connection
from export.serving.exchange import Exchange
from export.serving.settings import MIB, Settings

_SWEEP = 1.0  # seconds between two looks at what is too old
_STEP = 0.02  # seconds between two looks at who is done
_LAST_CALL = 0.2  # seconds for what was on its way when the server was told to stop


class HttpServer:
    """Serves HTTP from a listening socket: `handle` gets each request, `answered` each with its status."""

    def __init__(
        self,
        limits: Settings,
        handle: Callable[[Exchange], None],
        answered: Callable[[Exchange, int], None],
    ) -> None:
        self.limits = limits
        self.handle = handle
        self.answered = answered
        self.connections: set[Connection] = set()
        self.draining = False
        self.buffered = 0  # bytes of bodies received and not yet answered
        self.max_buffered = max(256 * MIB, 4 * limits.max_body)
        self.date = b""
        self._id_prefix = os.urandom(6).hex().encode()
        self._ids = itertools.count(1)
        self._listener: asyncio.Server | None = None

    def make_id(self) -> bytes:
        """Return the id of a request that came without one."""
        return b"%b-%x" % (self._id_prefix, next(self._ids))

    async def listen(self, listening: socket.socket) -> None:
        """Start to accept connections from a bound socket."""
        loop = asyncio.get_running_loop()
        self._sweep(loop)
        self._listener = await loop.create_server(lambda: Connection(self), sock=listening, backlog=4096)

    async def drain(self, grace: float) -> None:
        """Accept no more, answer what was begun, and return when that is done or `grace` seconds are over."""
        end = time.perf_counter() + grace
        self.draining = True
        await asyncio.sleep(_LAST_CALL)
        if self._listener:
            self._listener.close()
        while self.connections and time.perf_counter() < end:
            for connection in list(self.connections):
                connection.close_if_idle()
            await asyncio.sleep(_STEP)
        for connection in list(self.connections):
            connection.transport.abort()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self.date = formatdate(usegmt=True).encode()
        now = time.perf_counter()
        for connection in list(self.connections):
            connection.check_time(now, self.limits.timeout)
        loop.call_later(_SWEEP, self._sweep, loop)
