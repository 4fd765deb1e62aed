"""`fluid.contrib`: what was on its way into fluid."""

from . import layers, reader
from .layers import *  # noqa: F403
from .reader import *  # noqa: F403

__all__ = [*layers.__all__, *reader.__all__]
