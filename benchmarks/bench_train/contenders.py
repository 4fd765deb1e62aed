"""Who takes part, and the process of each, which is asked for passes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fluidline.errors import FluidlineError
from fluidline.worker import WorkerProcess

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


class Worker(WorkerProcess):
    """The process of a contender, ready for its first pass.

    The constructor and `learn` raise FluidlineError where the process ends, or takes over TIMEOUT_S.
    """

    def __init__(self, contender: Contender, spec: Mapping[str, Any], log: Path, threads: int | None) -> None:
        self.contender = contender
        command = [contender.python, str(WORKERS / contender.worker), json.dumps(spec)]
        super().__init__(command, log, _environment(contender, threads), TIMEOUT_S, cwd=ROOT)

    def learn(self, rows: Path, test: bool) -> dict[str, Any]:
        """Return what a pass over the rows in the file came to."""
        return self.ask(rows=str(rows), test=test)

    def failure(self, how: str) -> FluidlineError:
        """Return the error, with the last words of the process."""
        last = (self.errors() or self.said() or ["it said nothing"])[-1]
        return FluidlineError(f"the process of {self.contender.title} {how}: {last}")


def _environment(contender: Contender, threads: int | None) -> dict[str, str]:
    """Return the environment of a contender: as it comes, each library chooses its number of threads."""
    environment = {name: value for name, value in os.environ.items() if name not in _THREADS}
    if threads:
        environment.update(dict.fromkeys(_THREADS, str(threads)))
    if contender.name == OURS:
        environment["PYTHONPATH"] = str(ROOT)
    return environment
