"""The programs of a training, built in the book's way."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import legacy_fluid as fluid
from pipeline.averaging import add_averages
from pipeline.config import TrainConfig
from pipeline.data.dataset import SIDE
from pipeline.models import MODELS
from pipeline.optimizers import minimise

IMG, LABEL, LEARNING_RATE, AVERAGING_RATE = "img", "label", "learning_rate", "averaging_rate"


@dataclass(frozen=True)
class Programs:
    """What is run: `startup` once, `train` for each batch, `test` after each pass; and what to feed and read.

    Both want IMG [N, 1, 28, 28] float32 and LABEL [N, 1] int64. `train` wants its LEARNING_RATE too, [1] float32; where
    there are averages their AVERAGING_RATE, the same; and each of `dropout_seeds`, [1] int32 above 0.
    """

    startup: Any
    train: Any
    test: Any
    prediction: Any  # [N, classes] float32, probabilities
    fetch: list[Any]  # average cost and accuracy of the batch, [1] float32
    averages: dict[str, str]  # the names of the parameters' averages, by parameter's; none where none are kept
    dropout_seeds: list[str]


def build_programs(config: TrainConfig, classes: int) -> Programs:
    """Return the programs of the configured model with `classes` outputs."""
    train, startup = fluid.Program(), fluid.Program()
    train.random_seed = startup.random_seed = config.seed + 1  # fluid takes a 0 for "any"
    with fluid.program_guard(train, startup), fluid.unique_name.guard():
        img = fluid.layers.data(name=IMG, shape=[1, SIDE, SIDE], dtype="float32")
        label = fluid.layers.data(name=LABEL, shape=[1], dtype="int64")
        prediction = _graph(config.model)(img, classes)
        avg_cost = fluid.layers.mean(fluid.layers.cross_entropy(input=prediction, label=label))
        accuracy = fluid.layers.accuracy(input=prediction, label=label)
        test = train.clone(for_test=True)

        dropout_seeds = _feed_dropout_seeds(train)
        loss = _smoothed(prediction, label, config.label_smoothing, classes) if config.label_smoothing else avg_cost
        # Fed and not decayed by operators: so it hangs on the step alone, and a resumed training restores nothing.
        minimise(loss, _scalar(LEARNING_RATE), config)
        averages = add_averages(train, startup, _scalar(AVERAGING_RATE)) if config.average else {}
    return Programs(startup, train, test, prediction, [avg_cost, accuracy], averages, dropout_seeds)


def _graph(model: str) -> Any:
    module, function = MODELS[model].graph.split(":")
    return getattr(importlib.import_module(module), function)


def _scalar(name: str, dtype: str = "float32") -> Any:
    return fluid.layers.data(name=name, shape=[1], append_batch_size=False, dtype=dtype)


def _feed_dropout_seeds(program: Any) -> list[str]:
    """Let every dropout take its seed from what is fed, and return the names.

    With a seed of the program's, as in fluid, each step would drop the same elements; with none, a resumed training
    would drop others than one that was never stopped.
    """
    dropouts = [op for block in program.blocks for op in block.ops if op.type == "dropout"]
    names = [f"dropout_seed_{number}" for number in range(len(dropouts))]
    for op, name in zip(dropouts, names, strict=True):
        op.desc.set_input("Seed", [_scalar(name, "int32").name])
    return names


def _smoothed(prediction: Any, label: Any, share: float, classes: int) -> Any:
    """Return the average cost against labels of which all classes alike have a share."""
    soft = fluid.layers.label_smooth(fluid.one_hot(fluid.layers.squeeze(label, [1]), classes), epsilon=share)
    return fluid.layers.mean(fluid.layers.cross_entropy(input=prediction, label=soft, soft_label=True))
