"""`fluid.contrib.memory_usage_calc`: how much memory a program's results take."""

from __future__ import annotations

import math

from ..core import VarDesc
from ..framework import Program

__all__ = ["memory_usage"]

_TYPES = VarDesc.VarType
_BYTES = {
    **dict.fromkeys((_TYPES.BOOL, _TYPES.UINT8), 1),
    **dict.fromkeys((_TYPES.FP16, _TYPES.INT16), 2),
    **dict.fromkeys((_TYPES.FP32, _TYPES.INT32), 4),
    **dict.fromkeys((_TYPES.FP64, _TYPES.INT64), 8),
}


def memory_usage(program: Program, batch_size: int) -> tuple[float, float, str]:
    """Return between which bounds the tensors that the first block computes take memory, and the unit: B, KB or MB.

    Raises:
        TypeError: `program` is no Program.
        ValueError: `batch_size` is not positive, or a tensor has several dimensions that are not known.
    """
    if not isinstance(program, Program):
        raise TypeError(f"memory_usage takes a Program, not {type(program).__name__}")
    if batch_size <= 0:
        raise ValueError(f"batch_size is above 0, not {batch_size}")
    block = program.global_block()
    names = dict.fromkeys(name for op in block.ops for name in op.output_arg_names if name != "@EMPTY@")
    total: float = 0
    for var in map(block.var, names):
        if var.desc.type() != _TYPES.LOD_TENSOR:
            continue
        unknown = [size for size in var.shape if size < 0]
        if len(unknown) > 1:
            raise ValueError(f"{var.name} has several dimensions that are not known: {var.shape}")
        total += abs(math.prod(var.shape)) * (batch_size if unknown else 1) * _BYTES[var.dtype]
    unit = "B"
    for larger in ("KB", "MB"):
        if total > 1024:
            total, unit = total / 1024, larger
    return total * 1.05, total * 1.1, unit
