"""`fluid.contrib`: what was on its way into fluid."""

from . import layers, reader
from .layers import *
from .reader import *

__all__ = [*layers.__all__, *reader.__all__]
