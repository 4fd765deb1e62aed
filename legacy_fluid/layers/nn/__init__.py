"""`fluid.layers.nn`, in a module for each family of layers."""

from . import conv, dense, elementwise, norm, pool
from .conv import *  # noqa: F403
from .dense import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .norm import *  # noqa: F403
from .pool import *  # noqa: F403

__all__ = [*conv.__all__, *dense.__all__, *elementwise.__all__, *norm.__all__, *pool.__all__]
