"""`fluid.transpiler.details`: programs as readable code, and their operators found by what they take and give."""

from ...coverage import tell_absent
from .checkport import *
from .program_utils import *

__getattr__ = tell_absent(__name__)
