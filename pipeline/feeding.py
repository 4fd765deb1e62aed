"""What each step is fed: the batches of a pass, made ahead by a thread, and the numbers that hang on the step alone.

Everything random here follows from the seed and from where the training stands, so that one which goes on in the middle
is fed what it would have been fed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any

import numpy as np

from pipeline import averaging, readers
from pipeline.augment import augment, parse
from pipeline.config import TrainConfig
from pipeline.data.dataset import Input, Split
from pipeline.decays import schedule
from pipeline.optimizers import NOISE
from pipeline.program import AVERAGING_RATE, LABEL, LEARNING_RATE, Programs

Feed = dict[str, Any]

_AUGMENTATION, _DROPOUT, _NOISE = 1, 2, 3  # what a random stream is for: two of one seed must have nothing in common


def batches(split: Split, config: TrainConfig, epoch: int, first: int) -> AbstractContextManager[Iterator[Feed]]:
    """Return samples and labels of the batches of a pass from `first` on; leaving the context ends the thread behind."""

    def read() -> Generator[Feed, None, None]:
        return _read(split, config, epoch, first)

    return closing(readers.buffered(read, config.prefetch)() if config.prefetch else read())


def in_order(split: Split, size: int) -> Iterator[Feed]:
    """Yield samples and labels of all of a split, in batches."""
    for begin in range(0, len(split), size):
        end = begin + size
        yield _feed(split.input, split.samples[begin:end], split.truth[begin:end])


class StepFeed:
    """The numbers that a step of `programs.train` is fed beside its batch, in a training of `steps` steps."""

    def __init__(self, programs: Programs, config: TrainConfig, steps: int) -> None:
        self.programs, self.config = programs, config
        self.learning_rate = schedule(config, steps)

    def __call__(self, step: int) -> Feed:
        config = self.config
        feed: Feed = {LEARNING_RATE: self.learning_rate(step)}
        if self.programs.averages:
            feed[AVERAGING_RATE] = averaging.rate(config.average, step)
        feed = {name: np.array([value], np.float32) for name, value in feed.items()}
        if names := self.programs.dropout_seeds:
            seeds = _stream(config.seed, _DROPOUT, step).integers(1, 2**31 - 1, (len(names), 1), np.int32)
            feed.update(zip(names, seeds, strict=True))
        if count := self.programs.noise:
            feed[NOISE] = _stream(config.seed, _NOISE, step).standard_normal(count, np.float32)
        return feed


def _read(split: Split, config: TrainConfig, epoch: int, first: int) -> Generator[Feed, None, None]:
    shuffled = readers.shuffle(split.reader(), config.shuffle_buffer, seed=config.seed)
    shuffled.epoch = epoch
    amounts = parse(config.augment)
    for batch, rows in enumerate(readers.order_of_batches(readers.batch(shuffled, config.batch_size)) or ()):
        if batch >= first:
            samples: Any = split.samples[rows]
            if amounts:
                samples = augment(samples, amounts, _stream(config.seed, _AUGMENTATION, epoch, batch))
            yield _feed(split.input, samples, split.truth[rows])


def _feed(form: Input, samples: Any, truth: Any) -> Feed:
    return {form.name: form.normalise(samples), LABEL: truth[:, None]}


def _stream(*numbers: int) -> np.random.Generator:
    return np.random.default_rng(numbers)
