"""The race itself: the contenders of a model learn the same passes in turns."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench_train.contenders import Contender, Worker
from benchmarks.bench_train.results import Climb, Entry, Lap, Race
from fluidline.errors import DataError
from pipeline import readers
from pipeline.config import TrainConfig
from pipeline.data.dataset import Dataset, Split
from pipeline.decays import schedule

BATCHES = {"lenet": 100, "mlp": 500, "softmax": 900}  # a round: a second or so of the fastest
FEW_TESTS = 200  # images, for a round is not about the test
SHARED = ("model", "preset", "epochs", "batch_size", "seed", "learning_rate", "l2")  # settings that each is told
WITHOUT_END = 1_000_000  # passes

_log = logging.getLogger("fluidline.bench_train")


@dataclass(frozen=True)
class Course:
    """What all contenders share: `threads` None leaves each library its own number."""

    dataset: Dataset
    batch_size: int
    seed: int
    threads: int | None
    folder: Path


def race(course: Course, model: str, everyone: Sequence[Contender], rounds: int, batches: int | None = None) -> Race:
    """Return what `rounds` rounds of a model came to, after one to warm up.

    A round is the same pass of every contender, one after the other, and each begins a round as often as the others.
    """
    batches = batches or BATCHES[model]
    images = batches * course.batch_size
    if images > len(course.dataset.train):
        raise DataError(f"a round of {model} takes {images} training images: {course.dataset.source} has fewer")
    train, test = _first(course.dataset.train, images), _first(course.dataset.test, FEW_TESTS)
    config = TrainConfig(model=model, preset="book", epochs=WITHOUT_END, batch_size=course.batch_size, seed=course.seed)
    with _Field(course, config, everyone, train, test) as field:
        for number in range(1 + rounds):
            field.learn(first=number, test=False)
            _log.info("%s, %s", model, f"round {number} of {rounds}" if number else "warm-up")
        return Race(model, batches, field.entries)


def climb(course: Course, everyone: Sequence[Contender], goal: float) -> Climb:
    """Let the contenders train LeNet on all there is by our default recipe, until each has the test accuracy `goal`."""
    config = TrainConfig(model="lenet", batch_size=course.batch_size, seed=course.seed)
    with _Field(course, config, everyone, course.dataset.train, course.dataset.test) as field:
        for number in range(config.epochs):
            field.learn(first=number, test=True)
            accuracies = ", ".join(
                f"{entry.contender.title} {entry.laps[-1].test_accuracy:.2%}" for entry in field.entries
            )
            _log.info("to %.2f%%, pass %d: %s", 100 * goal, number + 1, accuracies)
            if all(Climb.passes(entry, goal) for entry in field.entries):
                break
        return Climb(goal, field.entries)


class _Field:
    """The processes of all contenders of a model, and what each has done."""

    def __init__(
        self, course: Course, config: TrainConfig, everyone: Sequence[Contender], train: Split, test: Split
    ) -> None:
        self.course, self.train = course, train
        self.entries: list[Entry] = []
        self.workers: list[Worker] = []
        model, folder = config.model, course.folder
        spec = {
            **{name: getattr(config, name) for name in SHARED},
            "data": str(folder / f"{model}.npz"),
            "parameters": str(folder / f"{model}-parameters.npz"),
            "rates": None if config.decay == "constant" else str(folder / "rates.npy"),
        }
        np.savez(
            spec["data"],
            train_images=train.images, train_labels=train.labels, test_images=test.images, test_labels=test.labels,
        )  # fmt: skip
        if spec["rates"]:
            steps = config.epochs * -(-len(train) // config.batch_size)
            np.save(spec["rates"], list(map(schedule(config, steps), range(steps))))
        self.shuffled = readers.shuffle(train.reader(), config.shuffle_buffer, seed=config.seed)
        with ExitStack() as stack:
            for contender in everyone:  # ours first: it writes the parameters from which the others start
                log = course.folder / f"{model}-{contender.name}.log"
                worker = stack.enter_context(Worker(contender, spec, log, course.threads))
                self.workers.append(worker)
                self.entries.append(Entry(contender, worker.ready))
            self.open = stack.pop_all()

    def learn(self, first: int, test: bool) -> None:
        """Let everyone learn the next pass, beginning with the `first`, counted round and round."""
        rows = self._rows(len(self.entries[0].laps))
        order = list(zip(self.workers, self.entries, strict=True))
        begin = first % len(order)
        for worker, entry in order[begin:] + order[:begin]:
            lap: dict[str, Any] = worker.learn(rows, test)
            lap["costs"] = [(batch, cost) for batch, cost in lap["costs"]]
            entry.laps.append(Lap(images=len(self.train), **lap))

    def _rows(self, epoch: int) -> Path:
        """Return a file of the rows that the pipeline's own loop takes in a pass, in its order."""
        self.shuffled.epoch = epoch
        rows = readers.order_of_batches(readers.batch(self.shuffled, self.course.batch_size))
        assert rows is not None
        file = self.course.folder / "rows.npy"
        np.save(file, np.concatenate(rows))
        return file

    def __enter__(self) -> _Field:
        return self

    def __exit__(self, *_: object) -> None:
        self.open.close()


def _first(split: Split, count: int) -> Split:
    return Split(split.images[:count], split.labels[:count])
