"""`fluid.data_feeder`: from mini-batches of Python values to the LoDTensors that an Executor is fed."""

from paddle.base import data_feeder as _data_feeder
from paddle.base.data_feeder import (  # noqa: F401  not in __all__, and used by fluid code
    check_dtype,
    check_type,
    check_variable_and_dtype,
    convert_dtype,
)

__all__ = ["DataFeeder"]


class DataFeeder(_data_feeder.DataFeeder):
    """Turn lists of samples into a feed.

    Args:
        feed_list: Variables, or names of variables of `program`, in the order of a sample's fields.
        place: kept for the signature; the Executor copies to its own place.
        program: the default main program where None.
    """
