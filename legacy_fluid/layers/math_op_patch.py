"""What Python's operators do to a Variable: `x + 1.0`, `-x`, `x < y`, `x[0]`; and `x.astype(...)`."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from .. import core, unique_name
from ..framework import Variable, default_main_program, in_dygraph_mode
from .nn.slicing import from_the_front, refuse_empty
from .utils import numbers_as_variables

_TYPES = core.VarDesc.VarType
_WHOLE = (_TYPES.UINT8, _TYPES.INT8, _TYPES.INT16, _TYPES.INT32, _TYPES.INT64)

# With a number for the other operand these are one operator: scale * x + bias.
_AS_SCALE: dict[str, Callable[[float], tuple[float, float]]] = {
    "__add__": lambda number: (1.0, number),
    "__radd__": lambda number: (1.0, number),
    "__sub__": lambda number: (1.0, -number),
    "__rsub__": lambda number: (-1.0, number),
    "__mul__": lambda number: (number, 0.0),
    "__rmul__": lambda number: (number, 0.0),
    "__div__": lambda number: (1.0 / number, 0.0),
    "__truediv__": lambda number: (1.0 / number, 0.0),
}

# Method -> operator; a method with an r has the Variable on the right.
OPERATORS = {
    "__add__": "elementwise_add",
    "__radd__": "elementwise_add",
    "__sub__": "elementwise_sub",
    "__rsub__": "elementwise_sub",
    "__mul__": "elementwise_mul",
    "__rmul__": "elementwise_mul",
    "__div__": "elementwise_div",
    "__truediv__": "elementwise_div",
    "__rdiv__": "elementwise_div",
    "__rtruediv__": "elementwise_div",
    "__pow__": "elementwise_pow",
    "__rpow__": "elementwise_pow",
    "__floordiv__": "elementwise_floordiv",
    "__mod__": "elementwise_mod",
    "__eq__": "equal",
    "__ne__": "not_equal",
    "__lt__": "less_than",
    "__le__": "less_equal",
    "__gt__": "greater_than",
    "__ge__": "greater_equal",
}
_EXCHANGED = {"__rsub__", "__rdiv__", "__rtruediv__", "__rpow__"}
_COMPARISONS = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}


def monkey_patch_variable() -> None:
    """Give Variables of static programs the operators of fluid."""
    for name, op_type in OPERATORS.items():
        setattr(Variable, name, operator_method(name, op_type))
    Variable.__neg__ = lambda self: _scale(self, -1.0, 0.0)
    Variable.astype = astype
    Variable.__getitem__ = _getitem


def operator_method(name: str, op_type: str) -> Callable[[Any, Any], Any]:
    as_scale = _AS_SCALE.get(name)

    def operate(self: Any, other: Any) -> Any:
        is_whole = self.dtype in _WHOLE
        if as_scale and isinstance(other, int | float) and not (is_whole and op_type == "elementwise_div"):
            assert not is_whole or other == int(other), f"{other} is no whole number, and {self.name} holds such"
            return _scale(self, *as_scale(float(other)))
        if not isinstance(other, Variable):
            other = _constant(self, other, shape=self.shape if name in _EXCHANGED else [1])
        if other.dtype != self.dtype:
            other = astype(other, self.dtype)
        x, y = (other, self) if name in _EXCHANGED else (self, other)
        out = _temporary(self, "bool" if name in _COMPARISONS else self.dtype)
        # A y whose batch is open is matched to x from the front, any other from the back.
        attrs = {"axis": 0 if y.shape[0] == -1 else -1}
        _block(self).append_op(type=op_type, inputs={"X": [x], "Y": [y]}, outputs={"Out": out}, attrs=attrs)
        return out

    operate.__name__ = name
    return operate


def _scale(x: Any, scale: float, bias: float) -> Any:
    out = _temporary(x, x.dtype)
    attrs = {"scale": scale, "bias": bias}
    _block(x).append_op(type="scale", inputs={"X": [x]}, outputs={"Out": [out]}, attrs=attrs)
    return out


def astype(self: Any, dtype: Any) -> Any:
    """Return the Variable converted to `dtype`."""
    out = _temporary(self, dtype)
    attrs = {"in_dtype": self.dtype, "out_dtype": out.dtype}
    _block(self).append_op(type="cast", inputs={"X": [self]}, outputs={"Out": [out]}, attrs=attrs)
    return out


def _constant(like: Any, value: Any, shape: Any) -> Any:
    """Return a constant of the dtype of `like`, and of a shape whose first open size is that of `like`."""
    out = _temporary(like, like.dtype)
    attrs = {"shape": list(shape), "value": float(value)}
    open_dims = [dim for dim, size in enumerate(shape) if size < 0]
    if open_dims:
        batch = open_dims[0]
        attrs["shape"] = [1 if dim in open_dims[1:] else size for dim, size in enumerate(shape)]
        attrs |= {"input_dim_idx": batch, "output_dim_idx": batch}
        op_type, inputs = "fill_constant_batch_size_like", {"Input": [like]}
    else:
        attrs |= {"dtype": out.dtype, "force_cpu": False}
        op_type, inputs = "fill_constant", {}
    _block(like).append_op(type=op_type, inputs=inputs, outputs={"Out": [out]}, attrs=attrs, stop_gradient=True)
    out.stop_gradient = True
    return out


def _temporary(like: Any, dtype: Any) -> Any:
    return _block(like).create_var(name=unique_name.generate("tmp"), dtype=dtype)


def _block(variable: Any) -> Any:
    program = default_main_program() if in_dygraph_mode() else variable.block.program
    return program.current_block()


# --- x[...] ---

_TO_THE_END = 10000000


def _getitem(self: Any, item: Any) -> Any:
    """Return part of the Variable.

    Args:
        item: for each leading dimension an int, a slice, or an int32 Variable of shape (1,). A dimension with an int or a
            Variable goes away. Of a slice without limits only the steps 1 and -1 are allowed.
    """
    starts, ends, steps, axes, gone, reversed_dims = [], [], [], [], [], []
    for dim, part in enumerate(item if isinstance(item, tuple) else (item,)):
        if isinstance(part, builtins.slice):
            if part.start is None and part.stop is None:
                assert part.step in (None, -1), f"a slice without limits has the step -1, not {part.step}"
                if part.step == -1:
                    reversed_dims.append(dim)
                continue
            starts.append(0 if part.start is None else part.start)
            ends.append(_TO_THE_END if part.stop is None else part.stop)
            steps.append(1 if part.step is None else part.step)
        else:
            starts.append(part)
            ends.append(_next(self, part))
            steps.append(1)
            gone.append(dim)
        axes.append(dim)
    out = self
    if axes:
        out = _sliced(self, axes, gone, {"starts": starts, "ends": ends, "strides": steps})
    if reversed_dims:
        whole, out = out, _named_temporary(self, "_slice_reverse")
        attrs = {"axis": reversed_dims}
        self.block.append_op(type="reverse", inputs={"X": whole}, outputs={"Out": [out]}, attrs=attrs)
    return out


def _next(self: Any, index: Any) -> Any:
    if not isinstance(index, Variable):
        return index + 1 if index != -1 else _TO_THE_END
    one = _filled(self, 1, index.dtype)
    out = self.block.create_var(dtype=index.dtype)
    inputs = {"X": index, "Y": one}
    self.block.append_op(type="elementwise_add", inputs=inputs, outputs={"Out": out}, attrs={"axis": -1})
    return out


def _filled(self: Any, number: int, dtype: Any = "int32") -> Any:
    out = self.block.create_var(dtype=dtype)
    attrs = {"shape": [1], "dtype": out.dtype, "value": float(number), "force_cpu": True}
    self.block.append_op(type="fill_constant", inputs={}, outputs={"Out": [out]}, attrs=attrs, stop_gradient=True)
    out.stop_gradient = True
    return out


def _sliced(self: Any, axes: list[int], gone: list[int], limits: dict[str, list[Any]]) -> Any:
    kind = "strided_slice" if any(step != 1 for step in limits["strides"]) else "slice"
    if kind == "slice":
        del limits["strides"]
        refuse_empty(self, axes, limits)
    out = _named_temporary(self, f"_{kind}")
    limits, backwards = from_the_front(axes, limits)
    part = _temporary(self, self.dtype) if backwards else out
    inputs, attrs = {"Input": [self]}, {"axes": axes, "decrease_axis": gone}
    flags = [1] * len(axes)
    for argument, limit in limits.items():
        are_open = [isinstance(number, Variable) for number in limit]
        if any(are_open):
            inputs[f"{argument.capitalize()}TensorList"] = numbers_as_variables(
                limit, lambda number: _filled(self, number)
            )
        attrs[argument] = [-1 if is_open else number for number, is_open in zip(limit, are_open, strict=True)]
        flags = [-1 if is_open else flag for flag, is_open in zip(flags, are_open, strict=True)]
    attrs["infer_flags"] = flags
    self.block.append_op(type=kind, inputs=inputs, outputs={"Out": [part]}, attrs=attrs)
    if backwards:
        dims = [axis - sum(dim < axis for dim in gone) for axis in backwards]
        self.block.append_op(type="reverse", inputs={"X": part}, outputs={"Out": [out]}, attrs={"axis": dims})
    return out


def _named_temporary(self: Any, suffix: str) -> Any:
    name = unique_name.generate_with_ignorable_key(self.name + suffix)
    return self.block.create_var(name=name, dtype=self.dtype)
