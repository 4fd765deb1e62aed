"""`fluid.optimizer`."""

from . import averaging, gradient, wrappers
from .averaging import *
from .base import Optimizer
from .gradient import *
from .gradient import Lamb, RMSProp
from .wrappers import *

__all__ = [*averaging.__all__, *gradient.__all__, *wrappers.__all__]
