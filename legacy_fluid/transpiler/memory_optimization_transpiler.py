"""`fluid.transpiler.memory_optimization_transpiler`: had no effect from 1.6 on, the core saves memory by itself."""

from __future__ import annotations

import logging
from typing import Any

__all__ = ["memory_optimize", "release_memory"]


def memory_optimize(
    input_program: Any, skip_opt_set: Any = None, print_log: bool = False, level: int = 0, skip_grads: bool = True
) -> None:
    """Leave the program as it is, and say so in the log."""
    logging.warning("memory_optimize has no effect: the core reuses memory by itself")


def release_memory(input_program: Any, skip_opt_set: Any = None) -> None:
    """Leave the program as it is, and say so in the log."""
    logging.warning("release_memory has no effect: the core frees memory by itself")
