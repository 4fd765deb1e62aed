"""Descriptions of operators, made in a block's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Slots = Mapping[str, list[str]]


def insert(
    block: Any, index: int, op_type: str, inputs: Slots, outputs: Slots, attrs: Mapping[str, Any], role: int
) -> None:
    """Insert an operator at `index` of a core.BlockDesc, in a role (forward, backward, ...)."""
    op = block._insert_op(index)
    op.set_type(op_type)
    for slot, names in inputs.items():
        op.set_input(slot, names)
    for slot, names in outputs.items():
        op.set_output(slot, names)
    for name, value in attrs.items():
        op._set_attr(name, value)
    op._set_attr("op_role", role)
    op.check_attrs()
