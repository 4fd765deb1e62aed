"""What happens in a training, and the handlers that show it on a screen.

A handler is called with each event and may be any callable: `train(config, handlers=[my_handler])`. The
names are those of fluid's Trainer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO


@dataclass(frozen=True)
class Best:
    """The pass of lowest test cost so far; accuracies are fractions of 1."""

    epoch: int
    test_cost: float
    test_accuracy: float


@dataclass(frozen=True)
class BeginEpochEvent:
    """A pass begins, at `first_batch` of `batches`: not 0 where a training goes on in the middle of a pass."""

    epoch: int
    first_batch: int
    batches: int


@dataclass(frozen=True)
class EndStepEvent:
    """A batch was learnt; `step` counts the batches of the whole training from 0."""

    epoch: int
    batch: int
    step: int
    cost: float
    accuracy: float


@dataclass(frozen=True)
class EndEpochEvent:
    """A pass is over and was tested; `step` is the number of batches learnt so far, `seconds` the time they took."""

    epoch: int
    step: int
    train_cost: float
    train_accuracy: float
    test_cost: float
    test_accuracy: float
    seconds: float


@dataclass(frozen=True)
class EndTrainingEvent:
    """All passes are over."""

    best: Best


Event = BeginEpochEvent | EndStepEvent | EndEpochEvent | EndTrainingEvent
Handler = Callable[[Event], None]


@dataclass(frozen=True)
class PrintHandler:
    """Prints the book's lines: the cost every `every` batches, the test of each pass, the best pass at the end."""

    every: int = 100
    stream: TextIO | None = None  # None: whatever sys.stdout is when a line is printed

    def __call__(self, event: Event) -> None:
        match event:
            case EndStepEvent() if event.batch % self.every == 0:
                self._print(f"Pass {event.epoch}, Batch {event.batch}, Cost {event.cost:f}")
            case EndEpochEvent():
                self._print(f"Test with Epoch {event.epoch}, avg_cost: {event.test_cost}, acc: {event.test_accuracy}")
            case EndTrainingEvent(best):
                self._print(f"Best pass is {best.epoch}, testing Avgcost is {best.test_cost}")
                self._print(f"The classification accuracy is {best.test_accuracy * 100:.2f}%")

    def _print(self, line: str) -> None:
        from tqdm import tqdm

        tqdm.write(line, file=self.stream or sys.stdout)  # not print(): a progress bar may stand in the line


class ProgressHandler:
    """Draws a progress bar of each pass to stderr where that is a terminal; close it when the training ends."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, event: Event) -> None:
        match event:
            case BeginEpochEvent():
                self._bar = self._open(event)
            case EndStepEvent():
                self._bar.set_postfix_str(f"cost {event.cost:.4f}", refresh=False)
                self._bar.update()
            case EndEpochEvent():
                self.close()

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.close()

    @staticmethod
    def _open(event: BeginEpochEvent) -> Any:
        from tqdm import tqdm

        return tqdm(
            desc=f"epoch {event.epoch}",
            total=event.batches,
            initial=event.first_batch,
            unit="batch",
            leave=False,
            disable=None,  # tqdm's word for "unless on a terminal"
        )
