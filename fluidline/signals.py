"""Signals made to wait."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def blocked(numbers: Iterable[signal.Signals]) -> Iterator[None]:
    """A context in which those signals wait; threads and forks that are begun in it keep them waiting after it too."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
