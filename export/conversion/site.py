"""The place of one operator in a block, where a rule puts others instead of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fluidline.errors import DataError

# Outputs that Paddle insists on, beside the one that is read.
_FURTHER_OUTPUTS = {
    **dict.fromkeys(("flatten2", "reshape2", "squeeze2", "transpose2", "unsqueeze2"), ("XShape",)),
    "batch_norm": ("MeanOut", "VarianceOut", "SavedMean", "SavedVariance"),
    "layer_norm": ("Mean", "Variance"),
}


class Site:
    """An operator of a block, and the place before it where a rule puts others."""

    def __init__(self, block: Any, op: Any) -> None:
        self.op = op
        self._block = block
        self._made = 0

    def input(self, slot: str = "X") -> str:
        return str(self.op.input(slot)[0])

    def has_input(self, slot: str) -> bool:
        return slot in self.op.input_names and bool(self.op.input(slot))

    def output(self, slot: str = "Out") -> str:
        return str(self.op.output(slot)[0])

    def attr(self, name: str, default: Any = None) -> Any:
        return self.op.attr(name) if self.op.has_attr(name) else default

    def shape(self, value: str) -> tuple[int, ...]:
        """Return a value's shape, -1 where a size is free."""
        return tuple(self._block.var(value).shape)

    def dtype(self, value: str) -> Any:
        return self._block.var(value).dtype

    def fixed(self, value: str, axes: Sequence[int]) -> list[int]:
        """Return sizes of a value. Raises DataError where one is free: the rewriting needs to know it."""
        sizes = [self.shape(value)[axis] for axis in axes]
        if min(sizes) < 0:
            raise DataError(
                f"operator '{self.op.type}' can only be converted where the sizes of {value} {list(self.shape(value))} "
                f"along {list(axes)} are fixed (give the input a fixed shape, and save the model again)"
            )
        return sizes

    def emit(self, op_type: str, out: str | None = None, slot: str = "Out", **operands: Any) -> str:
        """Put an operator before this one and return its output's name.

        A keyword with a capital is an input slot, with a name or names; others are attributes. Of what else the
        operator must give, it takes the variables of this one, or new ones that nothing reads.
        """
        out = out or self._variable()
        inputs = {
            key: value if isinstance(value, list) else [value] for key, value in operands.items() if key[0].isupper()
        }
        attrs = {key: value for key, value in operands.items() if not key[0].isupper()}
        outputs = {slot: [out]}
        for other in _FURTHER_OUTPUTS.get(op_type, ()):
            outputs[other] = [self.output(other) if self.op.type == op_type else self._variable()]
        self._block._insert_op(self._index(), type=op_type, inputs=inputs, outputs=outputs, attrs=attrs)
        return out

    def _variable(self) -> str:
        self._made += 1
        first = self.op.output_arg_names[0]
        self._block.create_var(name=f"{first}.{self._made}", dtype=self.dtype(first))
        return f"{first}.{self._made}"

    def copy(self, op: Any, block: Any, names: dict[str, str], suffix: str) -> None:
        """Put a copy of an operator of another block before this one.

        It reads what `names` says instead of its own inputs; its outputs get `suffix`, and `names` learns that.
        """
        inputs = {slot: [names.get(name, name) for name in op.input(slot)] for slot in op.input_names}
        outputs = {}
        for slot in op.output_names:
            outputs[slot] = [f"{name}{suffix}" for name in op.output(slot)]
            for name in op.output(slot):
                names[name] = f"{name}{suffix}"
                self._block.create_var(name=names[name], dtype=block.var(name).dtype, shape=block.var(name).shape)
        attrs = {name: op.attr(name) for name in op.attr_names if not name.startswith("op_")}
        self._block._insert_op(self._index(), type=op.type, inputs=inputs, outputs=outputs, attrs=attrs)

    def constant(self, values: np.ndarray) -> str:
        """Put a constant before this operator and return its name."""
        from paddle.base.framework import convert_np_dtype_to_dtype_

        key = {"float32": "fp32_values", "int32": "int32_values", "int64": "int64_values"}[values.dtype.name]
        dtype = convert_np_dtype_to_dtype_(values.dtype)
        return self.emit("assign_value", shape=list(values.shape), dtype=dtype, **{key: values.ravel().tolist()})

    def remove(self) -> None:
        self._block._remove_op(self._index())

    def _index(self) -> int:
        return next(index for index, op in enumerate(self._block.ops) if op is self.op)
