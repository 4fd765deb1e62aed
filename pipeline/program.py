"""The programs of a training, built in the book's way."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import legacy_fluid as fluid
from pipeline.config import TrainConfig
from pipeline.data.dataset import SIDE
from pipeline.models import MODELS

LEARNING_RATE = "learning_rate"


@dataclass(frozen=True)
class Programs:
    """What is run: `startup` once, `train` for each batch, `test` after each pass; and what to feed and fetch.

    `train` wants to be fed its learning rate, [1] float32 under the name LEARNING_RATE, beside the samples.
    """

    startup: Any
    train: Any
    test: Any
    feed: tuple[Any, Any]  # img [N, 1, 28, 28] float32, label [N, 1] int64
    prediction: Any  # [N, classes] float32, probabilities
    fetch: tuple[Any, Any]  # average cost and accuracy of the batch, [1] float32


def build_programs(config: TrainConfig, classes: int) -> Programs:
    """Return the programs of the configured model with `classes` outputs."""
    train, startup = fluid.Program(), fluid.Program()
    train.random_seed = startup.random_seed = config.seed + 1  # fluid takes a 0 for "any"
    with fluid.program_guard(train, startup), fluid.unique_name.guard():
        img = fluid.layers.data(name="img", shape=[1, SIDE, SIDE], dtype="float32")
        label = fluid.layers.data(name="label", shape=[1], dtype="int64")
        prediction = _graph(config.model)(img, classes)
        cost = fluid.layers.cross_entropy(input=prediction, label=label)
        avg_cost = fluid.layers.mean(cost)
        accuracy = fluid.layers.accuracy(input=prediction, label=label)
        test = train.clone(for_test=True)
        # Fed and not decayed by operators: so it hangs on the step alone, and a resumed training restores nothing.
        learning_rate = fluid.layers.data(name=LEARNING_RATE, shape=[1], append_batch_size=False, dtype="float32")
        penalty = fluid.regularizer.L2Decay(config.l2) if config.l2 else None
        fluid.optimizer.Adam(learning_rate=learning_rate, regularization=penalty).minimize(avg_cost)
    return Programs(startup, train, test, (img, label), prediction, (avg_cost, accuracy))


def _graph(model: str) -> Any:
    module, function = MODELS[model].graph.split(":")
    return getattr(importlib.import_module(module), function)
