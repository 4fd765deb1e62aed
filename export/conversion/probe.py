"""What a Paddle program leaves unsaid: which sizes its free dimensions may take, and inputs that suit it.

Both are found by asking the program: it is run on random inputs of several sizes.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from export.conversion.paddle_model import PaddleModel, static_mode, telling_line
from export.conversion.signature import Signature, TensorSpec
from fluidline.errors import DataError

BATCH = "batch"
ROWS = "rows"  # of sequences whose lengths are always the same; else NAME_rows
_BATCH_LADDER = (3, 4, 5, 8, 16, 32)  # 3 is no size that networks like to have elsewhere
_LADDER = (8, 16, 32, 64, 128, 224, 256)  # sizes tried for the other dimensions: deep networks need large images
_SEED = 20
_UNBOUNDED_INTEGERS = 2  # 0 and 1 suit masks, flags, counts and positions alike

_WINDOWED = ("conv2d", "conv2d_transpose", "conv3d", "conv3d_transpose", "depthwise_conv2d")

# For operators that look something up: the input that holds indices, and where the number of entries stands: an input
# with its axis, the smallest of an input's, or an attribute.
_LOOKUPS: dict[str, tuple[str, str, int | None]] = {
    "lookup_table": ("Ids", "W", 0),
    "lookup_table_v2": ("Ids", "W", 0),
    "gather": ("Index", "X", 0),
    "gather_nd": ("Index", "X", None),
    "index_select": ("Index", "X", 0),
    "one_hot": ("X", "depth", None),
    "one_hot_v2": ("X", "depth", None),
    "cross_entropy": ("Label", "X", -1),
    "softmax_with_cross_entropy": ("Label", "Logits", -1),
}
# Operators that hand the numbers of their first input on as they are.
_CARRIERS = {
    *("assign", "cast", "concat", "expand", "flatten", "flatten2", "gather", "reshape", "reshape2", "slice", "split"),
    *("scale", "squeeze", "squeeze2", "stack", "strided_slice", "transpose", "transpose2", "unsqueeze", "unsqueeze2"),
}


@dataclass(frozen=True)
class Manner:
    """What random inputs are like: all numbers above 0 or not, the lengths of all sequences alike or not."""

    positive: bool = False
    alike: bool = False


@dataclass(frozen=True)
class Measured:
    """The signature of a model, sizes of its free dimensions that it ran with, and on what manner of input."""

    signature: Signature
    trials: tuple[dict[str, int], ...]
    manner: Manner


def measure(model: PaddleModel) -> Measured:
    """Return the model's signature with its free dimensions named, and sizes of these that the program runs with.

    The first dimension of an input is `batch`, that of sequences `rows` or `NAME_rows`; others are `height`, `width`, `length` or
    `dimN`, shared between inputs only where the program does not accept different sizes. An output's dimension takes
    the name of the input dimension that it was seen to follow. Raises DataError where no sizes that were tried run.
    """
    inputs = tuple(_first_named(model, spec) for spec in model.inputs)
    rows = [_rows(name) for name in model.sequences]
    free = [name for name in Signature(inputs, ()).free_dimensions() if name not in (BATCH, *rows)]
    sizes, manner = _workable(model, inputs, free)
    shared = [name for name in free if not _runs(model, inputs, sizes | {name: 2 * sizes[name]}, manner)]
    names = _dimension_names(inputs, free, shared)
    names |= dict.fromkeys(rows, ROWS) if manner.alike else {}
    inputs = tuple(spec.with_dimensions(names) for spec in inputs)
    trials, shapes = _trials(model, inputs, sizes[BATCH], {names[name]: sizes[name] for name in free}, manner)
    outputs = tuple(
        replace(spec, shape=_followed(spec, [shape[index] for shape in shapes], trials))
        for index, spec in enumerate(model.outputs)
    )
    return Measured(Signature(inputs, outputs), tuple(trials), manner)


def random_feed(
    model: PaddleModel, inputs: Sequence[TensorSpec], sizes: Mapping[str, int], seed: int, manner: Manner
) -> dict[str, np.ndarray]:
    """Return random inputs: floats normal, and integers within what they look up; all above 0 where positive."""
    random = np.random.default_rng(seed)
    lengths = _lengths(model, sizes[BATCH], manner)
    sizes = with_rows(model, sizes, manner)
    feed: dict[str, np.ndarray] = {**lengths}
    for spec in inputs:
        shape, dtype = spec.sized(sizes), np.dtype(spec.dtype)
        if spec.name in lengths:
            continue
        if dtype.kind == "f":
            floats = random.uniform(0.1, 1.0, shape) if manner.positive else random.standard_normal(shape)
            feed[spec.name] = floats.astype(dtype)
        elif dtype.kind == "b":
            feed[spec.name] = random.integers(0, 2, shape).astype(dtype)
        else:
            entries = _entries(model, spec.name) or _UNBOUNDED_INTEGERS + manner.positive
            feed[spec.name] = random.integers(int(manner.positive and entries > 1), entries, shape).astype(dtype)
    return feed


def with_rows(model: PaddleModel, sizes: Mapping[str, int], manner: Manner) -> dict[str, int]:
    """Return the sizes together with the rows that sequences of a batch of that size have."""
    lengths = _lengths(model, sizes[BATCH], manner)
    rows = {_rows(name): int(lengths[spec].sum()) for name, spec in model.sequences.items()}
    return {**sizes, **({ROWS: min(rows.values())} if manner.alike else {}), **rows}


def _lengths(model: PaddleModel, batch: int, manner: Manner) -> dict[str, np.ndarray]:
    """Return lengths for the sequences of each input that has them: from 1 on, and more in all for each input."""
    inputs = enumerate(model.sequences.values())
    return {spec: 1 + (3 * np.arange(batch)) % 5 + (0 if manner.alike else index) for index, spec in inputs}


def _rows(name: str) -> str:
    return f"{name}_rows"


def _first_named(model: PaddleModel, spec: TensorSpec) -> TensorSpec:
    """Return the spec with a name for its first dimension, where that is free."""
    first = _rows(spec.name) if spec.name in model.sequences else BATCH
    return spec.with_dimensions({size: first for size in spec.shape[:1] if isinstance(size, str)})


def _trials(
    model: PaddleModel, inputs: Sequence[TensorSpec], batch: int, sizes: Mapping[str, int], manner: Manner
) -> tuple[list[dict[str, int]], list[list[tuple[int, ...]]]]:
    """Return up to two assignments of sizes, unlike each other, with which the program runs, and its outputs' shapes."""
    apart = {name: size * (1 + index) for index, (name, size) in enumerate(sizes.items())}
    candidates = (
        {BATCH: batch, **apart},
        {BATCH: 2 * batch, **{name: apart[name] + size for name, size in sizes.items()}},
        {BATCH: batch, **sizes},  # what was seen to run before
    )
    seen: list[tuple[dict[str, int], list[tuple[int, ...]]]] = []
    for candidate in candidates:
        trial = with_rows(model, candidate, manner)
        if len(seen) < 2 and not isinstance(shapes := _try(model, inputs, trial, manner), Exception):
            seen.append((trial, shapes))
    return [trial for trial, _ in seen], [shapes for _, shapes in seen]


