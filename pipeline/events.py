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
    """The best pass so far, which has the lowest cost: of the validation images where there are any, else of the test's.

    Accuracies are fractions of 1, and None where there are no classes. Where validation images choose, the test's
    numbers are None until the training ends.
    """

    epoch: int
    test_cost: float | None
    test_accuracy: float | None
    valid_cost: float | None = None
    valid_accuracy: float | None = None

    @property
    def cost(self) -> float:
        """The cost by which passes are compared."""
        cost = self.test_cost if self.valid_cost is None else self.valid_cost
        assert cost is not None
        return cost


@dataclass(frozen=True)
class BeginEpochEvent:
    """A pass begins, at `first_batch` of `batches`: not 0 where a training goes on in the middle of a pass."""

    epoch: int
    first_batch: int
    batches: int


@dataclass(frozen=True)
class EndStepEvent:
    """A batch was learnt whose cost is to be shown: every `log_every`-th of a pass, beginning with its first.

    `step` counts the batches of the whole training from 0.
    """

    epoch: int
    batch: int
    step: int
    cost: float
    accuracy: float | None
    learning_rate: float | None = None


@dataclass(frozen=True)
class EndEpochEvent:
    """A pass is over and was tested, on the validation images where there are any, else on the test's.

    `step` is the number of batches learnt so far, `seconds` the time they took.
    """

    epoch: int
    step: int
    train_cost: float
    train_accuracy: float | None
    test_cost: float | None
    test_accuracy: float | None
    seconds: float
    valid_cost: float | None = None
    valid_accuracy: float | None = None


@dataclass(frozen=True)
class EndTrainingEvent:
    """All passes are over."""

    best: Best


@dataclass(frozen=True)
class CheckEvent:
    """What `check_shape` or `check_content` shows of a batch that is about to be learnt, for reading."""

    epoch: int
    batch: int
    text: str


Event = BeginEpochEvent | EndStepEvent | EndEpochEvent | EndTrainingEvent | CheckEvent
Handler = Callable[[Event], None]


@dataclass(frozen=True)
class PrintHandler:
    """Prints the book's lines: the cost of batches, the test of each pass, the best pass at the end."""

    stream: TextIO | None = None  # None: whatever sys.stdout is when a line is printed

    def __call__(self, event: Event) -> None:
        match event:
            case CheckEvent():
                self._print(f"Pass {event.epoch}, Batch {event.batch}\n\n{event.text}\n")
            case EndStepEvent():
                self._print(f"Pass {event.epoch}, Batch {event.batch}, Cost {event.cost:f}")
            case EndEpochEvent(valid_cost=None):
                self._print_test("Test", event.epoch, event.test_cost, event.test_accuracy)
            case EndEpochEvent():
                self._print_test("Validation", event.epoch, event.valid_cost, event.valid_accuracy)
            case EndTrainingEvent(best):
                self._print(f"Best pass is {best.epoch}, testing Avgcost is {best.test_cost}")
                if best.test_accuracy is not None:
                    self._print(f"The classification accuracy is {best.test_accuracy * 100:.2f}%")

    def _print_test(self, kind: str, epoch: int, cost: float | None, accuracy: float | None) -> None:
        right = "" if accuracy is None else f", acc: {accuracy}"
        self._print(f"{kind} with Epoch {epoch}, avg_cost: {cost}{right}")

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
                self._bar.update(event.batch + 1 - self._bar.n)
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
