"""`fluid.incubate.data_generator`: lines of raw data in, lines in MultiSlot form out, as a data set's pipe command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["MultiSlotDataGenerator", "MultiSlotStringDataGenerator"]

Sample = Any  # [(slot, values), ...], a list or a tuple


class DataGenerator:
    """What subclasses define: `generate_sample`, and where they like `generate_batch`."""

    def __init__(self) -> None:
        self._proto_info: list[tuple[str, str]] | None = None
        self.batch_size_ = 32

    def _set_line_limit(self, line_limit: int) -> None:
        if not isinstance(line_limit, int) or line_limit < 1:
            raise ValueError(f"line_limit is an int of 1 or more, not {line_limit!r}")
        self._line_limit = line_limit

    def set_batch(self, batch_size: int) -> None:
        """Set how many samples `generate_batch` gets."""
        self.batch_size_ = batch_size

    def run_from_memory(self) -> None:
        """Write the samples of `generate_sample(None)`."""
        self._write(self.generate_sample(None)())

    def run_from_stdin(self) -> None:
        """Write the samples of each line of the standard input."""
        self._write(sample for line in sys.stdin for sample in self.generate_sample(line)())

    def _write(self, samples: Iterable[Sample]) -> None:
        batch: list[Sample] = []
        for sample in samples:
            if sample is None:
                continue
            batch.append(sample)
            if len(batch) == self.batch_size_:
                self._write_batch(batch)
                batch = []
        if batch:
            self._write_batch(batch)

    def _write_batch(self, batch: list[Sample]) -> None:
        for sample in self.generate_batch(batch)():
            sys.stdout.write(self._gen_str(sample))

    def _gen_str(self, line: Sample) -> str:
        raise NotImplementedError("derive from MultiSlotDataGenerator or MultiSlotStringDataGenerator")

    def generate_sample(self, line: str | None) -> Callable[[], Iterator[Sample]]:
        """Return a function that yields the samples of a line, each [(slot, values), ...]; subclasses define it."""
        raise NotImplementedError("define generate_sample(self, line): it returns a function that yields samples")

    def generate_batch(self, samples: list[Sample]) -> Callable[[], Iterator[Sample]]:
        """Return a function that yields the samples to write for a batch: the same, unless a subclass defines it."""
        return lambda: iter(samples)


class MultiSlotStringDataGenerator(DataGenerator):
    """Writes samples whose values are strings, unchecked."""

    def _gen_str(self, line: Sample) -> str:
        _check_sample(line)
        return " ".join(" ".join([str(len(values)), *values]) for _, values in line) + "\n"


class MultiSlotDataGenerator(DataGenerator):
    """Writes samples whose values are numbers, of the same slots in every sample."""

    def _gen_str(self, line: Sample) -> str:
        _check_sample(line)
        is_first = self._proto_info is None
        if is_first:
            self._proto_info = []
        elif len(line) != len(self._proto_info):
            raise ValueError(
                f"a sample has the slots of the first, {self._proto_info}, not {[name for name, _ in line]}"
            )
        for index, (name, values) in enumerate(line):
            _check_slot(name, values)
            if is_first:
                self._proto_info.append((name, "uint64"))
            known, kind = self._proto_info[index]
            if name != known:
                raise ValueError(f"slot {index} of a sample is {known!r}, as in the first, not {name!r}")
            if kind != "float" and any(isinstance(value, float) for value in values):
                self._proto_info[index] = (name, "float")
        return " ".join(f"{len(values)} {' '.join(map(str, values))}" for _, values in line) + "\n"


def _check_sample(sample: Sample) -> None:
    if not isinstance(sample, list | tuple):
        raise ValueError(f"a sample is a list or a tuple as [('words', [1926, 8]), ('label', [1])], not {sample!r}")


def _check_slot(name: Any, values: Any) -> None:
    if not isinstance(name, str):
        raise ValueError(f"a slot's name is a string, not {name!r}")
    if not isinstance(values, list) or not values:
        raise ValueError(f"the values of slot {name!r} are a list that is not empty, not {values!r}")
    for value in values:
        if not isinstance(value, int | float):
            raise ValueError(f"slot {name!r} has ints or floats, not {value!r}")
