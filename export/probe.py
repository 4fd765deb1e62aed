"""What a Paddle program leaves unsaid: which sizes its free dimensions may take, and inputs that suit it.

Both are found by asking the program: it is run on random inputs of several sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from export.paddle_model import PaddleModel, telling_line
from export.signature import Signature, TensorSpec
from fluidline.errors import DataError

BATCH = "batch"
_BATCHES = (3, 5)  # two sizes tell a free dimension from a fixed one
_LADDER = (8, 16, 32, 64, 128, 224, 256)  # sizes tried for the other dimensions: deep networks need large images
_SEED = 20
_UNBOUNDED_INTEGERS = 2  # 0 and 1 suit masks, flags, counts and positions alike

# For operators that look something up: the input that holds indices, and where the number of entries stands
# (an input's axis, or an attribute).
_LOOKUPS: dict[str, tuple[str, str, int | None]] = {
    "lookup_table": ("Ids", "W", 0),
    "lookup_table_v2": ("Ids", "W", 0),
    "gather": ("Index", "X", 0),
    "gather_nd": ("Index", "X", 0),
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


def measure(model: PaddleModel) -> tuple[Signature, list[dict[str, int]]]:
    """Return the model's signature, free dimensions named, and the sizes of these that the program was seen to run.

    The first dimension of an input is `batch`; others are `height`, `width`, `length` or `dimN`, shared between inputs
    only where the program does not accept different sizes. An output's dimension takes the name of the input dimension
    that it was seen to follow. Raises DataError where the program runs with none of the sizes tried.
    """
    inputs = tuple(
        spec.with_dimensions({size: BATCH for size in spec.shape[:1] if isinstance(size, str)}) for spec in model.inputs
    )
    free = [name for name in Signature(inputs, ()).free_dimensions() if name != BATCH]
    step = _workable_step(model, inputs, free)
    names = _dimension_names(inputs, free, _inseparable(model, inputs, free, step))
    inputs = tuple(spec.with_dimensions(names) for spec in inputs)
    groups = list(dict.fromkeys(names.values()))
    trials, shapes = [], []
    for round, batch in enumerate(_BATCHES):
        sizes = {BATCH: batch} | {group: step * (index + 1 + round) for index, group in enumerate(groups)}
        measured = _try(model, inputs, sizes)
        if not isinstance(measured, Exception):
            trials.append(sizes)
            shapes.append(measured)
    outputs = tuple(
        replace(spec, shape=_followed(spec, [shape[index] for shape in shapes], trials))
        for index, spec in enumerate(model.outputs)
    )
    return Signature(inputs, outputs), trials


def random_feed(
    model: PaddleModel, inputs: Sequence[TensorSpec], sizes: Mapping[str, int], seed: int, positive: bool = False
) -> dict[str, np.ndarray]:
    """Return random inputs: floats normal, or in (0, 1) where `positive`; integers within what they look up."""
    random = np.random.default_rng(seed)
    feed = {}
    for spec in inputs:
        shape, dtype = spec.sized(sizes), np.dtype(spec.dtype)
        if dtype.kind == "f":
            floats = random.uniform(0.1, 1.0, shape) if positive else random.standard_normal(shape)
            feed[spec.name] = floats.astype(dtype)
        else:
            entries = 2 if dtype.kind == "b" else _entries(model, spec.name)
            feed[spec.name] = random.integers(0, entries, shape).astype(dtype)
    return feed


def _try(
    model: PaddleModel, inputs: Sequence[TensorSpec], sizes: Mapping[str, int]
) -> list[tuple[int, ...]] | Exception:
    """Return the shapes of the outputs for inputs of these sizes, or the error with which Paddle refuses them."""
    try:
        return [output.shape for output in model.run(random_feed(model, inputs, sizes, _SEED))]
    except Exception as error:  # Paddle raises many kinds
        return error


def _workable_step(model: PaddleModel, inputs: Sequence[TensorSpec], free: Sequence[str]) -> int:
    """Return the smallest size for all the `free` dimensions with which the program runs."""
    refusal: object = None
    for step in _LADDER if free else _LADDER[:1]:
        refusal = _try(model, inputs, {BATCH: _BATCHES[0], **dict.fromkeys(free, step)})
        if not isinstance(refusal, Exception):
            return step
    sizes = f" of sizes {', '.join(map(str, _LADDER))}" if free else ""
    shown = ", ".join(map(str, inputs))
    assert isinstance(refusal, Exception)
    raise DataError(f"Paddle itself cannot run the model on random inputs{sizes} ({shown}): {telling_line(refusal)}")


def _inseparable(model: PaddleModel, inputs: Sequence[TensorSpec], free: Sequence[str], step: int) -> list[str]:
    """Return those of the `free` dimensions that cannot have another size than the rest."""
    if len(free) < 2:
        return []
    sizes = {BATCH: _BATCHES[0], **dict.fromkeys(free, step)}
    return [name for name in free if isinstance(_try(model, inputs, sizes | {name: 2 * step}), Exception)]


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
    """Return how many different integers an input may hold: the entries of the smallest table that it indexes."""
    limits, carried = [], {name}
    for op in model.operators:
        if op.type in _LOOKUPS:
            slot, source, axis = _LOOKUPS[op.type]
            if carried & set(op.input(slot)):
                limits.append(op.attr(source) if axis is None else model.block.var(op.input(source)[0]).shape[axis])
        if op.type in _CARRIERS and carried & set(op.input_arg_names):
            carried.update(op.output_arg_names)
    known = [limit for limit in limits if limit > 0]
    return min(known) if known else _UNBOUNDED_INTEGERS
