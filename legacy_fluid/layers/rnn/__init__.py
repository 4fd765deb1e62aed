"""`fluid.layers.rnn`: recurrent networks, and the decoding of what they predict."""

from . import beam, fused
from .beam import *  # noqa: F403
from .fused import *  # noqa: F403

__all__ = [*beam.__all__, *fused.__all__]
