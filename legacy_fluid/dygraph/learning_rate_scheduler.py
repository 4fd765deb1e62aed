"""`fluid.dygraph.learning_rate_scheduler`: learning rates that change from step to step, or from epoch to epoch."""

from __future__ import annotations

from typing import Any


class LearningRateDecay:
    """Base: a call returns the learning rate of this step and moves on to the next."""

    def __init__(self, begin: int = 0, step: int = 1, dtype: str = "float32") -> None:
        self.step_num = begin
        self.step_size = step
        self.dtype = dtype

    def __call__(self) -> Any:
        raise NotImplementedError


class _LearningRateEpochDecay(LearningRateDecay):
    """Base of those that move on when `epoch()` is called."""
