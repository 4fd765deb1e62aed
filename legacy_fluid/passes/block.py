"""The main block of a program as a pass sees it: who reads and writes each variable, and changes made in place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from paddle.base import core

from .. import op_descs
from ..op_descs import Slots

FLOAT = core.VarDesc.VarType.FP32
_TENSOR = core.VarDesc.VarType.LOD_TENSOR


class Block:
    """Block 0 of a program.

    Args:
        program: core.ProgramDesc, to be changed.
        fetched: names of the variables that a run hands out.
    """

    def __init__(self, program: Any, fetched: Collection[str]) -> None:
        self.desc = program.block(0)
        self._scratch = core.ProgramDesc()
        self.fetched = frozenset(fetched)
        self.inner, self.written_within = _names_in_sub_blocks(program)

    def ops(self) -> list[Any]:
        """Return the operators, each a core.OpDesc, in order."""
        return [self.desc.op(index) for index in range(self.desc.op_size())]

    def is_held(self, name: str) -> bool:
        """Whether a variable is seen from outside, and must have its value under its name."""
        var = self.find(name)
        return name in self.fetched or name in self.inner or var is None or var.persistable()

    def find(self, name: str) -> Any:
        """Return the core.VarDesc of a name, None where there is none."""
        return self.desc.find_var_recursive(name.encode())

    def is_image(self, name: str) -> bool:
        """Whether a variable is a float32 tensor of four dimensions, without sequences in it."""
        var = self.find(name)
        if var is None or var.type() != _TENSOR or var.dtype() != FLOAT or var.lod_level():
            return False
        return len(var.shape()) == 4

    def shape(self, name: str) -> list[int]:
        """Return the declared shape of a tensor, [] where it has none."""
        var = self.find(name)
        return list(var.shape()) if var is not None and var.type() == _TENSOR else []

    def declare(self, name: str, like: str, order: Collection[int] | None = None) -> str:
        """Declare a variable like another, its dimensions put in `order`; return its name."""
        if self.find(name) is None:
            model, var = self.find(like), self.desc.var(name.encode())
            shape = list(model.shape())
            var.set_type(_TENSOR)
            var.set_dtype(model.dtype())
            var.set_shape([shape[dim] for dim in order] if order and len(shape) == len(order) else shape)
        return name

    def copies(self, places: list[int]) -> list[Any]:
        """Return copies of the operators at some places, to be changed and put elsewhere."""
        made = [self._scratch.block(0).append_op() for _ in places]
        for copy, place in zip(made, places, strict=True):
            copy.copy_from(self.desc.op(place))
        return made

    def put(self, places: list[int], ops: list[Any]) -> None:
        """Make the operators at some places into copies of others."""
        for place, op in zip(places, ops, strict=True):
            self.desc.op(place).copy_from(op)

    def insert(self, index: int, op_type: str, inputs: Slots, outputs: Slots, attrs: Mapping[str, Any]) -> None:
        """Insert an operator, in the role (forward, backward, ...) of the one that stands there or before it."""
        last = self.desc.op_size() - 1  # -1 where the block is empty by now
        beside = self.desc.op(min(index, last)) if last >= 0 else None
        role = beside.attr("op_role") if beside is not None and beside.has_attr("op_role") else 0
        op_descs.insert(self.desc, index, op_type, inputs, outputs, attrs, role)


class Uses:
    """Where the variables of a block are read and written.

    Attributes:
        readers, writers: name -> indices of operators, in order.
    """

    def __init__(self, block: Block) -> None:
        self.readers: dict[str, list[int]] = defaultdict(list)
        self.writers: dict[str, list[int]] = defaultdict(list)
        for index, op in enumerate(block.ops()):
            for name in set(op.input_arg_names()):
                self.readers[name].append(index)
            for name in set(op.output_arg_names()):
                self.writers[name].append(index)
        self._changing = {name for name, indices in self.writers.items() if len(indices) > 1} | block.written_within

    def is_written_once(self, name: str) -> bool:
        """Whether the variable has one value all through the block."""
        return name not in self._changing


def first(op: Any, slot: str) -> str | None:
    """Return the name in an input or output slot of a core.OpDesc, None where it has none."""
    if slot in op.input_names():
        names = op.input(slot)
    else:
        names = op.output(slot) if slot in op.output_names() else []
    return names[0] if names else None


def _names_in_sub_blocks(program: Any) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of all variables used in sub-blocks, and of those written there."""
    read: set[str] = set()
    written: set[str] = set()
    for number in range(1, program.num_blocks()):
        block = program.block(number)
        for index in range(block.op_size()):
            read.update(block.op(index).input_arg_names())
            written.update(block.op(index).output_arg_names())
    return frozenset(read | written), frozenset(written)
