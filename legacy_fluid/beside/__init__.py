"""What 2.x dropped or changed beside fluid: `install` puts it back into `paddle.*`, `uninstall` takes it away again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import paddle

from . import dataset, plot

READERS = [
    *("cache", "map_readers", "buffered", "compose", "chain", "shuffle", "ComposeNotAligned", "firstn"),
    *("xmap_readers", "multiprocess_reader"),
]
"""What `from paddle.reader import *` gives; 2.6 emptied the list."""


def changes() -> Iterator[tuple[Any, str, Any]]:
    """Yield (object, attribute, value) for all that makes 2.6's `paddle.*` beside fluid 1.8's."""
    yield paddle.utils, "Ploter", plot.Ploter
    yield paddle.reader, "__all__", READERS
    yield paddle.reader.decorator, "__all__", READERS
    yield from dataset.changes()
