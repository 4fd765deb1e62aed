"""A server in processes of its own: its start, its processor time, its memory, its end."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.serving.contenders import Contender
from benchmarks.serving.forms import FORMS, Pixels
from fluidline.errors import FluidlineError

START_S, STOP_S = 60.0, 15.0
_PAUSE_S = 0.01  # between two looks at a server that starts
_TICKS, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


class Server:
    """A context with a contender's server, which has answered about `image` with 200 `cold_start_s` after its start.

    Its processes get the model's file as $MODEL. Raises FluidlineError where they end, or take over START_S.
    """

    def __init__(self, contender: Contender, model: Path, image: Pixels, log: Path) -> None:
        self.contender, self.log = contender, log
        self.port = _free_port()
        start = time.perf_counter()
        with open(log, "wb") as said:
            self.process = subprocess.Popen(
                [part.replace("{port}", str(self.port)) for part in contender.command],
                stdout=said,
                stderr=said,
                env={**os.environ, "MODEL": str(model.resolve()), "OMP_NUM_THREADS": "1"},
                cwd=contender.cwd,
                start_new_session=True,  # by which all its processes are known
            )
        try:
            self._wait(image)
        except BaseException:
            self.close()
            raise
        self.cold_start_s = time.perf_counter() - start

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server, and whatever of it is left then."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_S)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ask(self, form: str, image: Pixels) -> tuple[int, bytes]:
        """Return the status and the body of the answer about an image; 503 is asked again: a process may be late."""
        end = time.perf_counter() + START_S
        status, answer = self._ask(form, image)
        while status == http.HTTPStatus.SERVICE_UNAVAILABLE and time.perf_counter() < end:
            time.sleep(_PAUSE_S)
            status, answer = self._ask(form, image)
        return status, answer

    def cpu_s(self) -> float:
        """Return the processor time that its processes have taken."""
        return sum(int(fields[11]) + int(fields[12]) for fields in self._stats()) / _TICKS

    def memory(self) -> int:
        """Return the resident bytes of its processes; what they share counts for each."""
        return sum(int(fields[21]) for fields in self._stats()) * _PAGE

    def _stats(self) -> Iterator[list[str]]:
        """Yield what /proc/PID/stat has of each of its processes, from the state on."""
        for file in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has just ended
                fields = file.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid:
                    yield fields

    def _ask(self, form: str, image: Pixels) -> tuple[int, bytes]:
        asked = FORMS[form]
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_S)
        try:
            headers = {"Content-Type": asked.kind, **asked.headers}
            client.request("POST", self.contender.paths[form], asked.body(image), headers)
            answer = client.getresponse()
            return answer.status, answer.read()
        finally:
            client.close()

    def _wait(self, image: Pixels) -> None:
        """Return when it answers with 200 for the first time."""
        end = time.perf_counter() + START_S
        while time.perf_counter() < end and self.process.poll() is None:
            with suppress(OSError, http.client.HTTPException):
                if self._ask(next(iter(self.contender.paths)), image)[0] == http.HTTPStatus.OK:
                    return
            time.sleep(_PAUSE_S)
        lines = self.log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
        raise FluidlineError(f"{self.contender.title} does not answer: {lines[-1]}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
