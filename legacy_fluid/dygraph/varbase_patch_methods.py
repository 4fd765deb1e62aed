"""`fluid.dygraph.varbase_patch_methods`: what a Variable of eager mode can do in fluid 1.8."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from .. import core
from ..descriptions import describe_tensor
from ..framework import ParamBase, _current_expected_place, dygraph_only
from .backward_strategy import BackwardStrategy
from .base import no_grad
from .math_op_patch import monkey_patch_math_varbase

__all__ = ["monkey_patch_varbase"]

_VarBase = core.VarBase
_backward_of_the_core = _VarBase.backward
_clone_of_the_core = _VarBase.clone


def monkey_patch_varbase() -> None:
    """Give the core's eager tensors the methods of fluid's Variable, where 2.6 has them otherwise."""
    for method in (set_value, backward, detach, to_string):
        setattr(_VarBase, method.__name__, method)
    for eager_type in (_VarBase, ParamBase):
        eager_type.__str__ = lambda self: self.to_string(True)
    monkey_patch_math_varbase()


@dygraph_only
def set_value(self: Any, value: Any) -> None:
    """Take over the values of an array or a Variable of the same shape and dtype.

    Raises:
        AssertionError: anything else.
    """
    assert isinstance(value, np.ndarray | _VarBase), f"set_value takes an array or a Variable, not {type(value)}"
    array = np.asarray(value.numpy() if isinstance(value, _VarBase) else value)
    if array.ndim == 0:
        array = array.reshape(1)
    now = self.numpy()
    assert now.shape == array.shape, f"{self.name} has the shape {now.shape}, and its new value {array.shape}"
    assert now.dtype == array.dtype, f"{self.name} has the dtype {now.dtype}, and its new value {array.dtype}"
    self.value().get_tensor().set(array, _current_expected_place())


@dygraph_only
def backward(self: Any, backward_strategy: BackwardStrategy | None = None, retain_graph: bool = False) -> None:
    """Compute the gradients of this Variable; they replace those that there are.

    Nothing happens for a Variable that nothing was computed for, or whose `backward` was called already.

    Args:
        backward_strategy: BackwardStrategy.
        retain_graph: keep what another `backward` needs.
    """
    if backward_strategy is not None and not isinstance(backward_strategy, BackwardStrategy):
        raise TypeError(f"backward_strategy is a BackwardStrategy, not {backward_strategy!r}")
    if self.is_leaf or _is_spent(self):
        return
    _backward_of_the_core(self, None, retain_graph)
    if not retain_graph:
        _spent[id(self)] = weakref.ref(self)


_spent: dict[int, weakref.ref[Any]] = {}


def _is_spent(variable: Any) -> bool:
    reference = _spent.get(id(variable))
    return reference is not None and reference() is variable


@dygraph_only
def detach(self: Any) -> Any:
    """Return a copy that no gradient flows through."""
    with no_grad():
        copy = _clone_of_the_core(self)
    copy.stop_gradient = True
    return copy


def to_string(self: Any, throw_on_error: bool, with_details: bool = False) -> str:
    """Describe the Variable with all its values."""
    if not self.get_tensor()._is_initialized():
        return f"name {self.name}, shape: {self.shape}, not inited"
    tensor = describe_tensor(self.numpy(), [])
    return f"name {self.name}, dtype: {self.dtype} shape: {self.shape} {tensor}"
