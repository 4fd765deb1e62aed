"""Whose lines are whose: a program's own are what errors should show, not the layer's and not Paddle's.

Every operator keeps the lines that made it, and the core puts them under its errors. paddle.base.framework asks the
standard `traceback` for them, the whole stack with the text of each line: about half of the time to build a program.
`extract_stack` gives it the program's own instead.
"""

from __future__ import annotations

import functools
import importlib.util
import linecache
import os
import sys
from types import FrameType

_DEEPEST = 16  # frames of a program that are kept


def extract_stack() -> list[tuple[str, int, str, str]]:
    """Return (file, line number, function, line) for the innermost frames of the program, the outermost first."""
    found: list[tuple[str, int, str, str]] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and len(found) < _DEEPEST:
        file = frame.f_code.co_filename
        if is_programs(file):
            line = linecache.getline(file, frame.f_lineno, frame.f_globals)
            found.append((file, frame.f_lineno, frame.f_code.co_name, line.strip()))
        frame = frame.f_back
    return found[::-1]


@functools.cache
def is_programs(file: str) -> bool:
    """Say whether a file is the program's, or of a library that it chose, rather than what runs it."""
    return not (is_layers(file) or is_paddles(file))


@functools.cache
def is_layers(file: str) -> bool:
    """Say whether a file is legacy_fluid's or of Python's own ways to run a program."""
    return file.startswith((os.path.dirname(os.path.abspath(__file__)) + os.sep, "<frozen "))


@functools.cache
def is_paddles(file: str) -> bool:
    """Say whether a file is Paddle's."""
    return file.startswith(_paddle() + os.sep)


@functools.cache
def _paddle() -> str:
    spec = importlib.util.find_spec("paddle")
    return spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else "paddle"
