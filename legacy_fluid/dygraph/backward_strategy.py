"""`fluid.dygraph.backward_strategy`."""

from ..core import BackwardStrategy

__all__ = ["BackwardStrategy"]
