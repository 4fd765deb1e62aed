"""A worker process: an event loop, its connections, its models; from its start to its end."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import signal
import socket
import sys
import time
import warnings

import uvloop

from export.serving.app import App
from export.serving.board import Board
from export.serving.exchange import Exchange
from export.serving.logs import AccessLog
from export.serving.models import Models
from export.serving.server import HttpServer
from export.serving.settings import Settings
from fluidline.errors import FluidlineError

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_SWITCH = 0.0005  # seconds that a thread may keep the interpreter from the event loop
_OTHER_FILES = 100  # beside connections
_TICK = 0.25  # seconds between two looks at what changes slowly

log = logging.getLogger(__name__)


class Worker:
    """One process of a server. SIGTERM, or the end of `lifeline`, drains it, and SIGHUP makes it look for new models."""

    def __init__(self, settings: Settings, board: Board, index: int, listening: socket.socket, lifeline: int) -> None:
        self._settings = settings
        self._board = board
        self._row = board.row(index)
        self._listening = listening
        self._lifeline = lifeline
        self._access = AccessLog() if settings.access_log else None
        self._reloads: asyncio.Task[None] | None = None
        self._reload_again = False

    def run(self) -> None:
        """Serve until told to stop. Raises FluidlineError where the models cannot be used."""
        _allow_files(self._settings.max_connections + _OTHER_FILES)
        warnings.simplefilter("ignore")  # of decoders, on what is odd about an image
        sys.setswitchinterval(_SWITCH)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which then stops its workers
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        row, loop = self._row, asyncio.get_running_loop()
        replaces = row["starts"] > 0
        row["starts"] += 1
        stopping = asyncio.Event()
        models = Models(self._settings, row.count_batch, self._board.has_started)
        app = App(self._settings, models, self._board, row)
        server = HttpServer(self._settings, app, self._answered)
        loop.add_signal_handler(signal.SIGTERM, stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload, models)
        loop.add_reader(self._lifeline, stopping.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if not replaces:
            server.listen(self._listening)  # so that it can be seen to be live, and not ready, while it loads
        await models.load()
        if replaces:
            server.listen(self._listening)  # meanwhile connections wait in the socket's queue
        gc.freeze()  # what is there now stays, and need not be looked through for garbage
        row["ready"] = row["loaded"] = 1
        self._tick(loop, server, models, app)
        loop.run_in_executor(None, _import_metrics)
        await stopping.wait()
        app.stopping = True
        row["ready"] = 0
        await server.drain(self._settings.grace)
        if self._access:
            self._access.flush()

    def _answered(self, exchange: Exchange, status: int) -> None:
        seconds = time.perf_counter() - exchange.started
        self._row.count_request(exchange.route, status, seconds)
        if self._access:
            self._access.add(exchange, status, seconds)

    def _tick(self, loop: asyncio.AbstractEventLoop, server: HttpServer, models: Models, app: App) -> None:
        self._row["connections"] = len(server.connections)
        self._row["waiting"] = models.waiting + app.decoder.waiting
        if self._access:
            self._access.flush()
        loop.call_later(_TICK, self._tick, loop, server, models, app)

    def _reload(self, models: Models) -> None:
        self._reload_again = True
        if self._reloads is None or self._reloads.done():
            self._reloads = asyncio.get_running_loop().create_task(self._reload_models(models))

    async def _reload_models(self, models: Models) -> None:
        while self._reload_again:
            self._reload_again = False
            try:
                await models.load()
            except FluidlineError as error:
                self._row["failed_reloads"] += 1
                log.error("the models stay as they were: %s", error)
            else:
                self._row["reloads"] += 1


def _allow_files(count: int) -> None:
    """Let this process open so many files, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _import_metrics() -> None:
    import export.serving.metrics  # noqa: F401  takes as long as a hundred requests: before one waits for it
