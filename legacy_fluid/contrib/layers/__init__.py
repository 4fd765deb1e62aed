"""`fluid.contrib.layers`."""

from . import rnn_impl
from .rnn_impl import *

__all__ = [*rnn_impl.__all__]