def _try(
    model: PaddleModel, inputs: Sequence[TensorSpec], sizes: Mapping[str, int], manner: Manner
) -> list[tuple[int, ...]] | Exception:
    """Return the shapes of the outputs for inputs of these sizes, or the error with which Paddle refuses them."""
    try:
        _check_windows(model, inputs, sizes)
        return [output.shape for output in model.run(random_feed(model, inputs, sizes, _SEED, manner))]
    except Exception as error:  # Paddle raises many kinds
        return error


@static_mode()
def _check_windows(model: PaddleModel, inputs: Sequence[TensorSpec], sizes: Mapping[str, int]) -> None:
    """Raise ValueError where a convolution's window is larger than what it gets: running that corrupts memory."""
    program = model.program.clone()
    block = program.global_block()
    for spec in inputs:
        if block.has_var(spec.name):  # lengths are no variable of the program
            block.var(spec.name).desc.set_shape(spec.sized(with_rows(model, sizes, Manner())))
    for op in block.ops:
        with contextlib.suppress(Exception):  # of an operator that Paddle has lost since
            op.desc.infer_shape(block.desc)
        if op.type in _WINDOWED and min(block.var(op.output("Output")[0]).desc.shape()) < 1:
            raise ValueError(f"{op.type} {op.output('Output')[0]} has no output for inputs of these sizes")


