"""Tracebacks that show the program's own lines, and the end of each way through Paddle, but not the layer's."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from ..call_stack import is_layers, is_paddles

ALL_FRAMES = "LEGACY_FLUID_ALL_FRAMES"
"""The environment variable that, set, turns full tracebacks on."""


def install() -> None:
    """Show uncaught exceptions of this process, its threads included, with short tracebacks."""
    if os.environ.get(ALL_FRAMES):
        return
    sys.excepthook = _report
    threading.excepthook = _report_of_thread


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stdout.flush()
    sys.stderr.write("".join(lines(kind, error, trace)))


def _report_of_thread(args: Any) -> None:
    if args.exc_type is SystemExit:
        return
    name = args.thread.name if args.thread else threading.get_ident()
    sys.stderr.write(
        f"Exception in thread {name}:\\n" + "".join(lines(args.exc_type, args.exc_value, args.exc_traceback))
    )


def lines(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> list[str]:
    """Return the text of an exception and of those that caused it, their tracebacks shortened."""
    report = traceback.TracebackException(kind, error, trace, compact=True)
    _shorten(report, set())
    return list(report.format())


def _shorten(report: Any, seen: set[int]) -> None:
    if report is None or id(report) in seen:
        return
    seen.add(id(report))
    frames = short(report.stack)
    report.stack = traceback.StackSummary.from_list(frames) if frames else None  # None: without a heading
    for other in (report.__cause__, report.__context__, *(report.exceptions or ())):
        _shorten(other, seen)


def short(frames: Any) -> list[Any]:
    """Return the frames without the layer's, and only the innermost of successive ones of Paddle."""
    kept: list[Any] = []
    for frame in frames:
        if is_layers(frame.filename):
            continue
        if kept and is_paddles(kept[-1].filename) and is_paddles(frame.filename):
            kept.pop()
        kept.append(frame)
    return kept
