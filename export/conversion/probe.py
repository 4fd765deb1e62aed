"""What a Paddle program leaves unsaid: which sizes its free dimensions may take, and inputs that suit it.

Both are found by asking the program: it is run on random inputs of several sizes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from export.conversion.paddle_model import PaddleModel, static_mode, telling_line
from export.conversion.signature import Signature, TensorSpec
from fluidline.errors import DataError

BATCH = "batch"
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
class Measured:
    """The signature of a model, sizes of its free dimensions that it ran with, and whether on positive input only."""

    signature: Signature
    trials: tuple[dict[str, int], ...]
    positive: bool


def measure(model: PaddleModel) -> Measured:
    """Return the model's signature with its free dimensions named, and sizes of these that the program runs with.

    The first dimension of an input is `batch`; others are `height`, `width`, `length` or `dimN`, shared between inputs
    only where the program does not accept different sizes. An output's dimension takes the name of the input dimension
    that it was seen to follow. Raises DataError where the program runs with none of the sizes tried.
    """
    inputs = tuple(
        spec.with_dimensions({size: BATCH for size in spec.shape[:1] if isinstance(size, str)}) for spec in model.inputs
    )
    free = [name for name in Signature(inputs, ()).free_dimensions() if name != BATCH]
    sizes, positive = _workable(model, inputs, free)
    shared = [name for name in free if not _runs(model, inputs, sizes | {name: 2 * sizes[name]}, positive)]
    names = _dimension_names(inputs, free, shared)
    inputs = tuple(spec.with_dimensions(names) for spec in inputs)
    trials, shapes = _trials(model, inputs, sizes[BATCH], {names[name]: sizes[name] for name in free}, positive)
    outputs = tuple(
        replace(spec, shape=_followed(spec, [shape[index] for shape in shapes], trials))
        for index, spec in enumerate(model.outputs)
    )
    return Measured(Signature(inputs, outputs), tuple(trials), positive)


def _trials(
    model: PaddleModel, inputs: Sequence[TensorSpec], batch: int, sizes: Mapping[str, int], positive: bool
) -> tuple[list[dict[str, int]], list[list[tuple[int, ...]]]]:
    """Return up to two assignments of sizes, unlike each other, with which the program runs, and its outputs' shapes."""
    apart = {name: size * (1 + index) for index, (name, size) in enumerate(sizes.items())}
    candidates = (
        {BATCH: batch, **apart},
        {BATCH: 2 * batch, **{name: apart[name] + size for name, size in sizes.items()}},
        {BATCH: batch, **sizes},  # what was seen to run before
    )
    seen: list[tuple[dict[str, int], list[tuple[int, ...]]]] = []
    for trial in candidates:
        if len(seen) < 2 and not isinstance(shapes := _try(model, inputs, trial, positive), Exception):
            seen.append((trial, shapes))
    return [trial for trial, _ in seen], [shapes for _, shapes in seen]


def random_feed(
    model: PaddleModel, inputs: Sequence[TensorSpec], sizes: Mapping[str, int], seed: int, positive: bool
) -> dict[str, np.ndarray]:
    """Return random inputs: floats normal, and integers within what they look up; all above 0 where `positive`."""
    random = np.random.default_rng(seed)
    feed = {}
    for spec in inputs:
        shape, dtype = spec.sized(sizes), np.dtype(spec.dtype)
        if dtype.kind == "f":
            floats = random.uniform(0.1, 1.0, shape) if positive else random.standard_normal(shape)
            feed[spec.name] = floats.astype(dtype)
        elif dtype.kind == "b":
            feed[spec.name] = random.integers(0, 2, shape).astype(dtype)
        else:
            entries = _entries(model, spec.name) or _UNBOUNDED_INTEGERS + positive
            feed[spec.name] = random.integers(int(positive and entries > 1), entries, shape).astype(dtype)
    return feed


def _try(
    model: PaddleModel, inputs: Sequence[TensorSpec], sizes: Mapping[str, int], positive: bool
) -> list[tuple[int, ...]] | Exception:
    """Return the shapes of the outputs for inputs of these sizes, or the error with which Paddle refuses them."""
    try:
        _check_windows(model, inputs, sizes)
        return [output.shape for output in model.run(random_feed(model, inputs, sizes, _SEED, positive))]
    except Exception as error:  # Paddle raises many kinds
        return error


@static_mode()
def _check_windows(model: PaddleModel, inputs: Sequence[TensorSpec], sizes: Mapping[str, int]) -> None:
    """Raise ValueError where a convolution's window is larger than what it gets: running that corrupts memory."""
    program = model.program.clone()
    block = program.global_block()
    for spec in inputs:
        block.var(spec.name).desc.set_shape(spec.sized(sizes))
    for op in block.ops:
        with contextlib.suppress(Exception):  # of an operator that Paddle has lost since
            op.desc.infer_shape(block.desc)
        if op.type in _WINDOWED and min(block.var(op.output("Output")[0]).desc.shape()) < 1:
            raise ValueError(f"{op.type} {op.output('Output')[0]} has no output for inputs of these sizes")


def _runs(model: PaddleModel, inputs: Sequence[TensorSpec], sizes: Mapping[str, int], positive: bool) -> bool:
    return not isinstance(_try(model, inputs, sizes, positive), Exception)


def _workable(model: PaddleModel, inputs: Sequence[TensorSpec], free: Sequence[str]) -> tuple[dict[str, int], bool]:
    """Return sizes with which the program runs, one for all of `free`, and whether it must be given positive input."""
    refusals = []
    is_batched = any(BATCH in spec.shape for spec in inputs)
    for positive in (False, True):
        for batch in _BATCH_LADDER if is_batched else _BATCH_LADDER[:1]:
            for step in _LADDER if free else _LADDER[:1]:
                sizes = {BATCH: batch, **dict.fromkeys(free, step)}
                answer = _try(model, inputs, sizes, positive)
                if not isinstance(answer, Exception):
                    return sizes, positive
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
