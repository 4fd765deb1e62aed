"""Tensor arrays that begin each run empty.

The core keeps the variables of a run for the next, where 1.8 dropped them: an array, which only grows, would hold the
steps of a longer batch, and gradients whose memory has gone. `select_input` is the operator that makes an array as
long as another; here one that nothing is ever written to.
"""

from __future__ import annotations

from typing import Any

from paddle.base import core

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
