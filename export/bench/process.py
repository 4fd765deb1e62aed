"""A backend's own process: started, asked, and explained when it dies."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

from export.bench.report import FAILED, UNAVAILABLE
from fluidline.worker import WorkerProcess

WORKER = Path(__file__).with_name("worker.py")
TIMEOUT_S = 60.0


class BackendError(Exception):
    """A backend cannot go on: `status` is UNAVAILABLE on this machine, or FAILED; the message says why in words."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Worker(WorkerProcess):
    """The process of worker.py for `spec`.

    `ready` is what it says of itself, with `cold_start_ns`, the time from the start of the process until it said so.
    The constructor and `ask` raise BackendError where the process cannot run here, dies, or takes over `timeout_s`
    longer than it was asked to.
    """

    def __init__(self, spec: dict[str, Any], log: Path, timeout_s: float = TIMEOUT_S) -> None:
        threads = str(spec["threads"])
        command = [sys.executable, "-P", str(WORKER), json.dumps(spec)]  # -P: our file names shadow no library's
        start = time.perf_counter_ns()
        super().__init__(
            command, log, {**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}, timeout_s
        )
        cold_start_ns = time.perf_counter_ns() - start
        if "unavailable" in self.ready:
            self.close()
            raise BackendError(UNAVAILABLE, self._with_complaint(self.ready["unavailable"]))
        self.ready = {**self.ready["ready"], "cold_start_ns": cold_start_ns}

    def failure(self, how: str) -> BackendError:
        """Return the error, with what the process complained of last."""
        return BackendError(FAILED, self._with_complaint(f"its process {how}"))

    def _with_complaint(self, reason: str) -> str:
        """Return the reason with the last error in the process's log, without its time stamp, where there is one."""
        errors = self.errors()
        complaint = re.sub(r"^.*\[ONNXRuntimeError\] : \d+ : \w+ : ", "", errors[-1]).strip() if errors else ""
        return ": ".join(filter(None, [reason, complaint]))
