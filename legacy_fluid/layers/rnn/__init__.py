"""`fluid.layers.rnn`: recurrent networks, and the decoding of what they predict."""

from . import beam, cells, decode, fused
from .beam import *  # noqa: F403
from .cells import *  # noqa: F403
from .decode import *  # noqa: F403
from .fused import *  # noqa: F403

__all__ = [*beam.__all__, *cells.__all__, *decode.__all__, *fused.__all__]
