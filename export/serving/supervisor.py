"""The process that a user starts: it binds the port, forks the workers, replaces those that die, and passes signals on.

SIGTERM, SIGINT   stop: the workers finish what they accepted, for at most the grace time
SIGHUP            the workers look for new models; so does a change of the files
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

from export.serving.board import Board
from export.serving.routes import LABELS
from export.serving.settings import ModelSource, Settings
from fluidline.errors import FluidlineError
from fluidline.runs import LATEST, RunFolder
from fluidline.signals import blocked

_WAKING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM)
_TICK = 0.5  # seconds between two looks at the files, and at what is due
_LAST = 2.0  # seconds beyond the grace time after which a worker is killed
_SHORT_LIFE = 1.0  # seconds; a worker that lived no longer is replaced only after as long
_LONGEST_REPORT = 2000  # bytes: a pipe takes as many whole

log = logging.getLogger(__name__)


def supervise(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises FluidlineError where the port or a model cannot be had."""
    with blocked(_WAKING):  # until they are asked for
        Supervisor(settings).run()


class Supervisor:
    """The workers of a server by number, and what is due for them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._board = Board(settings.workers, len(LABELS), len(settings.models))
        self._sockets = bind(settings.host, settings.port, settings.workers)
        self._pids: dict[int, int] = {}  # of the workers, by process
        self._started = [0.0] * settings.workers
        self._dead: set[int] = set()
        self._lifeline, self._held = os.pipe()
        self._reports, self._report = os.pipe()
        os.set_blocking(self._reports, False)
        self._announced = False
        self._watch = Watch(settings)

    def run(self) -> None:
        """See `supervise`."""
        import export.serving.worker  # noqa: F401  before the forks, so that it is imported once for all

        gc.freeze()
        for index in range(self._settings.workers):
            self._fork(index)
        signal.setitimer(signal.ITIMER_REAL, _TICK / 10, _TICK)
        try:
            while (number := signal.sigwait(_WAKING)) not in (signal.SIGTERM, signal.SIGINT):
                if number == signal.SIGHUP:
                    self._signal(signal.SIGHUP)
                self._tick()
        finally:
            self._stop()

    def _fork(self, index: int) -> None:
        self._started[index] = time.monotonic()
        pid = os.fork()
        if pid:
            self._pids[pid] = index
            return
        code = 1
        try:
            os.close(self._held)  # so that the lifeline ends with the supervisor
            code = self._work(index)
        except BaseException:
            traceback.print_exc()
        finally:
            logging.shutdown()
            os._exit(code)  # what the parent has to do at its end is not for a worker to do

    def _work(self, index: int) -> int:
        from export.serving.worker import Worker

        for other, listening in enumerate(self._sockets):
            if other != index and listening is not self._sockets[index]:
                listening.close()
        try:
            Worker(self._settings, self._board, index, self._sockets[index], self._lifeline).run()
        except FluidlineError as error:
            os.write(self._report, f"{error.exit_code}{error}\n".encode()[:_LONGEST_REPORT])
            return 1
        return 0

    def _tick(self) -> None:
        self._reap()
        now = time.monotonic()
        for index in sorted(self._dead):
            if now - self._started[index] > _SHORT_LIFE:
                self._dead.remove(index)
                self._fork(index)
        if self._watch.has_changed():
            self._signal(signal.SIGHUP)
        if not self._announced and self._board.totals()["ready"] == self._settings.workers:
            self._announced = True
            log.info("ready: %s", self.url)

    @property
    def url(self) -> str:
        """Where the server is."""
        host, port = self._sockets[0].getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def _reap(self) -> None:
        while self._pids:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            index = self._pids.pop(pid)
            row = self._board.row(index)
            for gauge in ("ready", "connections", "waiting"):
                row[gauge] = 0
            report = self._read_report()
            if not self._announced:
                raise report or FluidlineError(f"a worker ended while it started, {_how(status)} (the log says why)")
            log.error("worker %d ended, %s; it is replaced%s", pid, _how(status), f": {report}" if report else "")
            self._dead.add(index)

    def _read_report(self) -> FluidlineError | None:
        """Return the error with which a worker ended, if it said so."""
        try:
            lines = os.read(self._reports, 16 * _LONGEST_REPORT).decode(errors="replace").splitlines()
        except BlockingIOError:
            return None
        error = FluidlineError(lines[0][1:])
        error.exit_code = int(lines[0][0])
        return error

    def _signal(self, number: int) -> None:
        for pid in self._pids:
            os.kill(pid, number)

    def _stop(self) -> None:
        """Stop the workers, and return when they have ended."""
        signal.setitimer(signal.ITIMER_REAL, _TICK / 10, _TICK / 10)
        for listening in self._sockets:  # the workers' own are the last: when they close them, clients go elsewhere
            listening.close()
        self._signal(signal.SIGTERM)
        last = time.monotonic() + self._settings.grace + _LAST
        while self._pids:
            number = signal.sigwait(_WAKING)
            if number == signal.SIGINT or time.monotonic() > last:  # a second Ctrl-C is impatient
                self._signal(signal.SIGKILL)
            with suppress(ChildProcessError):
                while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                    self._pids.pop(pid, None)
        signal.setitimer(signal.ITIMER_REAL, 0)


class Watch:
    """Tells when the files that the models come from have changed, and then stayed as they are for one look."""

    def __init__(self, settings: Settings) -> None:
        self._files = [file for source in settings.models for file in _files_of(source, settings.runs_dir)]
        self._known = self._seen = self._look()

    def has_changed(self) -> bool:
        """Look again."""
        seen, self._seen = self._seen, self._look()
        if self._seen != seen or seen == self._known:
            return False
        self._known = seen
        return True

    def _look(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(file) for file in self._files]


def bind(host: str, port: int, count: int) -> list[socket.socket]:
    """Bind `count` sockets to one port, 0 for any, among which the system deals out connections.

    Where it cannot, they are one and the same. Raises FluidlineError where the address is not to be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with _socket(family, kind, protocol, address):  # would fail where someone listens, as those below would not
            pass
        if not sys.platform.startswith("linux"):
            return [_socket(family, kind, protocol, address)] * count
        first = _socket(family, kind, protocol, address, shared=True)
        rest = [_socket(family, kind, protocol, first.getsockname(), shared=True) for _ in range(count - 1)]
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FluidlineError(
            f"cannot listen on {host} port {port}: {reason} (stop what does, or choose another with --port; make serve PORT=...)"
        ) from error
    return [first, *rest]


def _socket(family: int, kind: int, protocol: int, address: object, shared: bool = False) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(address)  # type: ignore[arg-type]
    except OSError:
        made.close()
        raise
    made.setblocking(False)
    return made


def _files_of(source: ModelSource, runs_dir: Path) -> list[Path]:
    if source.path is not None and not source.path.is_dir():
        return [source.path, RunFolder(source.path.parent.parent).manifest]
    run = RunFolder(source.path or runs_dir / (source.run or LATEST))
    return [run.onnx, run.manifest]


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
