"""The training loop: passes over batches, a test after each, and checkpoints from which it goes on bit for bit."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import legacy_fluid as fluid
from fluidline.errors import DivergedError
from pipeline import device
from pipeline.averaging import copy_averages
from pipeline.checkpoint import BEST, LAST, MODEL, load_checkpoint, write_checkpoint
from pipeline.config import TrainConfig
from pipeline.data.dataset import Dataset, Split
from pipeline.events import BeginEpochEvent, Best, EndEpochEvent, EndStepEvent, Event
from pipeline.feeding import Feed, StepFeed, batches, in_order
from pipeline.inspect.checks import Checks
from pipeline.precise_bn import measure
from pipeline.program import LABEL, LEARNING_RATE, Programs
from pipeline.signals import StopSignal

TEST_BATCH, MEASURED_BATCH = 50, 500


@dataclass
class Progress:
    """Where a training stands: the pass and the batch that come next, and the sums of the pass so far."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    cost_sum: float = 0.0
    right: int = 0
    seconds: float = 0.0
    best: Best | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Progress:
        """Return the progress that `asdict` was given."""
        best = values["best"] and Best(**values["best"])
        return cls(**{**values, "best": best})


class Trainer:
    """A model in training. `facts` go into the state of each checkpoint it writes below the folder `checkpoints`."""

    def __init__(
        self, config: TrainConfig, dataset: Dataset, programs: Programs, checkpoints: Path, facts: dict[str, Any]
    ) -> None:
        self.config, self.dataset, self.programs = config, dataset, programs
        self.fetched = [variable.name for variable in programs.fetch]
        self.checkpoints, self.facts = checkpoints, facts
        self.progress = Progress()
        self.batches = math.ceil(len(dataset.train) / config.batch_size)
        self.measured = dataset.train.spread(config.precise_bn)
        self.step_feed = StepFeed(self.programs, config, self.batches * config.epochs)
        self.scope = fluid.Scope()
        # Where the test finds averages and batch_norm's statistics of its own, one for all passes; the rest is in the other.
        self.tested = self.scope.new_scope()
        self.place = device.place(config.device)
        self.executor = fluid.Executor(self.place)
        self.checks = Checks(programs, config, self.place)
        random.seed(config.seed)  # nothing here draws from these two, but a user's handler may
        np.random.seed(config.seed)
        with fluid.scope_guard(self.scope):
            self.executor.run(self.programs.startup)
        self.saved = time.monotonic()

    def restore(self, folder: Path, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        with fluid.scope_guard(self.scope):
            load_checkpoint(folder, self.programs.train, self.executor)
        self.progress = Progress.from_dict(state["progress"])

    def fit(self, handle: Callable[[Event], None], stop: StopSignal) -> Best | None:
        """Train to the last pass and return the best; None where `stop` ended it before, after a checkpoint.

        Raises DivergedError where the cost is no longer a number.
        """
        with fluid.scope_guard(self.scope):
            while self.progress.epoch < self.config.epochs:
                if not self._learn(handle, stop):
                    self._save_last()
                    return None
                self._finish_epoch(handle)
            return self._test_best()

    def _learn(self, handle: Callable[[Event], None], stop: StopSignal) -> bool:
        """Run the batches of this pass that are still to come; False where a stop was requested."""
        now = self.progress
        handle(BeginEpochEvent(now.epoch, now.batch, self.batches))
        with batches(self.dataset.train, self.config, now.epoch, now.batch) as feeds:
            begin = time.perf_counter() - now.seconds
            for feed in feeds:
                if stop.requested:
                    return False
                self._step(feed, handle)
                now.seconds = time.perf_counter() - begin
                if self._checkpoint_is_due() and now.batch < self.batches:
                    self._save_last()
        return not stop.requested

    def _step(self, feed: Feed, handle: Callable[[Event], None]) -> None:
        now, size = self.progress, len(feed[LABEL])
        feed = {**feed, **self.step_feed(now.step)}
        for check in self.checks(now.epoch, now.batch, feed, self.scope):
            handle(check)
        cost, accuracy = self._run(self.programs.train, feed, self.scope)
        if not math.isfinite(cost):
            raise DivergedError(
                f"the cost became {cost} in epoch {now.epoch}, batch {now.batch}"
                f" (train again with a --learning-rate below {self.config.learning_rate})",
                now.epoch,
            )
        now.cost_sum += cost * size
        now.right += round((accuracy or 0.0) * size)
        epoch, batch, step = now.epoch, now.batch, now.step
        now.batch, now.step = batch + 1, step + 1
        if batch % self.config.log_every == 0:
            rate = float(str(feed[LEARNING_RATE][0]))  # through its digits as float32: 0.001, not 0.0010000000474974513
            handle(EndStepEvent(epoch, batch, step, cost, accuracy, rate))

    def _finish_epoch(self, handle: Callable[[Event], None]) -> None:
        now, count = self.progress, len(self.dataset.train)
        accuracy = now.right / count if self.dataset.labels else None
        copy_averages(self.scope, self.programs.averages, self.tested, self.place)
        if self.programs.statistics:
            feeds = in_order(self.measured, MEASURED_BATCH)
            measure(self.programs.statistics, self.executor, feeds, self.tested, self.place)
        if self.dataset.valid:
            best = Best(now.epoch, None, None, *self._test(self.dataset.valid, self.tested))
        else:
            best = Best(now.epoch, *self._test(self.dataset.test, self.tested))
        handle(
            EndEpochEvent(
                now.epoch, now.step, now.cost_sum / count, accuracy, best.test_cost, best.test_accuracy,
                now.seconds, best.valid_cost, best.valid_accuracy,
            )
        )  # fmt: skip
        # Best before last: a process killed between the two repeats this pass, and writes the same best again.
        if now.best is None or best.cost < now.best.cost:
            now.best = best
            self._save(BEST, self.programs.test, self.tested)
        self.progress = Progress(epoch=now.epoch + 1, step=now.step, seconds=now.seconds, best=now.best)
        self._save_last()

    def _test_best(self) -> Best | None:
        """Return the best pass, with what the test images say of it where others have chosen it."""
        best = self.progress.best
        if best is None or not self.dataset.valid:
            return best
        scope = self.scope.new_scope()
        with fluid.scope_guard(scope):
            fluid.load(self.programs.test, str(self.checkpoints / BEST / MODEL), self.executor)
        cost, accuracy = self._test(self.dataset.test, scope)
        return replace(best, test_cost=cost, test_accuracy=accuracy)

    def _test(self, split: Split, scope: Any) -> tuple[float, float | None]:
        """Return average cost and accuracy over a split, with the parameters of a scope."""
        cost_sum, right = 0.0, 0
        for feed in in_order(split, TEST_BATCH):
            cost, accuracy = self._run(self.programs.test, feed, scope)
            cost_sum += cost * len(feed[LABEL])
            right += round((accuracy or 0.0) * len(feed[LABEL]))
        return cost_sum / len(split), right / len(split) if self.dataset.labels else None

    def _run(self, program: Any, feed: Feed, scope: Any) -> tuple[float, float | None]:
        """Return average cost of a batch, and its accuracy where there are classes."""
        cost, *accuracy = self.executor.run(program, feed=feed, fetch_list=self.fetched, scope=scope)
        return float(cost[0]), float(accuracy[0][0]) if accuracy else None

    def _checkpoint_is_due(self) -> bool:
        return 0 < self.config.checkpoint_every <= time.monotonic() - self.saved

    def _save_last(self) -> None:
        self._save(LAST, self.programs.train, self.scope)
        self.saved = time.monotonic()

    def _save(self, name: str, program: Any, scope: Any) -> None:
        state = {"progress": asdict(self.progress), "output": self.programs.prediction.name, **self.facts}
        with fluid.scope_guard(scope):
            write_checkpoint(self.checkpoints / name, program, state)
