"""`fluid.io`: parameters and models on disk, in the formats of fluid 1.8, and the readers of data."""

import paddle
from paddle.reader import (
    ComposeNotAligned,
    buffered,
    cache,
    chain,
    compose,
    firstn,
    map_readers,
    multiprocess_reader,
    shuffle,
    xmap_readers,
)

from ..reader import *
from ..reader import __all__ as _loaders
from . import inference, state, variables
from .inference import *
from .inference import append_fetch_ops, prepend_feed_ops
from .state import *
from .variables import *
from .variables import (
    get_parameter_value,
    get_parameter_value_by_name,
    is_belong_to_optimizer,
    is_parameter,
    is_persistable,
)

batch = paddle.batch

__all__ = [
    *_loaders,
    *inference.__all__,
    *state.__all__,
    *variables.__all__,
    "ComposeNotAligned",
    "batch",
    "buffered",
    "cache",
    "chain",
    "compose",
    "firstn",
    "map_readers",
    "multiprocess_reader",
    "shuffle",
    "xmap_readers",
]
