"""`fluid.layers.rnn`: recurrent networks, and the decoding of what they predict."""

from . import beam, cells, decode, fused
from .beam import *
from .cells import *
from .decode import *
from .fused import *

__all__ = [*beam.__all__, *cells.__all__, *decode.__all__, *fused.__all__]
