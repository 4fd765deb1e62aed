"""`fluid.dygraph.nn`: the layers."""

from . import activation, conv, dense, loss, norm, pool, recurrent, tree
from .activation import *  # noqa: F403
from .conv import *  # noqa: F403
from .dense import *  # noqa: F403
from .loss import *  # noqa: F403
from .norm import *  # noqa: F403
from .pool import *  # noqa: F403
from .recurrent import *  # noqa: F403
from .sequence import RowConv, SequenceConv  # noqa: F401  found here, though not in fluid's __all__
from .tree import *  # noqa: F403

__all__ = [
    *activation.__all__,
    *conv.__all__,
    *dense.__all__,
    *loss.__all__,
    *norm.__all__,
    *pool.__all__,
    *recurrent.__all__,
    *tree.__all__,
]
