"""`fluid.layers`: every layer, from the module of fluid that it belongs to."""

from . import io, loss, math_op_patch, metric_op, nn, ops, sequence_lod, tensor, utils
from .io import *  # noqa: F403
from .loss import *  # noqa: F403
from .math_op_patch import monkey_patch_variable
from .metric_op import *  # noqa: F403
from .nn import *  # noqa: F403
from .ops import *  # noqa: F403
from .sequence_lod import *  # noqa: F403
from .tensor import *  # noqa: F403

__all__ = [
    *io.__all__,
    *loss.__all__,
    *metric_op.__all__,
    *nn.__all__,
    *ops.__all__,
    *sequence_lod.__all__,
    *tensor.__all__,
]

monkey_patch_variable()
