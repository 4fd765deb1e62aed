"""`fluid.optimizer`."""

from . import gradient
from .base import Optimizer  # noqa: F401  subclassed by users, though not in fluid's __all__
from .gradient import *  # noqa: F403
from .gradient import Lamb, RMSProp  # noqa: F401  used, though not in fluid's __all__

__all__ = [*gradient.__all__]
