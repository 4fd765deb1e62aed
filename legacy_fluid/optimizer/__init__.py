"""`fluid.optimizer`."""

from . import averaging, gradient, wrappers
from .averaging import *  # noqa: F403
from .base import Optimizer  # noqa: F401  subclassed by users, though not in fluid's __all__
from .gradient import *  # noqa: F403
from .gradient import Lamb, RMSProp  # noqa: F401  used, though not in fluid's __all__
from .wrappers import *  # noqa: F403

__all__ = [*averaging.__all__, *gradient.__all__, *wrappers.__all__]
