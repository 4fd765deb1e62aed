"""`fluid.dataloader.dataset`: samples by index."""

from __future__ import annotations

from typing import Any

from paddle.io import Dataset as _Dataset

__all__ = ["Dataset"]


class Dataset(_Dataset):
    """What subclasses define: the sample at an index, and the number of samples."""

    def __init__(self) -> None:
        pass

    def __getitem__(self, idx: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} does not define __len__")
