"""`paddle.fluid` 1.8 on Paddle 2.6: `import legacy_fluid as fluid`.

Importing it turns static mode on, as fluid had it. `install()` makes `import paddle.fluid` answer with it.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

from . import coverage, heap

# `python -m legacy_fluid` finds out in __main__ whether it needs paddle at all, which takes a second to import.
if not (sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)] == __name__):
    heap.keep_what_is_freed()
    from .namespace import *


LATER = ("dygraph", "dataset", "transpiler")
"""Modules whose names stand at the top level too. They are a third of the whole, and many programs use none of them."""


def __getattr__(name: str) -> Any:
    """Import a module of fluid's, or one of LATER, when a program first names it or something of it."""
    if not name.startswith("__"):
        if module := _module(name):
            return module
        for later in LATER:
            if name in (names := vars(_module(later))):
                return globals().setdefault(name, names[name])
    return coverage.tell_absent(__name__)(name)


def _module(name: str) -> ModuleType | None:
    full = f"{__name__}.{name}"
    if coverage.as_written(full) in coverage.ABSENT:
        return None
    try:
        return importlib.import_module(full)
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
        return None
