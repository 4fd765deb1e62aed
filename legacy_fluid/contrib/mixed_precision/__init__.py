"""`fluid.contrib.mixed_precision`: losses scaled so that small gradients survive float16."""

from .decorator import decorate
from .fp16_lists import AutoMixedPrecisionLists

__all__ = ["AutoMixedPrecisionLists", "decorate"]
