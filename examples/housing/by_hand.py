"""The same linear regression in plain NumPy: its cost, the gradient of that worked out on paper, and the step."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class LinearRegression:
    """A weight for each feature, [features, 1], and a bias [1]."""

    def __init__(self, weight: npt.ArrayLike, bias: npt.ArrayLike) -> None:
        self.weight = np.array(weight, np.float64)
        self.bias = np.array(bias, np.float64)

    def foretell(self, x: Floats) -> Floats:
        """Return the prices [N, 1] of houses [N, features]."""
        return x @ self.weight + self.bias

    def cost(self, x: Floats, prices: Floats) -> float:
        """Return the mean squared error."""
        return float(np.square(self.foretell(x) - prices).mean())

    def step(self, x: Floats, prices: Floats, learning_rate: float) -> None:
        """Go down the gradient of the cost of a batch: of (wx + b - y)^2 it is 2 (wx + b - y) x for w, without x for b."""
        error = self.foretell(x) - prices
        self.weight -= learning_rate * 2 * x.T @ error / len(x)
        self.bias -= learning_rate * 2 * error.mean(axis=0)
