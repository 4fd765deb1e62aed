"""Tracebacks that show the program's own lines, and the end of each way through Paddle, but not the layer's."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from ..call_stack import is_layers, is_paddles
from . import python2

ALL_FRAMES = "LEGACY_FLUID_ALL_FRAMES"
"""The environment variable that, set, turns full tracebacks on."""


def install() -> None:
    """Show uncaught exceptions of this process, its threads included, with short tracebacks."""
    if os.environ.get(ALL_FRAMES):
        return
    sys.excepthook = _report
    threading.excepthook = _report_of_thread


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    with contextlib.suppress(OSError, ValueError):  # a closed pipe, a closed file
        sys.stdout.flush()
    sys.stderr.write("".join(lines(kind, error, trace)))


def _report_of_thread(args: Any) -> None:
    if args.exc_type is SystemExit:
        return
    name = args.thread.name if args.thread else threading.get_ident()
    report = lines(args.exc_type, args.exc_value, args.exc_traceback)
    sys.stderr.write("".join([f"Exception in thread {name}:\n", *report]))


def lines(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> list[str]:
    """Return the text of an exception and of those that caused it, their tracebacks shortened."""
    report = traceback.TracebackException(kind, error, trace, compact=True)
    _shorten(report, set())
    advice = [f"{python2.converting(_file(error, report))}\n"] if python2.is_told_by(error) else []
    return [*report.format(), *advice]


def _file(error: BaseException, report: Any) -> str:
    """Return the file that an error is about, or came up in."""
    file = error.filename if isinstance(error, SyntaxError) else report.stack[-1].filename if report.stack else None
    return os.path.relpath(file) if file and os.path.exists(file) else "SCRIPT"


def _shorten(report: Any, seen: set[int]) -> None:
    if report is None or id(report) in seen:
        return
    seen.add(id(report))
    frames = short(report.stack)
    if frames:
        report.stack = traceback.StackSummary.from_list(frames)
    elif issubclass(report.exc_type, SyntaxError):
        report.stack = None  # Python shows the line alone, without a heading; all else is an error of the layer's
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
