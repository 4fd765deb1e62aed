"""`fluid.trainer_factory`: the trainer that a program asks for, and what looks at its Variables while it runs."""

from paddle.base.trainer_factory import FetchHandlerMonitor, TrainerFactory

from .executor import FetchHandler  # noqa: F401  where 1.6 had it

__all__ = ["FetchHandlerMonitor", "TrainerFactory"]
