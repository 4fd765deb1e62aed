"""`fluid.incubate`: data generators, and `fleet`, by which processes train together."""

from ..coverage import tell_absent
from . import data_generator, fleet

__getattr__ = tell_absent(__name__)
