"""`fluid.dataset`: text files in MultiSlot form, for `Executor.train_from_dataset`."""

from __future__ import annotations

from paddle.base import dataset as _dataset
from paddle.base.dataset import BoxPSDataset, DatasetBase, FileInstantDataset, QueueDataset

__all__ = ["DatasetFactory", "InMemoryDataset", "QueueDataset"]


class InMemoryDataset(_dataset.InMemoryDataset):
    """Samples that are loaded, and may be shuffled, before they are trained on."""

    def load_into_memory(self) -> None:
        """Read the files."""
        super().load_into_memory()


_KINDS = {
    kind.__name__: kind for kind in (QueueDataset, InMemoryDataset, FileInstantDataset, BoxPSDataset, DatasetBase)
}


class DatasetFactory:
    """Makes data sets by their class's name."""

    def create_dataset(self, datafeed_class: str = "QueueDataset") -> DatasetBase:
        """Return a new data set. Raises ValueError for a class that there is not."""
        if datafeed_class not in _KINDS:
            raise ValueError(f"there is no data set {datafeed_class!r}: choose one of {', '.join(_KINDS)}")
        return _KINDS[datafeed_class]()
