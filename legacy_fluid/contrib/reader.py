"""`fluid.contrib.reader`: readers of one process of several."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["distributed_batch_reader"]


def distributed_batch_reader(batch_reader: Callable[[], Iterable[Any]]) -> Callable[[], Iterator[Any]]:
    """Return a reader of every n-th batch, beginning with this process's, as PADDLE_TRAINERS_NUM and _ID say.

    Batches at the end that are too few for all processes are left out.
    """
    count = int(os.getenv("PADDLE_TRAINERS_NUM", "1"))
    own = int(os.getenv("PADDLE_TRAINER_ID", "0"))
    assert own < count, f"PADDLE_TRAINER_ID {own} is below PADDLE_TRAINERS_NUM {count}"

    def read() -> Iterator[Any]:
        batch = None
        for index, candidate in enumerate(batch_reader()):
            if index % count == own:
                batch = candidate
            if index % count == count - 1:
                yield batch

    return read
