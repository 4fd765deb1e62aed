"""Ours: the pipeline's own trainer, as `python -m pipeline train --preset NAME` has it, held up before each pass."""

from __future__ import annotations

import tempfile
import time
import zlib  # noqa: F401  (before paddle, whose own inflate would take its place)
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from protocol import Channel

SHOWN_EVERY = 5  # batches; the pipeline's own 100 would leave too few costs to compare


class Starter:
    """A training's event handler that lets each pass begin when it is asked for, and answers when it has ended."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.requests: Iterator[dict[str, Any]] = channel.requests()
        self.costs: list[tuple[int, float]] = []
        self.seconds = 0.0

    def __call__(self, event: Any) -> None:
        from pipeline.events import BeginEpochEvent, EndEpochEvent, EndStepEvent

        match event:
            case BeginEpochEvent():
                if next(self.requests, None) is None:
                    raise SystemExit
                self.costs = []
            case EndStepEvent():
                self.costs.append((event.batch, event.cost))
            case EndEpochEvent():
                self.channel.answer(
                    seconds=event.seconds - self.seconds,
                    costs=self.costs,
                    cost=event.train_cost,
                    test_accuracy=event.test_accuracy,
                )
                self.seconds = event.seconds


def main() -> None:
    channel = Channel()
    spec = channel.spec
    begin = time.perf_counter()
    from pipeline import device

    device.use_threads(None)  # as `python -m pipeline train` has it
    import paddle

    from pipeline.config import TrainConfig
    from pipeline.data.dataset import Dataset, Split
    from pipeline.program import build_programs
    from pipeline.signals import StopSignal
    from pipeline.trainer import Trainer

    loaded = time.perf_counter()
    data = channel.data()
    train, test = (Split(data[f"{name}_images"], data[f"{name}_labels"]) for name in ("train", "test"))
    dataset = Dataset("a benchmark", train, test, None, tuple("0123456789"))
    config = TrainConfig(
        model=spec["model"], preset=spec["preset"], batch_size=spec["batch_size"], seed=spec["seed"],
        epochs=spec["epochs"], log_every=SHOWN_EVERY, checkpoint_every=0,
    )  # fmt: skip
    read = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, StopSignal() as stop:
        trainer = Trainer(config, dataset, build_programs(config, len(dataset.labels)), Path(folder), {})
        built = time.perf_counter()
        parameters = trainer.programs.train.all_parameters()
        values = [np.array(trainer.scope.find_var(parameter.name).get_tensor()) for parameter in parameters]
        np.savez(spec["parameters"], *values)
        channel.send(
            import_s=loaded - begin, build_s=built - read, version=paddle.__version__, threads=device.threads()
        )
        trainer.fit(Starter(channel), stop)


if __name__ == "__main__":
    main()
