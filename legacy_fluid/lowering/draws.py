"""Random numbers for a given seed: those that 1.8 drew, where the core of today draws others."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from paddle.base import core

from .. import random_numbers
from .site import Site

Draw = Callable[[dict[str, Any], list[int], str], np.ndarray]

DRAWS: dict[str, Draw] = {
    "gaussian_random": lambda a, shape, dtype: random_numbers.normal(shape, dtype, a["seed"], a["mean"], a["std"]),
    "randint": lambda a, shape, dtype: random_numbers.integers(shape, dtype, a["seed"], a["low"], a["high"]),
    "truncated_gaussian_random": lambda a, shape, dtype: random_numbers.truncated_normal(
        shape, dtype, a["seed"], a["mean"], a["std"]
    ),
    "uniform_random": lambda a, shape, dtype: random_numbers.uniform(
        shape,
        dtype,
        *(a["seed"], a["min"], a["max"]),
        (a.get("diag_num", 0), a.get("diag_step", 0), a.get("diag_val", 1.0)),
    ),
}
"""What an operator draws: from its attributes, the shape of its output and its dtype."""


def draw(op_type: str, attrs: dict[str, Any], shape: list[int]) -> np.ndarray:
    """Return what an operator draws for a shape."""
    return DRAWS[op_type](attrs, shape, _NAMES[core.VarDesc.VarType(attrs["dtype"])])


def is_drawn_here(op_type: str, attrs: dict[str, Any]) -> bool:
    """Whether an operator is one of DRAWS, and its numbers are those of a seed."""
    return op_type in DRAWS and bool(attrs.get("seed")) and core.VarDesc.VarType(attrs["dtype"]) in _NAMES


_NAMES = {
    core.VarDesc.VarType.FP32: "float32",
    core.VarDesc.VarType.FP64: "float64",
    core.VarDesc.VarType.INT32: "int32",
    core.VarDesc.VarType.INT64: "int64",
}


def _drawn(site: Site) -> None:
    """Python draws, and the operator becomes the copy of what it drew, to wherever the program runs."""
    op = site.op
    attrs = {name: op.attr(name) for name in op.attr_names() if name in _ATTRIBUTES}
    given = [name for slot in op.input_names() for name in op.input(slot)]
    if not is_drawn_here(op.type(), attrs) or (not given and min(attrs["shape"], default=1) < 0):
        return
    key = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in sorted(attrs.items()))
    out = site.output("Out")
    numbers = site.temporary_like(out)
    _insert_call(site, _registered_draw(op.type(), key), given, [numbers])
    site.replace("assign", {"X": numbers}, {"Out": out})


_ATTRIBUTES = {"diag_num", "diag_step", "diag_val", "dtype", "high", "low", "max", "mean", "min", "seed", "shape", "std"}


@functools.cache
def _registered_draw(op_type: str, key: tuple[Any, ...]) -> int:
    attrs = dict(key)

    def call(*dimensions: Any) -> np.ndarray:
        sizes = np.concatenate([np.asarray(each).ravel() for each in dimensions]) if dimensions else attrs["shape"]
        return draw(op_type, attrs, [int(size) for size in sizes])

    return _number_of(call)


def _dropout(site: Site) -> None:
    op = site.op
    attrs = {name: op.attr(name) for name in op.attr_names()}
    if attrs.get("is_test") or not (attrs.get("fix_seed") and attrs["seed"]) or core.is_compiled_with_cuda():
        return  # a mask that is made by the CPU for each step would hold up a GPU, which drew its own numbers anyway
    key = attrs["seed"], attrs["dropout_prob"], attrs["dropout_implementation"] == "upscale_in_train"
    out, mask = site.output("Out"), site.output("Mask")
    source, result = site.input("X"), site.temporary_like(out)
    _insert_call(site, _registered_dropout(*key), [source], [result, mask])
    site.replace("assign", {"X": result}, {"Out": out})


def dropped(x: np.ndarray, seed: int, prob: float, is_upscaled: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return what a dropout leaves of `x`, and which elements those are."""
    mask = random_numbers.kept(x.shape, seed, prob)
    scale = 1 / (1 - np.float32(prob)) if is_upscaled and prob < 1 else 1
    return x * mask * np.asarray(scale, x.dtype), mask


@functools.cache
def _registered_dropout(seed: int, prob: float, is_upscaled: bool) -> int:
    return _number_of(lambda *x: dropped(np.asarray(x[0]), seed, prob, is_upscaled))


def _number_of(function: Callable[..., Any]) -> int:
    from ..layers.nn.control import PyFuncRegistry

    return PyFuncRegistry(function).id


def _insert_call(site: Site, number: int, inputs: list[str], outputs: list[str]) -> None:
    attrs = {"forward_callable_id": number, "backward_callable_id": -1, "backward_skip_vars": []}
    site.insert_before("py_func", {"X": inputs}, {"Out": outputs}, attrs)


RULES: dict[str, Callable[[Site], None]] = {**dict.fromkeys(DRAWS, _drawn), "dropout": _dropout}
