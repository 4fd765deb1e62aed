"""`fluid.layers.loss`, in a module for each family of losses."""

from . import alignment, distance, entropy, sampled
from .alignment import *
from .distance import *
from .entropy import *
from .sampled import *

__all__ = [*alignment.__all__, *distance.__all__, *entropy.__all__, *sampled.__all__]
