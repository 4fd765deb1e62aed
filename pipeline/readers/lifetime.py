"""Who ends the threads and processes of a reader, and when."""

from __future__ import annotations

import atexit
import os
import weakref
from multiprocessing import util  # noqa: F401  its exit function must be registered before ours, which then runs first
from typing import Self

GRACE = 2.0  # seconds that a worker in the middle of a sample gets to notice that nobody wants it


class Background:
    """What runs beside a consumer. It is stopped on leaving the `with`, or at the interpreter's exit if that is first.

    A reader is a generator with its Background in a `with`: closing the generator, or dropping it, leaves the `with`.
    """

    def __init__(self) -> None:
        self._owner = os.getpid()
        _running.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all workers, waiting for each at most GRACE seconds; calling it again does nothing."""
        if os.getpid() == self._owner:  # a forked process holds copies of its parent's readers: not its to end
            self._stop()

    def _stop(self) -> None:
        raise NotImplementedError


_running: weakref.WeakSet[Background] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    # Later the interpreter freezes its daemon threads wherever they are, and waits for processes without end.
    for background in list(_running):
        background.stop()
