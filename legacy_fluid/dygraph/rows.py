"""Gradients of a few rows, those of `is_sparse=True` embeddings, as values at hand: kernels of today crash on some."""

from __future__ import annotations

from typing import Any

import paddle
from paddle import _C_ops


def is_by_rows(gradient: Any) -> bool:
    """Whether a gradient in dygraph mode has some rows only."""
    return gradient.is_selected_rows()


def clipped(gradient: Any, low: float, high: float) -> Any:
    """Return the gradient, each row once, with every element in [low, high]."""
    gradient = _C_ops.merge_selected_rows(gradient)
    _C_ops.clip_(gradient._get_tensor_from_selected_rows(), low, high)  # in place: the gradient's own memory
    return gradient


def clipped_by_norm(gradient: Any, norm: float) -> Any:
    """Return the gradient, each row once, scaled down to an L2 norm of `norm` at most."""
    gradient = _C_ops.merge_selected_rows(gradient)
    values = gradient._get_tensor_from_selected_rows()
    found = _C_ops.sqrt(_C_ops.sum(_C_ops.square(values), [], None, False)).item()
    if found > norm:
        _C_ops.scale_(values, norm / found, 0.0, True)
    return gradient


def dense(gradient: Any, param: Any) -> Any:
    """Return the gradient of a parameter with all its rows."""
    merged = _C_ops.merge_selected_rows(gradient)
    zeros = _C_ops.full_like(param, 0.0, param.dtype, param.place)
    rows = paddle.to_tensor(merged.rows(), dtype="int64")
    return _C_ops.scatter(zeros, rows, merged._get_tensor_from_selected_rows(), True)
