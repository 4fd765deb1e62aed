"""Ctrl-C and SIGTERM held back until the work at hand is whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignal:
    """A context in which the first Ctrl-C or SIGTERM only sets `requested`; the second interrupts as it always did.

    Outside the main thread, where Python delivers no signals, it changes nothing.
    """

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        """`then` is called when it is set."""
        self.requested, self._then = False, then
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignal:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._request) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self._restore()
        self._then()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
