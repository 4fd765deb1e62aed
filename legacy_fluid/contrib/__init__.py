"""`fluid.contrib`: what was on its way into fluid."""

from . import decoder, extend_optimizer, layers, memory_usage_calc, mixed_precision, op_frequence, reader
from .decoder import *
from .extend_optimizer import *
from .layers import *
from .memory_usage_calc import *
from .mixed_precision import *
from .model_stat import *
from .op_frequence import *
from .reader import *

__all__ = [
    *decoder.__all__,
    *extend_optimizer.__all__,
    *layers.__all__,
    *memory_usage_calc.__all__,
    *op_frequence.__all__,
    *reader.__all__,
    "mixed_precision",
]
