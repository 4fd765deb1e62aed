"""`fluid.dygraph.math_op_patch`: what Python's operators do to a Variable in eager mode."""

from __future__ import annotations

import builtins
from typing import Any

from .. import core
from ..framework import default_main_program
from ..layers.math_op_patch import OPERATORS, astype, operator_method

__all__ = ["monkey_patch_math_varbase"]


def monkey_patch_math_varbase() -> None:
    """Give Variables of eager mode the operators of fluid, by the operators that static programs use."""
    for name, op_type in OPERATORS.items():
        setattr(core.VarBase, name, operator_method(name, op_type))
    core.VarBase.__neg__ = lambda self: self * -1.0
    core.VarBase.__getitem__ = _getitem
    core.VarBase.astype = astype


_getitem_of_the_core = core.VarBase.__getitem__


def _getitem(self: Any, item: Any) -> Any:
    """Return part of the Variable: of shape (1,) where a single element is left."""
    parts = item if isinstance(item, tuple) else (item,)
    if len(parts) > len(self.shape) or not all(map(_goes_forward, parts)):
        part = _getitem_of_the_core(self, item)
        return part if part.shape else part.reshape([1])
    axes, starts, ends, steps, gone = [], [], [], [], []
    for dim, part in enumerate(parts):
        size = self.shape[dim]
        if isinstance(part, builtins.slice):
            start, end, step = part.indices(size)
        else:
            if not -size <= part < size:
                raise IndexError(f"index {part} is out of range for dimension {dim} of {self.name}, which has {size}")
            start, end, step = part % size, part % size + 1, 1
            gone.append(dim)
        axes.append(dim)
        starts.append(start)
        ends.append(end)
        steps.append(step)
    attrs = {"axes": axes, "starts": starts, "ends": ends, "decrease_axis": gone, "infer_flags": [1] * len(axes)}
    kind = "slice" if all(step == 1 for step in steps) else "strided_slice"
    if kind == "strided_slice":
        attrs["strides"] = steps
    block = default_main_program().current_block()
    out = block.create_var(dtype=self.dtype)
    block.append_op(type=kind, inputs={"Input": [self]}, outputs={"Out": [out]}, attrs=attrs)
    return out


def _goes_forward(part: Any) -> bool:
    return isinstance(part, int) or (isinstance(part, builtins.slice) and (part.step or 1) > 0)
