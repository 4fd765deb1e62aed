"""`fluid.layers.loss`, in a module for each family of losses."""

from . import alignment, distance, entropy, sampled
from .alignment import *  # noqa: F403
from .distance import *  # noqa: F403
from .entropy import *  # noqa: F403
from .sampled import *  # noqa: F403

__all__ = [*alignment.__all__, *distance.__all__, *entropy.__all__, *sampled.__all__]
