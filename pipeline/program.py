"""The programs of a training, built in the book's way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import legacy_fluid as fluid
from pipeline.averaging import add_averages
from pipeline.config import TrainConfig
from pipeline.data.dataset import IMAGES, Input
from pipeline.graph_loading import Graph, load_graph
from pipeline.losses import LOSSES
from pipeline.optimizers import minimise
from pipeline.precise_bn import Statistics, statistics_of

LABEL, LEARNING_RATE, AVERAGING_RATE = "label", "learning_rate", "averaging_rate"


@dataclass(frozen=True)
class Programs:
    """What is run: `startup` once, `train` for each batch, `test` after each pass; and what to feed and read.

    Both want samples, as their Input makes them, and LABEL [N, 1]: int64, or float32 where there are no classes. `train`
    wants its LEARNING_RATE too, [1] float32; where there are averages their AVERAGING_RATE, the same; each of
    `dropout_seeds`, [1] int32 above 0; and NOISE, [noise] float32, where an optimizer adds some.
    """

    startup: Any
    train: Any
    test: Any
    prediction: Any  # [N, outputs] float32: probabilities of classes, or one number
    fetch: list[Any]  # average cost and, where there are classes, accuracy of the batch, [1] float32
    statistics: Statistics | None  # what measures batch_norm's for the test; None where the steps' are kept
    averages: dict[str, str]  # the names of the parameters' averages, by parameter's; none where none are kept
    dropout_seeds: list[str]
    noise: int


def build_programs(config: TrainConfig, classes: int, form: Input = IMAGES, graph: Graph | None = None) -> Programs:
    """Return the programs of the configured model for data of so many classes, 0 where a number is to be foretold.

    `graph` is the model's, loaded here unless given. Raises DataError where it does not fit the data.
    """
    loss = LOSSES[config.loss]
    graph = graph or load_graph(config.model)
    train, startup = fluid.Program(), fluid.Program()
    train.random_seed = startup.random_seed = config.seed + 1  # fluid takes a 0 for "any"
    with fluid.program_guard(train, startup), fluid.unique_name.guard():
        samples = fluid.layers.data(name=form.name, shape=list(form.shape), dtype="float32")
        label = fluid.layers.data(name=LABEL, shape=[1], dtype="int64" if classes else "float32")
        prediction = graph.build(samples, loss.outputs(classes), config)
        fetch = [fluid.layers.mean(loss.cost(prediction, label))]
        if classes:
            fetch.append(loss.accuracy(prediction, label, classes))
        test = train.clone(for_test=True)
        statistics = statistics_of(test) if config.precise_bn else None

        dropout_seeds = _feed_dropout_seeds(train)
        smoothing = config.label_smoothing
        cost = _smoothed(prediction, label, smoothing, classes) if smoothing else fetch[0]
        # Fed and not decayed by operators: so it hangs on the step alone, and a resumed training restores nothing.
        noise = minimise(cost, _scalar(LEARNING_RATE), config)
        averages = add_averages(train, startup, _scalar(AVERAGING_RATE)) if config.average else {}
    return Programs(startup, train, test, prediction, fetch, statistics, averages, dropout_seeds, noise)


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
