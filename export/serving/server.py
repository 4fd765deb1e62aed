"""The connections of a worker: accepted, timed, and at the end drained."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import socket
import time
from collections.abc import Callable
from email.utils import formatdate

from export.serving.connection import Connection
from export.serving.exchange import Exchange
from export.serving.heads import Heads
from export.serving.settings import MIB, Settings

_SWEEP = 1.0  # seconds between two looks at what is too old
_BACKLOG = 4096  # connections that the system lets in ahead of us
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
        self.heads = Heads()
        self.draining = False
        self.buffered = 0  # bytes of bodies received and not yet answered
        self.max_buffered = max(256 * MIB, 4 * limits.max_body)
        self.date = b""
        self._id_prefix = os.urandom(6).hex().encode()
        self._ids = itertools.count(1)
        self._listening: socket.socket | None = None
        self._opening: set[asyncio.Task[object]] = set()

    def make_id(self) -> bytes:
        """Return the id of a request that came without one."""
        return b"%b-%x" % (self._id_prefix, next(self._ids))

    def listen(self, listening: socket.socket) -> None:
        """Start to accept connections from a bound socket."""
        self._listening = listening
        listening.listen(_BACKLOG)
        loop = asyncio.get_running_loop()
        self._sweep(loop)
        loop.add_reader(listening, self._accept)

    async def drain(self, grace: float) -> None:
        """Accept no more, answer what was begun, and return when that is done or `grace` seconds are over."""
        end = time.perf_counter() + grace
        self.draining = True
        await asyncio.sleep(_LAST_CALL)
        if self._listening:
            self._accept()  # what the system has let in is ours to answer
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()
        while self.connections and time.perf_counter() < end:
            for connection in list(self.connections):
                connection.close_if_idle()
            await asyncio.sleep(_STEP)
        for connection in list(self.connections):
            connection.transport.abort()

    def _accept(self) -> None:
        """Accept all who wait: the loop's own servers accept one each turn, and turns are long under load."""
        assert self._listening is not None
        loop = asyncio.get_running_loop()
        for _ in range(_BACKLOG):
            try:
                client, _address = self._listening.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):  # then they wait, until others have left
                    loop.remove_reader(self._listening)
                    loop.call_later(_SWEEP, self._listen_again)
                return
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(loop.connect_accepted_socket(lambda: Connection(self), client))
            self._opening.add(task)
            task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[object]) -> None:
        self._opening.discard(task)
        if not task.cancelled():
            task.exception()  # of a client that has left already, which is no news

    def _listen_again(self) -> None:
        if self._listening is not None and not self.draining:
            asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self.date = formatdate(usegmt=True).encode()
        now = time.perf_counter()
        for connection in list(self.connections):
            connection.check_time(now, self.limits.timeout)
        loop.call_later(_SWEEP, self._sweep, loop)
