"""`fluid.average`."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

__all__ = ["WeightedAverage"]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, np.ndarray) and value.shape == (1,))


class WeightedAverage:
    """The mean of what was added, by weight. fluid.metrics.Accuracy does the same."""

    def __init__(self) -> None:
        warnings.warn("WeightedAverage is deprecated, use fluid.metrics.Accuracy instead", Warning, stacklevel=2)
        self.reset()

    def reset(self) -> None:
        self.numerator: Any = None
        self.denominator: Any = None

    def add(self, value: Any, weight: Any) -> None:
        """Add a number or array `value` that counts `weight` times."""
        if not (_is_number(value) or isinstance(value, np.ndarray)):
            raise ValueError(f"value is a number or a numpy array, not {value!r}")
        if not _is_number(weight):
            raise ValueError(f"weight is a number, not {weight!r}")
        if self.numerator is None:
            self.numerator, self.denominator = value * weight, weight
        else:
            self.numerator += value * weight
            self.denominator += weight

    def eval(self) -> Any:
        if self.numerator is None:
            raise ValueError("WeightedAverage has nothing to average: add something first")
        return self.numerator / self.denominator
