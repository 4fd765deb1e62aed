"""`fluid.layers.control_flow`: loops, branches and recurrences, whose bodies are blocks of the program."""

from paddle.static.nn.control_flow import (  # noqa: F401  unchanged since 1.8
    BlockGuard,
    ConditionalBlock,
    ConditionalBlockGuard,
    WhileGuard,
)

from . import arrays, branches, compare, dynamic_rnn, loops, static_rnn
from .arrays import *  # noqa: F403
from .arrays import (  # noqa: F401  used by fluid code, though not in fluid's __all__
    array_to_lod_tensor,
    lod_rank_table,
    lod_tensor_to_array,
    max_sequence_len,
    merge_lod_tensor,
    shrink_memory,
    split_lod_tensor,
)
from .branches import *  # noqa: F403
from .branches import select_input, select_output  # noqa: F401  likewise
from .compare import *  # noqa: F403
from .dynamic_rnn import *  # noqa: F403
from .loops import *  # noqa: F403
from .static_rnn import *  # noqa: F403

__all__ = [
    *arrays.__all__,
    *branches.__all__,
    *compare.__all__,
    *dynamic_rnn.__all__,
    *loops.__all__,
    *static_rnn.__all__,
]
