"""A process that does measured work, asked and answering by a line of JSON each, and stopped while others have their turn."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class WorkerProcess:
    """A process that answers lines on stdin with lines on stdout, its stderr in the file `log`.

    `ready` is the line that it sends unasked. It runs only while it is asked something: between questions it is stopped,
    because the idle threads of onnxruntime and OpenMP spin for up to 0.2 s after each call, and readers read ahead, on
    the cores that the next is measured on.

    The constructor and `ask` raise what `failure` returns where the process ends, or takes over `timeout_s` longer than
    the `seconds` that a request may give it.
    """

    def __init__(
        self, command: Sequence[str], log: Path, env: Mapping[str, str], timeout_s: float, cwd: Path | None = None
    ) -> None:
        self.log, self.timeout_s = log, timeout_s
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=env,
                cwd=cwd,
                process_group=0,  # Ctrl-C is ours alone: we end the workers
                text=True,
            )
        try:
            self.ready = self._read(timeout_s)
        except BaseException:
            self.close()
            raise

    def ask(self, **request: Any) -> dict[str, Any]:
        """Return the answer to a request."""
        assert self.process.stdin is not None
        self.process.send_signal(signal.SIGCONT)
        with suppress(BrokenPipeError):  # it died meanwhile: reading says how
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        return self._read(self.timeout_s + request.get("seconds", 0))

    def failure(self, how: str) -> Exception:
        """Return what to raise for a process that `how` says the end of, as in "ended with exit code 1"."""
        raise NotImplementedError

    def said(self) -> list[str]:
        """Return the lines of the log, without colours."""
        return re.sub(r"\x1b\[[\d;]*m", "", self.log.read_text(errors="replace")).strip().splitlines()

    def errors(self) -> list[str]:
        """Return those lines of the log that speak of an error."""
        return [line for line in self.said() if "error" in line.lower()]

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, timeout_s: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        start = time.monotonic()
        watchdog = threading.Timer(timeout_s, self.process.kill)
        watchdog.start()
        try:
            line = self.process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line.endswith("\n"):
            code = self.process.wait()
            if time.monotonic() - start >= timeout_s:
                how = f"gave no answer in {timeout_s:g} s"
            else:
                how = f"was stopped by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            raise self.failure(how)
        self.process.send_signal(signal.SIGSTOP)
        answer: dict[str, Any] = json.loads(line)
        return answer
