"""`fluid.executor`: runs programs, lowered for the core of today, in a scope."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from paddle.base import executor as _executor
from paddle.base.executor import (
    FetchHandler,  # noqa: F401  not in __all__, and derived from
    global_scope,
    scope_guard,
)
from paddle.base.framework import Program, Variable

from .compiler import CompiledProgram
from .core import CPUPlace, raises_enforce_not_met
from .framework import default_main_program
from .lod_tensor import create_lod_tensor
from .lowering import lowered
from .passes import optimized, used
from .prepared import Prepared, can_be_prepared, in_line
from .subnormals import flushed

__all__ = ["Executor", "global_scope", "scope_guard"]

_MOST_PREPARED = 8
_MOST_WAYS = 64  # more than programs: each shape that is fed is one of its own
_NOT_TRIED: Any = object()
_numbers = count()  # of executors: an id may be another's later


@dataclass(frozen=True)
class _Way:
    """How a run goes: of what is ready, with a batch of so many rows, or else of a lowered program by the long way."""

    program: Program
    is_optimized: bool = False
    ready: Prepared | None = None
    rows: int = 1


class Executor(_executor.Executor):
    """Run programs on one place.

    Args:
        place: CPUPlace or CUDAPlace; the CPU where none is given.
    """

    def __init__(self, place: Any = None) -> None:
        super().__init__(place)
        self._number = next(_numbers)
        self._prepared: dict[Any, Prepared | None] = {}
        self._ways: dict[Any, _Way] = {}

    @raises_enforce_not_met
    def run(
        self,
        program: Any = None,
        feed: Any = None,
        fetch_list: Any = None,
        feed_var_name: str = "feed",
        fetch_var_name: str = "fetch",
        scope: Any = None,
        return_numpy: bool = True,
        use_program_cache: bool = False,
        return_merged: bool = True,
        use_prune: bool = False,
    ) -> Any:
        """Run `program` once and return what `fetch_list` names.

        Args:
            program: Program or CompiledProgram; the default main program where none is given.
            feed: name -> array or LoDTensor.
            fetch_list: Variables or names.
            scope: where variables live; the global scope where none is given.
            return_numpy: arrays where True, LoDTensors where False.

        Raises:
            TypeError: `program` is no program.
            ValueError: a fed array does not fit the shape that `fluid.data` declared.
            RuntimeError: a fetched LoDTensor with lengths is asked for as an array.
            core.EnforceNotMet: an operator refuses what it is given.
        """
        program = program or default_main_program()
        if isinstance(program, CompiledProgram):
            program = program._program
        if not isinstance(program, Program):
            raise TypeError(f"an Executor runs a Program or a CompiledProgram, not {program!r}")
        feed = _whole_batch(feed) if isinstance(feed, list | tuple) else feed or {}
        fetched = _names(fetch_list) if isinstance(feed, dict) and not use_prune else None
        way = _Way(lowered(program)) if fetched is None else self._way(program, feed, fetched, scope or global_scope())
        if way.ready:
            return way.ready.run(feed, way.rows, return_numpy)
        with flushed(), in_line() if way.is_optimized else nullcontext():
            return super().run(
                way.program,
                feed=feed,
                fetch_list=fetch_list,
                feed_var_name=feed_var_name,
                fetch_var_name=fetch_var_name,
                scope=scope,
                return_numpy=return_numpy,
                use_program_cache=use_program_cache,
                use_prune=use_prune,
            )

    def close(self) -> None:
        """Let go of what was made ready; the executor cannot be used after."""
        self._ways.clear()
        self._prepared.clear()
        super().close()

    def _way(self, program: Program, feed: dict[str, Any], fetched: list[str], scope: Any) -> _Way:
        """Return how to run a program with a feed; a short way, once found, is found again by all that decided it."""
        shapes = tuple(map(_shape, feed.values()))
        call = (program.desc.cached_hash_str(), scope, used(), *feed, None, *fetched, shapes)
        if call in self._ways:
            return self._ways[call]
        plain = program = lowered(program)
        if isinstance(self.place, CPUPlace):
            program = optimized(plain, fetched, lambda: (self._number, shapes))
        rows = max((shape[0] for shape in shapes if shape), default=1)
        way = _Way(program, program is not plain, self._ready(program, feed, rows, fetched, scope), rows)
        if way.ready:
            if len(self._ways) >= _MOST_WAYS:
                self._ways.clear()
            self._ways[call] = way
        return way

    def _ready(
        self, program: Program, feed: dict[str, Any], rows: int, fetched: list[str], scope: Any
    ) -> Prepared | None:
        """Return the lowered program ready to run with this feed, None where it has to be run the long way."""
        if self._closed:
            return None
        key = (program.desc.cached_hash_str(), scope.raw_address(), *feed, None, *fetched)
        ready = self._prepared.pop(key, _NOT_TRIED)
        if ready is _NOT_TRIED or (ready and not ready.takes(rows)):
            self._ways.clear()  # some may lead to the one that this replaces, or to the one that makes room for it
            able = can_be_prepared(program, feed, fetched, self.place)
            ready = Prepared(program, feed, rows, fetched, scope, self.place) if able else None
        self._prepared[key] = ready  # the last one used stands last
        if len(self._prepared) > _MOST_PREPARED:
            del self._prepared[next(iter(self._prepared))]
        return ready

    def _run_from_dataset(self, program: Any = None, *args: Any, **kwargs: Any) -> None:
        """What train_from_dataset and infer_from_dataset do."""
        program = program or default_main_program()
        if isinstance(program, CompiledProgram):
            program = program._program
        return super()._run_from_dataset(lowered(program), *args, **kwargs)


def _shape(value: Any) -> tuple[int, ...]:
    if type(value) is np.ndarray:
        return value.shape
    shape = getattr(value, "shape", ())
    return tuple(shape() if callable(shape) else shape)


def _names(fetch_list: Any) -> list[str] | None:
    """Return the names of Variables that are fetched; None where something else is."""
    if not isinstance(fetch_list, list | tuple):
        fetch_list = [] if fetch_list is None else [fetch_list]
    names = [
        item if isinstance(item, str) else item.name if isinstance(item, Variable) else None for item in fetch_list
    ]
    return None if None in names else names


def _whole_batch(parts: Any) -> dict[str, Any]:
    """Join the parts of a batch that several devices would have been fed."""
    if len(parts) == 1:
        return parts[0]
    return {name: _joined([part[name] for part in parts]) for name in parts[0]}


def _joined(values: list[Any]) -> Any:
    whole = np.concatenate([np.array(value) for value in values], axis=0)
    lengths = [value.recursive_sequence_lengths() if hasattr(value, "lod") else [] for value in values]
    if not any(lengths):
        return whole
    levels = [[length for level in same_level for length in level] for same_level in zip(*lengths, strict=True)]
    return create_lod_tensor(whole, levels, CPUPlace())


def as_numpy(tensor: Any) -> Any:
    """Return a LoDTensor, or a list of them, as arrays."""
    return _executor.as_numpy(tensor)


def _fetch_var(name: str, scope: Any = None, return_numpy: bool = True) -> Any:
    """Return the value of a variable of a scope by name."""
    return _executor._fetch_var(name, scope, return_numpy)
