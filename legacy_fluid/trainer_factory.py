"""`fluid.trainer_factory`: the trainer that a program asks for, and what looks at its Variables while it runs."""

from paddle.base.executor import FetchHandler
from paddle.base.trainer_factory import FetchHandlerMonitor, TrainerFactory

__all__ = ["FetchHandler", "FetchHandlerMonitor", "TrainerFactory"]
