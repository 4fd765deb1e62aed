"""Operators of dygraph mode whose gradients 1.8 computed in a way of its own."""

from __future__ import annotations

from typing import Any

from paddle import _C_ops
from paddle.autograd import PyLayer


class gather(PyLayer):
    """Rows of x by index; where a row was gathered twice, its gradient is that of the last."""

    @staticmethod
    def forward(ctx: Any, x: Any, index: Any) -> Any:
        ctx.index, ctx.zeros = index, _C_ops.full_like(x, 0.0, x.dtype, x.place)
        return _C_ops.gather(x, index, 0)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        return _C_ops.scatter(ctx.zeros, ctx.index, gradient, True), None


class gradient_to_both(PyLayer):
    """The value of y, whose gradient goes to x as well."""

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        return _C_ops.assign(y)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        return gradient, gradient
