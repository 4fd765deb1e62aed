"""A program small enough for NumPy to follow: a regression of five numbers on one, the mean square to be lowered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import legacy_fluid as fluid
from pipeline.config import TrainConfig
from pipeline.optimizers import minimise

Array = npt.NDArray[np.float64]

RATE = 0.3
WEIGHT, BIAS = "fc_0.w_0", "fc_0.b_0"
X = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)


class Program:
    """The program with the optimizer that the options say, in a scope of its own."""

    def __init__(self, **options: Any) -> None:
        config = TrainConfig(**{"model": "softmax", **options})
        self.train, startup = fluid.Program(), fluid.Program()
        self.train.random_seed = startup.random_seed = 1
        with fluid.program_guard(self.train, startup), fluid.unique_name.guard():
            x = fluid.layers.data(name="x", shape=[5], dtype="float32")
            rate = fluid.layers.data(name="rate", shape=[1], append_batch_size=False, dtype="float32")
            bias = fluid.ParamAttr(initializer=fluid.initializer.Constant(0.7))
            self.noise = minimise(
                fluid.layers.mean(fluid.layers.square(fluid.layers.fc(x, 1, bias_attr=bias))), rate, config
            )
        self.scope, self.executor = fluid.Scope(), fluid.Executor(fluid.CPUPlace())
        self.executor.run(startup, scope=self.scope)

    def parameters(self) -> dict[str, Array]:
        names = [parameter.name for parameter in self.train.all_parameters()]
        return {name: np.array(self.scope.find_var(name).get_tensor()).astype(np.float64) for name in names}

    def step(self, **feed: Any) -> None:
        self.executor.run(self.train, {"x": X, "rate": np.array([RATE], np.float32), **feed}, scope=self.scope)


def gradients(parameters: Mapping[str, Array]) -> dict[str, Array]:
    error = 2 * (X @ parameters[WEIGHT] + parameters[BIAS]) / len(X)
    return {WEIGHT: X.T @ error, BIAS: error.sum(0)}


def norm(array: Array) -> float:
    return float(np.linalg.norm(array))
