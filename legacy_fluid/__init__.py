"""`paddle.fluid` 1.8 on Paddle 2.6: `import legacy_fluid as fluid`.

Importing it turns static mode on, as fluid had it. `install()` makes `import paddle.fluid` answer with it.
"""

import importlib
import sys
from types import ModuleType

# `python -m legacy_fluid` finds out in __main__ whether it needs paddle at all, which takes a second to import.
if not (sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)] == __name__):
    from .namespace import *


def __getattr__(name: str) -> ModuleType:
    """Import a module of fluid's when a program first names it: few use contrib, transpiler and their like."""
    full = f"{__name__}.{name}"
    try:
        if not name.startswith("_"):
            return importlib.import_module(full)
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
