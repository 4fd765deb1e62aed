"""`fluid.log_helper`: loggers that write to the standard error stream."""

from paddle.base.log_helper import get_logger

__all__ = ["get_logger"]
