"""`fluid.optimizer`."""

from . import gradient
from .base import Optimizer  # noqa: F401  not in fluid's __all__, and subclassed by its users
from .gradient import *  # noqa: F403

__all__ = [*gradient.__all__]
