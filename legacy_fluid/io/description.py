"""Programs as bytes that 1.8 reads: what only the core of today knows is left out, or said as it was."""

from __future__ import annotations

from typing import Any

from .. import core

_LAST_OF_1_8 = int(core.AttrType.LONGS)  # the kinds of attributes that came later are not in its format


def serialized(program: Any) -> bytes:
    """Return a program's description in the format of fluid 1.8."""
    desc = core.ProgramDesc(program.desc)
    for index in range(desc.num_blocks()):
        block = desc.block(index)
        for position in range(block.op_size()):
            _as_it_was(block.op(position))
    return desc.serialize_to_string()


def _as_it_was(op: Any) -> None:
    for name in op.attr_names():
        if int(op.attr_type(name)) > _LAST_OF_1_8:
            op.remove_attr(name)
        elif setter := _OTHERWISE.get((op.type(), name)):
            setter(op, name, op.attr(name))


# (operator, attribute) whose type is another today -> what sets it in that of 1.8.
_OTHERWISE = {
    ("allclose", "atol"): lambda op, name, value: op._set_float32_attr(name, float(value)),
    ("allclose", "rtol"): lambda op, name, value: op._set_float32_attr(name, float(value)),
    ("lars_momentum", "lars_weight_decay"): lambda op, name, value: op._set_float32_attr(name, value[0]),
    ("reduce_all", "dim"): lambda op, name, value: op._set_int32s_attr(name, value),
    ("reduce_any", "dim"): lambda op, name, value: op._set_int32s_attr(name, value),
}
