"""`fluid.regularizer`: weight decay, added to a gradient before the optimizer sees it."""

from __future__ import annotations

from typing import Any

from . import core
from .framework import default_main_program, in_dygraph_mode

__all__ = ["L1Decay", "L1DecayRegularizer", "L2Decay", "L2DecayRegularizer"]


class WeightDecayRegularizer:
    """Base: `__call__(param, grad, block)` appends the penalty's gradient and returns it."""

    def __call__(self, param: Any, grad: Any, block: Any) -> Any:
        raise NotImplementedError

    @staticmethod
    def _temporary(param: Any, block: Any) -> Any:
        if in_dygraph_mode():
            return block.create_var(dtype=param.dtype, shape=param.shape)
        return block.create_var(dtype=param.dtype, shape=param.shape, lod_level=param.lod_level)


class L2DecayRegularizer(WeightDecayRegularizer):
    """Add `regularization_coeff` * w to the gradient of w."""

    def __init__(self, regularization_coeff: float = 0.0) -> None:
        self._regularization_coeff = regularization_coeff

    def __call__(self, param: Any, grad: Any, block: Any) -> Any:
        decay = self._temporary(param, block)
        scale = {"scale": self._regularization_coeff}
        block.append_op(type="scale", inputs={"X": param}, outputs={"Out": decay}, attrs=scale)
        return decay

    def __str__(self) -> str:
        return f"L2Decay, regularization_coeff={self._regularization_coeff:f}"


class L1DecayRegularizer(WeightDecayRegularizer):
    """Add `regularization_coeff` * sign(w) to the gradient of w."""

    def __init__(self, regularization_coeff: float = 0.0) -> None:
        self._regularization_coeff = regularization_coeff

    def __call__(self, param: Any, grad: Any, block: Any) -> Any:
        sign, decay = self._temporary(param, block), self._temporary(param, block)
        scale = {"scale": self._regularization_coeff}
        block.append_op(type="sign", inputs={"X": param}, outputs={"Out": sign})
        block.append_op(type="scale", inputs={"X": sign}, outputs={"Out": decay}, attrs=scale)
        return decay

    def __str__(self) -> str:
        return f"L1Decay, regularization_coeff={self._regularization_coeff:f}"


L1Decay = L1DecayRegularizer
L2Decay = L2DecayRegularizer


def append_regularization_ops(parameters_and_grads: list[Any], regularization: Any = None) -> list[Any]:
    """Add to each gradient the decay that its parameter asks for, or else `regularization`; return the new pairs."""
    return [(param, _decayed(param, grad, regularization)) for param, grad in parameters_and_grads]


def _decayed(param: Any, grad: Any, default: Any) -> Any:
    regularizer = getattr(param, "regularizer", None) or default
    if grad is None or regularizer is None:
        return grad
    if in_dygraph_mode():
        block = default_main_program().current_block()
        return _sum(param, grad, regularizer(param, grad, block), block)
    with default_main_program()._optimized_guard([param, grad]):
        return _sum(param, grad, regularizer(param, grad, grad.block), grad.block)


def _sum(param: Any, grad: Any, decay: Any, block: Any) -> Any:
    if in_dygraph_mode():
        total = block.create_var(dtype=grad.dtype, shape=grad.shape)
    elif grad.type == core.VarDesc.VarType.SELECTED_ROWS:
        # A sparse gradient plus a dense decay is dense.
        total = block.create_var(
            name=f"{grad.name}{core.kNewGradSuffix()}",
            dtype=param.dtype,
            shape=param.shape,
            lod_level=param.lod_level,
            type=core.VarDesc.VarType.LOD_TENSOR,
        )
    else:
        total = grad
    block.append_op(type="sum", inputs={"X": [grad, decay]}, outputs={"Out": total})
    return total
