"""`fluid.reader`: data loaders that read ahead in a thread or a process."""

from __future__ import annotations

from typing import Any

import paddle
from paddle.base import reader as _reader
from paddle.base.reader import DataLoader, PyReader

__all__ = ["DataLoader", "PyReader", "default_collate_fn"]

default_collate_fn: Any = paddle.io.dataloader.collate.default_collate_fn
GeneratorLoader = _reader.GeneratorLoader
