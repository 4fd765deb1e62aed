"""A server as a user starts it, in a process of its own, and requests to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from processes import children, wait_for

ROOT = Path(__file__).parents[3]
PATIENCE = 60  # seconds for what takes one on a quiet machine


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def labels(self) -> list[str]:
        return [prediction["label"] for prediction in self.json["predictions"]]

    @property
    def code(self) -> str:
        return self.json["error"]["code"]


class Server:
    """A running server; `log` is what it has written to stderr so far."""

    def __init__(self, *arguments: object, env: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "export", "serve", "--port", "0", "--device", "cpu", *map(str, arguments)]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
        )
        self.lines: list[dict[str, Any]] = []
        self.plain: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = 0

    def wait_until_ready(self) -> Server:
        line = self.wait_for_log(r"ready: http://")
        self.port = int(re.search(r":(\d+)/", line["message"])[1])
        return self

    def wait_for_log(self, pattern: str) -> dict[str, Any]:
        return self.wait_for(lambda: next((line for line in self.lines if re.search(pattern, line["message"])), None))

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """Return what `condition` returns as soon as that is true, which it must be while the server runs."""

        def found_or_ended() -> Any:
            ended = self.process.poll() is not None
            if ended:
                self._reader.join(PATIENCE)
            if not (found := condition()):
                assert not ended, f"the server has ended: {self.lines} {self.plain}"
            return found

        return wait_for(found_or_ended, PATIENCE)

    @property
    def workers(self) -> list[int]:
        """The processes of the workers."""
        return children(self.process.pid)

    def connect(self) -> Connection:
        return Connection(self.port)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            client.request(method, path, body, headers or {})
            answer = client.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            client.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: bytes, kind: str, **headers: str) -> Answer:
        return self.request("POST", path, body, {"Content-Type": kind, **headers})

    def post_json(self, path: str, value: Any) -> Answer:
        return self.post(path, json.dumps(value).encode(), "application/json")

    def metric(self, name: str) -> float:
        """Return the sum of a metric's samples whose line starts so."""
        lines = self.get("/metrics").body.decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def memory(self) -> int:
        """Return the resident bytes of the workers."""
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.workers]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self._reader.join(PATIENCE)
            self.process.stderr.close()

    def _read(self) -> None:
        for line in self.process.stderr:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.plain.append(line)


@contextmanager
def serving(*arguments: object, env: dict[str, str] | None = None) -> Iterator[Server]:
    """A context with a server that is ready, and stopped at the end."""
    server = Server(*arguments, env=env)
    try:
        yield server.wait_until_ready()
    finally:
        server.stop()


class Connection:
    """A connection on which a test sends what it likes."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send = self.socket.sendall
        self.stream = self.socket.makefile("rb")

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        self.stream.close()
        self.socket.close()

    def read_and_close(self, sent: bytes = b"") -> Answer:
        """Send a request and return the answer, or what the server says unasked."""
        with self:
            self.send(sent)
            return self.read()

    def end(self) -> None:
        """Send no more."""
        self.socket.shutdown(socket.SHUT_WR)

    def has_ended(self) -> bool:
        """Tell whether the server sends no more."""
        return self.stream.read() == b""

    def read(self) -> Answer:
        """Return the next answer."""
        status = int(self.stream.readline().split()[1])
        headers = {}
        while line := self.stream.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return Answer(status, headers, self.stream.read(int(headers.get("content-length", 0))))
