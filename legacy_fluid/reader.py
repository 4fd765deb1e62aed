"""`fluid.reader`: data loaders that read ahead in a thread or a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import paddle
from paddle.base import reader as _reader
from paddle.base.dataset import DatasetBase, InMemoryDataset
from paddle.base.reader import PyReader

from . import core
from .framework import in_dygraph_mode

__all__ = ["DataLoader", "PyReader", "default_collate_fn"]

default_collate_fn: Any = paddle.io.dataloader.collate.default_collate_fn
GeneratorLoader = _reader.GeneratorLoader


class DataLoader(paddle.io.DataLoader):
    """Read a data set by index, batch after batch, in this process or in workers.

    Args:
        dataset: paddle.io.Dataset: samples by index, and their number.
        feed_list: the Variables to feed, in the order of a sample's fields; needed for feeds, which are
            name -> LoDTensor, a feed for each place.
        places: where tensors go; one in dygraph mode.
        return_list: lists of LoDTensors rather than feeds; in dygraph mode it is always lists.
        batch_sampler: yields lists of indices; made of `batch_size`, `shuffle` and `drop_last` where None.
        collate_fn: makes a batch of a list of samples; field by field where None.
        num_workers: processes that read; none where 0.
        use_buffer_reader: read a batch ahead.
        use_shared_memory: let workers hand over batches in shared memory.
        timeout: seconds to wait for a worker; for ever where 0.
        worker_init_fn: called with its number at the start of each worker.

    Raises:
        AssertionError: an argument is of the wrong kind, or says twice what a batch is.
    """

    def __init__(
        self,
        dataset: Any,
        feed_list: Any = None,
        places: Any = None,
        return_list: bool = False,
        batch_sampler: Any = None,
        batch_size: int = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        collate_fn: Any = None,
        num_workers: int = 0,
        use_buffer_reader: bool = True,
        use_shared_memory: bool = True,
        timeout: int = 0,
        worker_init_fn: Any = None,
    ) -> None:
        assert isinstance(dataset, paddle.io.Dataset), f"dataset is a paddle.io.Dataset, not {dataset!r}"
        assert places is not None, "places cannot be None: name the place that tensors go to"
        if in_dygraph_mode() and isinstance(places, list | tuple):
            assert len(places) == 1, f"in dygraph mode there is one place, not {len(places)}"
        assert batch_sampler is not None or batch_size, f"batch_size is above 0, not {batch_size!r}"
        super().__init__(
            dataset,
            feed_list=feed_list,
            places=places,
            return_list=return_list,
            batch_sampler=batch_sampler,
            batch_size=batch_size,
            shuffle=shuffle,
            drop_last=drop_last,
            collate_fn=collate_fn,
            num_workers=num_workers,
            use_buffer_reader=use_buffer_reader,
            use_shared_memory=use_shared_memory,
            timeout=timeout,
            worker_init_fn=worker_init_fn,
        )

    def __iter__(self) -> Iterator[Any]:
        batches = super().__iter__()
        if self.return_list and not in_dygraph_mode() and len(self.places) == 1:
            return ([batch] for batch in batches)  # 2.6 leaves out the list of places where there is one
        return batches

    from_generator = staticmethod(_reader.DataLoader.from_generator)

    @staticmethod
    def from_dataset(dataset: Any, places: Any, drop_last: bool = True) -> DatasetLoader:
        """Return a loader of the batches of a QueueDataset or an InMemoryDataset, a part of its files for each place."""
        return DatasetLoader(dataset, places, drop_last)


class DatasetLoader(_reader.DatasetLoader):
    """Reads a data set of fluid.dataset; its batches are feeds."""

    def __init__(self, dataset: Any, places: Any, drop_last: bool) -> None:
        assert isinstance(dataset, DatasetBase), f"dataset is one that a DatasetFactory made, not {dataset!r}"
        assert not in_dygraph_mode(), "data sets of fluid.dataset are for programs, not for dygraph mode"
        threads, files = len(places), len(dataset.filelist)
        assert files >= threads, f"there are {files} files for {threads} places: give each at least one"
        dataset.set_thread(threads)
        if isinstance(dataset, InMemoryDataset) and dataset.queue_num is not None and dataset.queue_num > threads:
            dataset.set_queue_num(threads)
        self._dataset = dataset
        self._iterable_dataset = core.IterableDatasetWrapper(
            dataset.dataset,
            [slot.name for slot in dataset.proto_desc.multi_slot_desc.slots if slot.is_used],
            _reader._convert_places(places),
            dataset.proto_desc.batch_size,
            drop_last,
        )
