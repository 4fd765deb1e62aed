"""`fluid.layers.control_flow`: loops, branches and recurrences, whose bodies are blocks of the program."""

from paddle.static.nn.control_flow import (
    BlockGuard,
    ConditionalBlock,
    ConditionalBlockGuard,
    WhileGuard,
)

from . import arrays, branches, compare, dynamic_rnn, loops, static_rnn
from .arrays import *
from .arrays import (
    array_to_lod_tensor,
    lod_rank_table,
    lod_tensor_to_array,
    max_sequence_len,
    merge_lod_tensor,
    shrink_memory,
    split_lod_tensor,
)
from .branches import *
from .branches import select_input, select_output
from .compare import *
from .dynamic_rnn import *
from .loops import *
from .static_rnn import *

__all__ = [
    *arrays.__all__,
    *branches.__all__,
    *compare.__all__,
    *dynamic_rnn.__all__,
    *loops.__all__,
    *static_rnn.__all__,
]