def _runs(model: PaddleModel, inputs: Sequence[TensorSpec], sizes: Mapping[str, int], manner: Manner) -> bool:
    return not isinstance(_try(model, inputs, sizes, manner), Exception)


def _workable(model: PaddleModel, inputs: Sequence[TensorSpec], free: Sequence[str]) -> tuple[dict[str, int], Manner]:
    """Return sizes with which the program runs, one for all of `free`, and the manner of input that it wants."""
    refusals = []
    batches = _BATCH_LADDER if any(BATCH in spec.shape for spec in inputs) else _BATCH_LADDER[:1]
    likeness = (False, True) if len(model.sequences) > 1 else (False,)
    steps = _LADDER if free else _LADDER[:1]
    for positive, batch, step, alike in itertools.product((False, True), batches, steps, likeness):
        sizes, manner = {BATCH: batch, **dict.fromkeys(free, step)}, Manner(positive, alike)
        answer = _try(model, inputs, sizes, manner)
        if not isinstance(answer, Exception):
            return sizes, manner
        refusals.append(answer)
    shown = ", ".join(map(str, inputs))
    raise DataError(f"Paddle itself cannot run the model on random inputs ({shown}): {telling_line(refusals[0])}")


def _dimension_names(inputs: Sequence[TensorSpec], free: Sequence[str], shared: Sequence[str]) -> dict[str, str]:
    """Return a name for each of the `free` dimensions: one for all the `shared`, the others' unlike each other."""
    places = {name: (spec, axis) for spec in inputs for axis, name in enumerate(spec.shape) if name in free}
    plain = {name: _plain_name(len(spec.shape), axis) for name, (spec, axis) in places.items()}
    names = dict.fromkeys(shared, plain[shared[0]]) if shared else {}
    for name in free:
        if name not in names:
            clash = sum(plain[other] == plain[name] for other in free) > 1
            names[name] = f"{places[name][0].name}_{plain[name]}" if clash else plain[name]
    return names


def _plain_name(rank: int, axis: int) -> str:
    if rank == 4 and axis >= 2:
        return ("height", "width")[axis - 2]
    return "length" if axis == 1 else f"dim{axis}"


def _followed(
    spec: TensorSpec, shapes: Sequence[tuple[int, ...]], trials: Sequence[Mapping[str, int]]
) -> tuple[int | str, ...]:
    """Return an output's shape: the sizes that stayed, and the names of the dimensions that the others followed."""
    followed: list[int | str] = []
    for axis, sizes in enumerate(zip(*shapes, strict=True)):
        said = spec.shape[axis] if axis < len(spec.shape) else None
        names = [
            name for name in trials[0] if all(trial[name] == size for trial, size in zip(trials, sizes, strict=True))
        ]
        if len(set(sizes)) == 1 and (said == sizes[0] or len(sizes) > 1):
            followed.append(sizes[0])
        else:
            followed.append(names[0] if names else f"{spec.name}_dim{axis}")
    return tuple(followed)


def _entries(model: PaddleModel, name: str) -> int:
    """Return how many entries the smallest table has that an integer input indexes, 0 where it indexes none."""
    limits, carried = [], {name}
    for op in model.operators:
        if op.type in _LOOKUPS:
            slot, source, axis = _LOOKUPS[op.type]
            if carried & set(op.input(slot)):
                limits += _limits(model, op, source, axis)
        if op.type in _CARRIERS and carried & set(op.input_arg_names):
            carried.update(op.output_arg_names)
    return min((limit for limit in limits if limit > 0), default=0)


def _limits(model: PaddleModel, op: Any, source: str, axis: int | None) -> list[int]:
    if source not in op.input_names:
        return [op.attr(source)]
    shape = model.block.var(op.input(source)[0]).shape
    return list(shape) if axis is None else [shape[axis]]
