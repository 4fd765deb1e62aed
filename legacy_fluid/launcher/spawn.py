"""Lets the processes that a program spawns through multiprocessing import `paddle.fluid` too."""

from __future__ import annotations

import multiprocessing.spawn
import os
import runpy
import sys
from typing import Any

_HERE = os.path.abspath(__file__)
_IN_CHILD = "__spawned__"


def install() -> None:
    """Send to each process that this one spawns, with what multiprocessing tells it, the order to prepare itself."""
    original = multiprocessing.spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        return {"legacy_fluid": _Order(), **original(name)}

    multiprocessing.spawn.get_preparation_data = get_preparation_data


class _Order:
    """Unpickles by running this file, found by its path: the new process may not know where the package is."""

    def __reduce__(self) -> tuple[Any, ...]:
        return runpy.run_path, (_HERE, None, _IN_CHILD)


if __name__ == _IN_CHILD:
    sys.path.append(os.path.abspath(os.path.join(_HERE, "..", "..", "..")))
    from legacy_fluid.launcher import run

    run.prepare_process()
