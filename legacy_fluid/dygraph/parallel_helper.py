"""`fluid.dygraph.parallel_helper`: whether this process is one of several."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

_context: Any = None


def _is_data_parallel_mode() -> bool:
    return _context is not None and int(os.getenv("PADDLE_TRAINERS_NUM", "1")) > 1


def _set_parallel_ctx(context: Any) -> None:
    global _context
    assert _context is None, "prepare_context was called before"
    _context = context


def _broadcast_parameters(parameters: Iterable[Any]) -> None:
    """Let all processes start from the parameters of the first."""
    import paddle.distributed

    for parameter in parameters:
        if parameter is not None and parameter.trainable:
            paddle.distributed.broadcast(parameter, src=0)
