"""A backend's own process: started, asked, stopped while others have their turn, and explained when it dies."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from export.bench.report import FAILED, UNAVAILABLE

WORKER = Path(__file__).with_name("worker.py")
TIMEOUT_S = 60.0


class BackendError(Exception):
    """A backend cannot go on: `status` is UNAVAILABLE on this machine, or FAILED; the message says why in words."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Worker:
    """The process of worker.py for `spec`; on return from the constructor it has given its first answer.

    `ready` is what it then said of itself, with `cold_start_ns`, the time that it took from the start of the process.
    It runs only while it is asked something: between questions it is stopped, because the idle threads of onnxruntime
    and OpenMP spin for up to 0.2 s after each call, on the cores that the next backend is measured on.

    The constructor and `ask` raise BackendError where the process cannot run here, dies, or takes over `timeout_s`
    longer than it was asked to.
    """

    def __init__(self, spec: dict[str, Any], log: Path, timeout_s: float = TIMEOUT_S) -> None:
        self.log = log
        self.timeout_s = timeout_s
        threads = str(spec["threads"])
        start = time.perf_counter_ns()
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-P", str(WORKER), json.dumps(spec)],  # -P: our file names shadow no library's
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
                process_group=0,  # Ctrl-C is ours alone: we end the workers
                text=True,
            )
        try:
            reply = self._read(timeout_s)
            cold_start_ns = time.perf_counter_ns() - start
            if "unavailable" in reply:
                raise BackendError(UNAVAILABLE, ": ".join(filter(None, [reply["unavailable"], self._complaint()])))
            self.ready: dict[str, Any] = {**reply["ready"], "cold_start_ns": cold_start_ns}
            self.process.send_signal(signal.SIGSTOP)
        except BaseException:
            self.close()
            raise

    def ask(self, **request: Any) -> Any:
        """Return the answer to a request of worker.py."""
        assert self.process.stdin is not None
        self.process.send_signal(signal.SIGCONT)
        with suppress(BrokenPipeError):  # it died meanwhile: reading says how
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        reply = self._read(self.timeout_s + request.get("seconds", 0))
        self.process.send_signal(signal.SIGSTOP)
        return reply["answer"]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def __enter__(self) -> Worker:
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
            raise BackendError(FAILED, ": ".join(filter(None, [f"its process {how}", self._complaint()])))
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _complaint(self) -> str:
        """Return the last error in the process's log, without time stamps and colours; empty where there is none."""
        lines = re.sub(r"\x1b\[[\d;]*m", "", self.log.read_text(errors="replace")).splitlines()
        errors = [line for line in lines if re.search(r"error", line, re.IGNORECASE)]
        return re.sub(r"^.*\[ONNXRuntimeError\] : \d+ : \w+ : ", "", errors[-1]).strip() if errors else ""
