"""`fluid.layers`: every layer, from the module of fluid that it belongs to."""

from ..coverage import tell_absent
from . import (
    control_flow,
    detection,
    distributions,
    io,
    learning_rate_scheduler,
    loss,
    math_op_patch,
    metric_op,
    nn,
    ops,
    sequence_lod,
    tensor,
    utils,
)
from . import rnn as recurrent  # a function takes the module's name below
from .control_flow import *
from .detection import *
from .distributions import *
from .io import *
from .learning_rate_scheduler import *
from .loss import *
from .math_op_patch import monkey_patch_variable
from .metric_op import *
from .nn import *
from .ops import *
from .rnn import *
from .sequence_lod import *
from .tensor import *

__all__ = [
    *control_flow.__all__,
    *detection.__all__,
    *distributions.__all__,
    *io.__all__,
    *learning_rate_scheduler.__all__,
    *loss.__all__,
    *metric_op.__all__,
    *nn.__all__,
    *ops.__all__,
    *recurrent.__all__,
    *sequence_lod.__all__,
    *tensor.__all__,
]

monkey_patch_variable()

__getattr__ = tell_absent(__name__)
