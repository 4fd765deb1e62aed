"""`fluid.layers.tensor`: tensors from constants, copies and other tensors."""

from . import constants, copies, parts, variables
from .constants import *
from .copies import *
from .parts import *
from .variables import *

__all__ = [
    *constants.__all__,
    *copies.__all__,
    *parts.__all__,
    *variables.__all__,
]
