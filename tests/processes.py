"""What the tests ask of processes: the children of one, whether it still runs; and waiting until something is so."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")


def wait_for(condition: Callable[[], Found], seconds: float = 60, interval: float = 0.02) -> Found:
    """Return what `condition` returns as soon as that is true. Raises AssertionError where it never is."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"waited for {seconds:g} s in vain"
        time.sleep(interval)
    return found


def children(pid: int) -> list[int]:
    """Return the children of a process; none where it has ended."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def state(pid: int) -> str | None:
    """Return the letter of a process's state, "T" where it is stopped; None where it has ended, waited for or not."""
    try:
        letter = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None
    return None if letter == "Z" else letter


def have_ended(pids: list[int]) -> bool:
    """Return whether none of the processes runs any more, though nobody may have waited for it."""
    return not any(map(state, pids))


def are_gone(pids: list[int]) -> bool:
    """Return whether nothing of the processes is left: they have ended, and been waited for."""
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)
