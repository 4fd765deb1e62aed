"""`fluid.dygraph.nn`: the layers."""

from . import activation, conv, dense, loss, norm, pool, recurrent, tree
from .activation import *
from .conv import *
from .dense import *
from .loss import *
from .norm import *
from .pool import *
from .recurrent import *
from .sequence import RowConv, SequenceConv
from .tree import *

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
