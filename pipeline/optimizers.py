"""How the parameters follow the loss: the optimizers by name, and what is done to the gradients first."""

from __future__ import annotations

from typing import Any

import legacy_fluid as fluid
from pipeline.config import TrainConfig


def minimise(loss: Any, learning_rate: Any, config: TrainConfig) -> None:
    """Append to the current program what moves its parameters to lower `loss`.

    `loss` and `learning_rate` are Variables, [1] float32.
    """
    penalty = fluid.regularizer.L2Decay(config.l2) if config.l2 else None
    optimizer = fluid.optimizer.Adam(learning_rate=learning_rate, regularization=penalty)
    gradients = optimizer.backward(loss)
    if config.weight_decay:
        _decay_weights([parameter for parameter, _ in gradients], learning_rate, config.weight_decay)
    optimizer.apply_gradients(gradients)


def _decay_weights(parameters: list[Any], learning_rate: Any, weight_decay: float) -> None:
    """Take a share off the weights: beside the optimizer's step, not through it (AdamW, arxiv.org/abs/1711.05101)."""
    kept = fluid.layers.scale(learning_rate, scale=-weight_decay, bias=1.0)
    for parameter in parameters:
        if len(parameter.shape) > 1:
            names = {"X": [parameter], "Y": [kept]}
            parameter.block.append_op(type="elementwise_mul", inputs=names, outputs={"Out": [parameter]})
