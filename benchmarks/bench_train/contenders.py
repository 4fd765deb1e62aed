"""Who takes part, and the process of each: started, asked for passes, stopped while the others have their turn."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fluidline.errors import FluidlineError

WORKERS = Path(__file__).parent / "workers"
ROOT = Path(__file__).parents[2]
TIMEOUT_S = 600.0
OURS = "ours"

# What sets the number of threads of NumPy, Paddle and PyTorch.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Contender:
    """A row of the table: its worker, its interpreter, and the ratios ours / it that are aimed at, by model."""

    name: str
    title: str
    worker: str
    python: str = sys.executable
    targets: Mapping[str, float] = field(default_factory=dict)


def contenders(torch: Path | None, paddle: bool, genuine: Path | None) -> list[Contender]:
    """Return ours and the rivals that are wanted; PyTorch and genuine fluid are named by their interpreters."""
    everyone = [Contender(OURS, "fluidline", "ours.py")]
    if torch:
        targets = {"lenet": 1.5, "mlp": 1.2, "softmax": 1.2}
        everyone.append(Contender("torch", "PyTorch", "torch_twin.py", str(torch), targets))
    if paddle:
        targets = {"lenet": 3.5, "mlp": 2.5, "softmax": 1.5}
        everyone.append(Contender("paddle", "Paddle", "paddle_plain.py", targets=targets))
    if genuine:
        targets = {"lenet": 3.5, "mlp": 2.5, "softmax": 3.5}
        everyone.append(Contender("fluid", "genuine fluid", "paddle_plain.py", str(genuine), targets))
    return everyone


class Worker:
    """The process of a contender, ready for its first pass: `ready` is what it said of itself.

    Between passes it is stopped, so that no thread of it spins, or reads ahead, on the cores that another is measured on.
    The constructor and `learn` raise FluidlineError where the process ends, or takes over TIMEOUT_S.
    """

    def __init__(self, contender: Contender, spec: Mapping[str, Any], log: Path, threads: int | None) -> None:
        self.contender, self.log = contender, log
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen(
                [contender.python, str(WORKERS / contender.worker), json.dumps(spec)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=_environment(contender, threads),
                cwd=ROOT,
                process_group=0,  # Ctrl-C is ours alone: we end the workers
                text=True,
            )
        try:
            self.ready: dict[str, Any] = self._read()
        except BaseException:
            self.close()
            raise

    def learn(self, rows: Path, test: bool) -> dict[str, Any]:
        """Return what a pass over the rows in the file came to."""
        assert self.process.stdin is not None
        self.process.send_signal(signal.SIGCONT)
        with suppress(BrokenPipeError):  # it died meanwhile: reading says how
            self.process.stdin.write(json.dumps({"rows": str(rows), "test": test}) + "\n")
            self.process.stdin.flush()
        return self._read()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        watchdog = threading.Timer(TIMEOUT_S, self.process.kill)
        watchdog.start()
        try:
            line = self.process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line.endswith("\n"):
            code = self.process.wait()
            how = f"was stopped by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            raise FluidlineError(f"the process of {self.contender.title} {how}: {self._complaint()}")
        self.process.send_signal(signal.SIGSTOP)
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _complaint(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
        errors = [line for line in lines if re.search(r"error", line, re.IGNORECASE)]
        return (errors or lines)[-1]


def _environment(contender: Contender, threads: int | None) -> dict[str, str]:
    """Return the environment of a contender: as it comes, each library chooses its number of threads."""
    environment = {name: value for name, value in os.environ.items() if name not in _THREADS}
    if threads:
        environment.update(dict.fromkeys(_THREADS, str(threads)))
    if contender.name == OURS:
        environment["PYTHONPATH"] = str(ROOT)
    return environment
