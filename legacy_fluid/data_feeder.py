"""`fluid.data_feeder`: from mini-batches of Python values to the LoDTensors that an Executor is fed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from paddle.base import data_feeder as _data_feeder
from paddle.base.data_feeder import (  # noqa: F401  not in __all__, and used by fluid code
    check_dtype,
    check_type,
    check_variable_and_dtype,
)

__all__ = ["DataFeeder"]


def convert_dtype(dtype: Any) -> str:
    """Return a dtype, the core's or NumPy's, by its name; ValueError where there is none such."""
    try:
        return _convert_dtype(dtype)
    except TypeError as error:  # so it is called since
        raise ValueError(*error.args) from None


_convert_dtype = _data_feeder.convert_dtype
_data_feeder.convert_dtype = convert_dtype  # which the checks call


class DataFeeder(_data_feeder.DataFeeder):
    """Turn lists of samples into a feed.

    Args:
        feed_list: Variables, or names of variables of `program`, in the order of a sample's fields.
        place: kept for the signature; the Executor copies to its own place.
        program: the default main program where None.
    """

    def feed_parallel(self, iterable: Any, num_places: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the feed of each place, from as many mini-batches.

        Raises:
            ValueError: there are more or fewer mini-batches than places.
        """
        number = self._get_number_of_places_(num_places)
        if len(iterable) != number:
            raise ValueError(f"feed_parallel takes a mini-batch for each of {number} places, not {len(iterable)}")
        for batch in iterable:
            yield self.feed(batch)

    def decorate_reader(
        self, reader: Any, multi_devices: bool, num_places: int | None = None, drop_last: bool = True
    ) -> Callable[[], Iterator[Any]]:
        """Return a reader of feeds, or of a list of feeds, one a place, from a reader of mini-batches.

        Raises (the reader):
            ValueError: mini-batches are left over at the end, and are not to be dropped.
        """

        def reader_of_feeds() -> Iterator[Any]:
            if not multi_devices:
                yield from map(self.feed, reader())
                return
            number = self._get_number_of_places_(num_places)
            waiting: list[Any] = []
            for batch in reader():
                waiting.append(batch)
                if len(waiting) == number:
                    yield list(self.feed_parallel(waiting, number))
                    waiting = []
            if waiting and not drop_last:
                raise ValueError(f"{len(waiting)} mini-batches are left over for {number} places: set drop_last")

        return reader_of_feeds
