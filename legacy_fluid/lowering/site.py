"""The place of one operator in a block, where a rule changes it and puts others beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paddle.base import core

from .. import op_descs
from ..op_descs import Slots


class Site:
    """An operator's description at `index` of a block's.

    Args:
        program: whose block it is.
        block: core.BlockDesc.
        index: of the operator, as long as nothing is inserted before it.
    """

    def __init__(self, program: Any, block: Any, index: int) -> None:
        self.program = program
        self.block = block
        self.op = block.op(index)
        self.changed = False
        self.is_gone = False
        self._index = index
        self._after = 0

    @property
    def end(self) -> int:
        """Index of what comes after the operator and all that was inserted."""
        return self._index + 1 + self._after

    def input(self, slot: str) -> str | None:
        """Return the name of the variable in an input slot, None where it has none."""
        names = self.op.input(slot) if slot in self.op.input_names() else []
        return names[0] if names else None

    def output(self, slot: str) -> str | None:
        """Return the name of the variable in an output slot, None where it has none."""
        names = self.op.output(slot) if slot in self.op.output_names() else []
        return names[0] if names else None

    def attr(self, name: str, default: Any) -> Any:
        """Return the value of an attribute, `default` where an older file does not have it."""
        return self.op.attr(name) if self.op.has_attr(name) else default

    def become(self, op_type: str) -> None:
        """Make it another operator, on the same variables."""
        self.op.set_type(op_type)
        self.changed = True

    def set_input(self, slot: str, name: str) -> None:
        self.op.set_input(slot, [name])
        self.changed = True

    def set_output(self, slot: str, name: str) -> None:
        self.op.set_output(slot, [name])
        self.changed = True

    def insert_before(self, op_type: str, inputs: Slots, outputs: Slots, attrs: Mapping[str, Any]) -> None:
        self._insert(self._index, op_type, inputs, outputs, attrs)
        self._index += 1

    def insert_after(self, op_type: str, inputs: Slots, outputs: Slots, attrs: Mapping[str, Any]) -> None:
        """Insert an operator behind this one, and behind those inserted so before."""
        self._insert(self.end, op_type, inputs, outputs, attrs)
        self._after += 1

    def give_way_to(self, first: int) -> None:
        """Put the operators that follow from index `first` on in the place of this one, to be lowered in their turn."""
        others = [self.block.op(index) for index in range(first, self.block.op_size())]
        for place, op in enumerate(others, start=self._index):
            self.block._insert_op(place).copy_from(op)
        first += len(others)
        self.block._remove_op(first, first + len(others))
        self.block._remove_op(self._index + len(others), self._index + len(others) + 1)
        self.changed = self.is_gone = True
        self._after = -1

    def emit(
        self,
        op_type: str,
        inputs: Mapping[str, str | list[str]],
        slot: str = "Out",
        hidden: str | None = None,
        **attrs: Any,
    ) -> str:
        """Put an operator before this one; return the name of its output, declared as its first input is.

        Args:
            slot: of the output.
            hidden: of an output that nothing uses.
        """
        first = next(iter(inputs.values()))
        out = self.temporary_like(first[0] if isinstance(first, list) else first)
        self.insert_before(op_type, _listed(inputs), {slot: [out], **self._unused(hidden, out)}, attrs)
        return out

    def emit_after(self, op_type: str, inputs: Mapping[str, str], out: str, hidden: str, **attrs: Any) -> None:
        """Put an operator behind this one, whose output is `out`."""
        self.insert_after(op_type, _listed(inputs), {"Out": [out], **self._unused(hidden, out)}, attrs)

    def replace(self, op_type: str, inputs: Mapping[str, str], outputs: Mapping[str, str], **attrs: Any) -> None:
        """Make it another operator, on other variables."""
        for slot in self.op.input_names():
            self.op.remove_input(slot)
        for slot in self.op.output_names():
            self.op.remove_output(slot)
        self.become(op_type)
        for slot, name in inputs.items():
            self.set_input(slot, name)
        for slot, name in outputs.items():
            self.set_output(slot, name)
        for name, value in attrs.items():
            self.op._set_attr(name, value)

    def declared(self, name: str | None) -> Any:
        """Return the core.VarDesc of a variable."""
        return self.block.find_var_recursive(name.encode())

    def temporary_like(self, like: str) -> str:
        """Declare a variable as another one is, under a name of its own; return the name."""
        return self.temporary(f"{like}@LOWERED_{self.block.op_size()}", like=like)

    def temporary(self, name: str, like: str | None = None, shape: list[int] | None = None) -> str:
        """Declare a float32 variable, shaped as the variable `like` or as said; return its name."""
        if self.block.find_var_recursive(name.encode()) is None:
            var = self.block.var(name.encode())
            var.set_type(core.VarDesc.VarType.LOD_TENSOR)
            model = self.block.find_var_recursive(like.encode()) if like else None
            var.set_dtype(model.dtype() if model else core.VarDesc.VarType.FP32)
            var.set_shape(model.shape() if model else shape)
        return name

    def constant(self, name: str, value: float, dtype: Any = core.VarDesc.VarType.FP32) -> str:
        """Put a constant of shape (1,) before the operator; return its name."""
        attrs = {"shape": [1], "value": value, "dtype": int(dtype)}
        self.insert_before("fill_constant", {}, {"Out": [self.temporary(name, shape=[1])]}, attrs)
        self.declared(name).set_dtype(dtype)
        return name

    def _insert(self, index: int, op_type: str, inputs: Slots, outputs: Slots, attrs: Mapping[str, Any]) -> None:
        op_descs.insert(self.block, index, op_type, inputs, outputs, attrs, self.op.attr("op_role"))
        self.changed = True

    def _unused(self, slot: str | None, like: str) -> dict[str, list[str]]:
        return {slot: [self.temporary(f"{like}@UNUSED_{self.block.op_size()}", like=like)]} if slot else {}


def _listed(slots: Mapping[str, str | list[str]]) -> dict[str, list[str]]:
    return {slot: names if isinstance(names, list) else [names] for slot, names in slots.items()}
