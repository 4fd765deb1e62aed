"""Tensor arrays: they begin each run empty, and the sizes of their elements are known.

The core keeps the variables of a run for the next, where 1.8 dropped them: an array, which only grows, would hold the
steps of a longer batch, and gradients whose memory has gone. `select_input` is the operator that makes an array as
long as another; here one that nothing is ever written to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle.base import core

from .composition import composed
from .site import Site

_ARRAY = core.VarDesc.VarType.LOD_TENSOR_ARRAY
_EMPTY, _FIRST = "@EMPTY_ARRAY", "@FIRST"


def empty_arrays(program: Any) -> bool:
    """Put operators that empty the tensor arrays of a program at its beginning; return whether it has any."""
    block = program.desc.block(0)
    arrays = [var.name() for var in block.all_vars() if var.type() == _ARRAY and not var.persistable()]
    if not arrays or not block.op_size():
        return False
    block.var(_EMPTY.encode()).set_type(_ARRAY)
    first = block.var(_FIRST.encode())
    first.set_type(core.VarDesc.VarType.LOD_TENSOR)
    first.set_dtype(core.VarDesc.VarType.INT32)
    first.set_shape([1])
    site = Site(program, block, 0)
    attrs = {"shape": [1], "value": 0.0, "dtype": int(core.VarDesc.VarType.INT32), "force_cpu": True}
    site.insert_before("fill_constant", {}, {"Out": [_FIRST]}, attrs)
    for name in arrays:
        site.insert_before("select_input", {"X": [_EMPTY], "Mask": [_FIRST]}, {"Out": [name]}, {})
    return True


def _sizes_of_elements(site: Site) -> None:
    """The kernel no longer writes them: ask one element after the other."""
    from .. import layers  # which is made of all this

    op = site.op
    names, axis = op.output("OutIndex"), op.attr("axis")
    if not names or names[0].endswith(_UNKNOWN):
        return
    with composed(site) as block:
        array = block._var_recursive(op.input("X")[0])
        unknown = block.create_var(name=f"{names[0]}{_UNKNOWN}", dtype="int32").name
        outputs = {"Out": op.output("Out"), "OutIndex": [unknown]}
        attrs = {"axis": axis, "use_stack": op.attr("use_stack")}
        block.append_op(type=op.type(), inputs={"X": [array]}, outputs=outputs, attrs=attrs)
        number, length = layers.zeros([1], "int64", force_cpu=True), layers.array_length(array)
        sizes = layers.create_array("int32")
        more = layers.less_than(number, length)
        loop = layers.While(more, is_test=True)
        with loop.block():
            size = layers.slice(layers.shape(layers.array_read(array, number)), [0], [axis], [axis + 1 or _END])
            layers.array_write(size, number, sizes)
            layers.increment(number)
            layers.less_than(number, length, cond=more)
        outputs = {"Out": names, "OutIndex": [unknown]}
        attrs = {"axis": 0, "use_stack": False}
        block.append_op(type=op.type(), inputs={"X": [sizes]}, outputs=outputs, attrs=attrs)


_END = 10000000  # beyond every dimension
_UNKNOWN = "@UNKNOWN"

RULES: dict[str, Callable[[Site], None]] = {"tensor_array_to_tensor": _sizes_of_elements}
