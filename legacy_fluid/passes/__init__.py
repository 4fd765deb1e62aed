"""Changes to a program that make it faster and leave its results as they are, but for rounding.

The Executor applies them, each once and in the order of PASSES, to the lowered copy that runs; neither the Program of
the user nor a file sees anything of them. All are on. Which are used is said by `use` (from now on) or `using` (in a
`with`), or before the process starts by the environment variable LEGACY_FLUID_PASSES, in the same words:

    all                        every pass (so it is without being told)
    none                       the program as it is
    pool_first,channels_last   these and no others
    -channels_last             all but these
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from paddle.base.framework import Program

from . import bias_sums, channels_last, epsilons, fully_connected, pool_first, unused, winograd
from .block import Block

__all__ = ["PASSES", "Pass", "optimized", "use", "used", "using"]


@dataclass(frozen=True)
class Pass:
    """A row of the table.

    Attributes:
        name: by which it is switched.
        why: in a line.
        apply: changes a Block and returns whether it did.
        about: types of operators; without any of them in a program there is nothing to do.
        can_run: whether this machine is one that gains.
        keeps_memory: whether its kernels keep what they made for each executor and batch size, and never let go of it.
    """

    name: str
    why: str
    apply: Callable[[Block], bool]
    about: frozenset[str]
    can_run: Callable[[], bool] = lambda: True
    keeps_memory: bool = False


_CONVOLUTIONS = frozenset({"conv2d", "depthwise_conv2d"})

PASSES = (
    Pass("unused", "operators whose results nobody sees are left out", unused.apply, unused.PURE),
    Pass(
        "pool_first",
        "max pool before bias and relu, which then go over a quarter of the numbers",
        pool_first.apply,
        frozenset({"pool2d"}),
    ),
    Pass(
        "winograd",
        "small convolutions of a training are products of matrices, with an eighth of the multiplications",
        winograd.apply,
        frozenset({"conv2d_grad"}),
    ),
    Pass(
        "channels_last",
        "convolutions, pools and relu by oneDNN, channels side by side",
        channels_last.apply,
        _CONVOLUTIONS,
        channels_last.can_run,
        keeps_memory=True,
    ),
    Pass("bias_sums", "the gradient of a bias of images is a product", bias_sums.apply, _CONVOLUTIONS),
    Pass("fully_connected", "a product, its bias and relu are one operator", fully_connected.apply, frozenset({"mul"})),
    Pass("epsilons", "Adam's epsilons are computed for all parameters together", epsilons.apply, frozenset({"adam"})),
)

VARIABLE = "LEGACY_FLUID_PASSES"
_CACHE = "_legacy_fluid_optimized"


def used() -> tuple[str, ...]:
    """Return the names of the passes in use, in order."""
    return _used


def use(*names: str) -> None:
    """Use these passes from now on.

    Args:
        names: of passes; or "all" or "none"; or passes with a minus before them, to use all others.

    Raises:
        ValueError: there is no pass of that name.
    """
    global _used
    _used = _select(names)


@contextmanager
def using(*names: str) -> Iterator[None]:
    """Use these passes within a `with`; see `use`."""
    before = _used
    use(*names)
    try:
        yield
    finally:
        use(*before or ["none"])


def optimized(program: Program, fetched: Collection[str], way: Callable[[], Hashable] | None = None) -> Program:
    """Return the twin of a program after all passes in use, or the program itself where none has work to do.

    Args:
        program: lowered.
        fetched: names of the variables that a run hands out; each keeps its value.
        way: gives what the memory of passes that keep some is kept for: the executor and the shapes that it is fed.
            Beyond MOST_WAYS in a process, these passes are left out of what is run in yet another way.
    """
    if not _used:
        return program
    found = _twin(program, fetched, _used)
    if way is not None and found.keeps_memory and not _has_room((program.desc.cached_hash_str(), way())):
        frugal = tuple(row.name for row in PASSES if row.name in _used and not row.keeps_memory)
        found = _twin(program, fetched, frugal)
    return found.program


MOST_WAYS = 32
_ways: set[Hashable] = set()
_MOST_KEPT = 16  # twins of one program; an Executor keeps 8


@dataclass(frozen=True)
class _Twin:
    program: Program
    keeps_memory: bool


def _has_room(way: Hashable) -> bool:
    if way not in _ways and len(_ways) < MOST_WAYS:
        _ways.add(way)
    return way in _ways


def _twin(program: Program, fetched: Collection[str], names: tuple[str, ...]) -> _Twin:
    key = (program.desc.cached_hash_str(), frozenset(fetched), names)
    cache = program.__dict__.setdefault(_CACHE, {})
    if key not in cache:
        if len(cache) >= _MOST_KEPT:
            cache.clear()
        cache[key] = _apply(program, fetched, names)
    return cache[key]


def _apply(program: Program, fetched: Collection[str], names: tuple[str, ...]) -> _Twin:
    types = {op.type for op in program.global_block().ops}
    passes = [row for row in PASSES if row.name in names and row.about & types and row.can_run()]
    copy = program.clone()
    block = Block(copy.desc, fetched)
    applied = [row for row in passes if row.apply(block)]
    if not applied:
        return _Twin(program, False)
    for each in copy.blocks:
        each.ops.clear()  # to be made again from the changed descriptions
    copy._sync_with_cpp()
    return _Twin(copy, any(row.keeps_memory for row in applied))


def _select(names: Collection[str]) -> tuple[str, ...]:
    known = [row.name for row in PASSES]
    if unknown := {name.removeprefix("-") for name in names} - {*known, "all", "none"}:
        raise ValueError(f"no pass is called {unknown.pop()!r}; there are {', '.join(known)} (or all, or none)")
    if "none" in names:
        return ()
    left_out = {name.removeprefix("-") for name in names if name.startswith("-")}
    taken = {name for name in names if not name.startswith("-")} - {"all"}
    return tuple(name for name in known if name not in left_out and (not taken or name in taken))


_used = _select([name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()])
