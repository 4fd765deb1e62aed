"""The training loop: passes over batches, a test after each, and a checkpoint from which it goes on bit for bit."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import legacy_fluid as fluid
from fluidline.errors import FluidlineError
from pipeline import readers
from pipeline.checkpoint import BEST, LAST, load_checkpoint, write_checkpoint
from pipeline.config import TrainConfig
from pipeline.data.dataset import Dataset
from pipeline.decays import DECAYS
from pipeline.events import BeginEpochEvent, Best, EndEpochEvent, EndStepEvent, Event
from pipeline.program import LEARNING_RATE, build_programs
from pipeline.signals import StopSignal

TEST_BATCH = 200


@dataclass
class Progress:
    """Where a training stands: the pass and the batch that come next, and the sums of the pass so far."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    samples: int = 0
    cost_sum: float = 0.0
    correct: int = 0
    seconds: float = 0.0
    best: Best | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Progress:
        """Return the progress that `asdict` was given."""
        best = values["best"] and Best(**values["best"])
        return cls(**{**values, "best": best})


class Trainer:
    """A model in training. `facts` go into the state of each checkpoint it writes below the folder `checkpoints`."""

    def __init__(self, config: TrainConfig, dataset: Dataset, checkpoints: Path, facts: dict[str, Any]) -> None:
        self.config, self.dataset, self.checkpoints, self.facts = config, dataset, checkpoints, facts
        self.progress = Progress()
        self.batches = math.ceil(len(dataset.train) / config.batch_size)
        self.programs = build_programs(config, len(dataset.labels))
        self.scope = fluid.Scope()
        self.executor = fluid.Executor(fluid.CPUPlace())
        self.feeder = fluid.DataFeeder(feed_list=list(self.programs.feed), place=fluid.CPUPlace())
        random.seed(config.seed)  # nothing here draws from these two, but a user's handler may
        np.random.seed(config.seed)
        with fluid.scope_guard(self.scope):
            self.executor.run(self.programs.startup)

    def restore(self, folder: Path, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        with fluid.scope_guard(self.scope):
            load_checkpoint(folder, self.programs.train, self.executor)
        self.progress = Progress.from_dict(state["progress"])

    def fit(self, handle: Callable[[Event], None], stop: StopSignal) -> Best | None:
        """Train to the last pass and return the best; None where `stop` ended it before, after a checkpoint.

        Raises FluidlineError where the cost is no longer a number.
        """
        with fluid.scope_guard(self.scope):
            while self.progress.epoch < self.config.epochs:
                if not self._learn(handle, stop):
                    self._save(LAST)
                    return None
                self._finish_epoch(handle)
        return self.progress.best

    def _learn(self, handle: Callable[[Event], None], stop: StopSignal) -> bool:
        """Run the batches of this pass that are still to come; False where a stop was requested."""
        now = self.progress
        handle(BeginEpochEvent(now.epoch, now.batch, self.batches))
        begin = time.perf_counter() - now.seconds
        for samples in islice(self._batches(), now.batch, None):
            if stop.requested:
                return False
            feed = {**self.feeder.feed(samples), LEARNING_RATE: self._learning_rate()}
            cost, accuracy = self._run(self.programs.train, feed)
            if not math.isfinite(cost):
                raise FluidlineError(
                    f"the cost became {cost} in epoch {now.epoch}, batch {now.batch}"
                    f" (train again with a --learning-rate below {self.config.learning_rate})"
                )
            now.samples += len(samples)
            now.cost_sum += cost * len(samples)
            now.correct += round(accuracy * len(samples))
            now.seconds = time.perf_counter() - begin
            event = EndStepEvent(now.epoch, now.batch, now.step, cost, accuracy)
            now.batch, now.step = now.batch + 1, now.step + 1
            handle(event)
        return not stop.requested

    def _finish_epoch(self, handle: Callable[[Event], None]) -> None:
        now = self.progress
        test_cost, test_accuracy = self._test()
        train_cost, train_accuracy = now.cost_sum / now.samples, now.correct / now.samples
        handle(EndEpochEvent(now.epoch, now.step, train_cost, train_accuracy, test_cost, test_accuracy, now.seconds))
        # Best before last: a process killed between the two repeats this pass, and writes the same best again.
        if now.best is None or test_cost < now.best.test_cost:
            now.best = Best(now.epoch, test_cost, test_accuracy)
            self._save(BEST)
        self.progress = Progress(epoch=now.epoch + 1, step=now.step, seconds=now.seconds, best=now.best)
        self._save(LAST)

    def _test(self) -> tuple[float, float]:
        """Return average cost and accuracy over the test split."""
        cost_sum, correct = 0.0, 0
        for samples in readers.batch(self.dataset.test.reader(), TEST_BATCH)():
            cost, accuracy = self._run(self.programs.test, self.feeder.feed(samples))
            cost_sum += cost * len(samples)
            correct += round(accuracy * len(samples))
        return cost_sum / len(self.dataset.test), correct / len(self.dataset.test)

    def _learning_rate(self) -> npt.NDArray[np.float32]:
        done = self.progress.step / (self.batches * self.config.epochs)
        return np.array([self.config.learning_rate * DECAYS[self.config.decay](done)], np.float32)

    def _run(self, program: Any, feed: dict[str, Any]) -> tuple[float, float]:
        cost, accuracy = self.executor.run(program, feed=feed, fetch_list=list(self.programs.fetch))
        return float(cost[0]), float(accuracy[0])

    def _batches(self) -> Iterable[list[Any]]:
        """Return the batches of this pass, in an order that the seed and the number of the pass alone decide."""
        shuffled = readers.shuffle(self.dataset.train.reader(), self.config.shuffle_buffer, seed=self.config.seed)
        shuffled.epoch = self.progress.epoch
        return readers.batch(shuffled, self.config.batch_size)()

    def _save(self, name: str) -> None:
        program = self.programs.test if name == BEST else self.programs.train
        state = {"progress": asdict(self.progress), "output": self.programs.prediction.name, **self.facts}
        write_checkpoint(self.checkpoints / name, program, state)
