"""The errors a user can cause. Commands print them without a traceback and exit with `exit_code`.

FluidlineError            exit 1: the command was understood and could not be done
├── UsageError            exit 2: the command makes no sense as written
├── DataError             a data set, image or model file is missing, torn or not what it says it is
├── RunError              a run folder is missing, unfinished or busy
└── ValidationError       a converted model is not the model it came from
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FluidlineError(Exception):
    """Base of all errors that are the user's to mend; the message names the thing, the value and the mend."""

    exit_code = 1


class UsageError(FluidlineError):
    """The command as written makes no sense: an unknown name, a value out of range."""

    exit_code = 2


class DataError(FluidlineError):
    """A data set, image or model file is missing, torn or not what it says it is."""


class RunError(FluidlineError):
    """A run folder is missing, unfinished or busy."""


class DivergedError(FluidlineError):
    """The cost of a training is no longer a number; `epoch` is the pass in which that happened."""

    def __init__(self, message: str, epoch: int) -> None:
        super().__init__(message)
        self.epoch = epoch

    def __reduce__(self) -> tuple[type[DivergedError], tuple[str, int]]:
        return type(self), (str(self), self.epoch)


class ValidationError(FluidlineError):
    """A converted model is not the model it came from."""


def closest(value: str, known: Iterable[str]) -> str:
    """Return a hint like ` (did you mean 'lenet'?)` for a misspelt `value`, or the list of what is `known`."""
    known = sorted(known)
    match = difflib.get_close_matches(value, known, n=1)
    return f" (did you mean '{match[0]}'?)" if match else f" (known: {', '.join(known)})"
