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
    return DRAWS[op_type]({**_DEFAULTS, **attrs}, shape, _NAMES[_dtype(attrs)])


def is_drawn_here(op_type: str, attrs: dict[str, Any]) -> bool:
    """Whether an operator is one of DRAWS, and its numbers are those of a seed."""
    return op_type in DRAWS and bool(attrs.get("seed")) and _dtype(attrs) in _NAMES


def _dtype(attrs: dict[str, Any]) -> core.VarDesc.VarType:
    return core.VarDesc.VarType(attrs.get("dtype", core.VarDesc.VarType.FP32))


_DEFAULTS = {"max": 1.0, "mean": 0.0, "min": -1.0, "std": 1.0}
_NAMES = {
    core.VarDesc.VarType.FP32: "float32",
    core.VarDesc.VarType.FP64: "float64",
    core.VarDesc.VarType.INT32: "int32",
    core.VarDesc.VarType.INT64: "int64",
}


def _drawn(site: Site) -> None:
    """Python draws, and the operator becomes the copy of what it drew, to wherever the program runs."""
    attrs, given = _attributes(site), [name for slot in site.op.input_names() for name in site.op.input(slot)]
    if is_drawn_here(site.op.type(), attrs) and (given or min(attrs["shape"], default=1) >= 0):
        _draw_by(site, _registered_draw, site.op.type(), attrs, given)


def _drawn_for_batch(site: Site) -> None:
    attrs = _attributes(site)
    if is_drawn_here("uniform_random", attrs):
        _draw_by(site, _registered_draw_for_batch, "uniform_random", attrs, [site.input("Input")])


def _draw_by(site: Site, registered: Callable[..., int], op_type: str, attrs: dict[str, Any], given: Any) -> None:
    key = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in attrs.items())
    out = site.output("Out")
    numbers = site.temporary_like(out)
    _insert_call(site, registered(op_type, key), given, [numbers])
    site.replace("assign", {"X": numbers}, {"Out": out})


def _attributes(site: Site) -> dict[str, Any]:
    return {name: site.op.attr(name) for name in _ATTRIBUTES if site.op.has_attr(name)}


_ATTRIBUTES = (
    *("diag_num", "diag_step", "diag_val", "dtype", "high", "low", "max", "mean", "min", "seed", "shape", "std"),
    *("dropout_implementation", "dropout_prob", "fix_seed", "is_test", "input_dim_idx", "output_dim_idx"),
)


@functools.cache
def _registered_draw(op_type: str, key: tuple[Any, ...]) -> int:
    attrs = dict(key)

    def call(*dimensions: Any) -> np.ndarray:
        sizes = np.concatenate([np.asarray(each).ravel() for each in dimensions]) if dimensions else attrs["shape"]
        return draw(op_type, attrs, [int(size) for size in sizes])

    return _number_of(call)


@functools.cache
def _registered_draw_for_batch(op_type: str, key: tuple[Any, ...]) -> int:
    attrs = dict(key)

    def call(*inputs: Any) -> np.ndarray:
        source, lengths = inputs[0], inputs[0].lod()
        dim, shape = attrs["input_dim_idx"], list(attrs["shape"])
        # Of sequences it is their number that counts.
        shape[attrs["output_dim_idx"]] = len(lengths[-1]) - 1 if lengths and dim == 0 else source.shape()[dim]
        return draw(op_type, attrs, shape)

    return _number_of(call)


def _dropout(site: Site) -> None:
    """Python draws which elements stay; the product with that keeps the lengths of sequences."""
    attrs = _attributes(site)
    if not is_dropout_drawn_here(attrs) or site.input("Seed"):
        return
    source, out, mask = site.input("X"), site.output("Out"), site.output("Mask")
    factor = site.temporary_like(out)
    is_upscaled = attrs["dropout_implementation"] == "upscale_in_train"
    number = _registered_dropout(attrs["seed"], attrs["dropout_prob"], is_upscaled)
    _insert_call(site, number, [source], [factor, mask])
    site.replace("elementwise_mul", {"X": source, "Y": factor}, {"Out": out}, axis=-1)


def is_dropout_drawn_here(attrs: dict[str, Any]) -> bool:
    """Whether a dropout has a seed; not for a GPU, which a mask made by the CPU for each step would hold up."""
    return bool(attrs.get("fix_seed")) and not attrs.get("is_test") and not core.is_compiled_with_cuda()


def dropout_factor(
    shape: list[int], dtype: Any, seed: int, prob: float, is_upscaled: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return what a dropout multiplies by, and which elements stay."""
    mask = random_numbers.kept(shape, seed, prob)
    scale = 1 / (1 - np.float32(prob)) if is_upscaled and prob < 1 else 1
    return mask * np.asarray(scale, dtype), mask


@functools.cache
def _registered_dropout(seed: int, prob: float, is_upscaled: bool) -> int:
    def call(*inputs: Any) -> tuple[np.ndarray, np.ndarray]:
        x = np.asarray(inputs[0])
        return dropout_factor(x.shape, x.dtype, seed, prob, is_upscaled)

    return _number_of(call)


def _number_of(function: Callable[..., Any]) -> int:
    from ..layers.nn.control import PyFuncRegistry

    return PyFuncRegistry(function).id


def _insert_call(site: Site, number: int, inputs: list[str], outputs: list[str]) -> None:
    attrs = {"forward_callable_id": number, "backward_callable_id": -1, "backward_skip_vars": []}
    site.insert_before("py_func", {"X": inputs}, {"Out": outputs}, attrs)


RULES: dict[str, Callable[[Site], None]] = {
    **dict.fromkeys(DRAWS, _drawn),
    "dropout": _dropout,
    "uniform_random_batch_size_like": _drawn_for_batch,
}
