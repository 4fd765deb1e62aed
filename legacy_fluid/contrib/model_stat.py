"""`fluid.contrib.model_stat`: the operators of a network with their parameters and operations."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..framework import Program


class _Row(NamedTuple):
    type: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    operations: int


def summary(main_prog: Program) -> None:
    """Print a table of the convolutions, pools, fcs, activations and batch norms, for one sample, and the sums."""
    found = [row for block in main_prog.blocks for op in block.ops if (row := _row(block.vars, op))]
    cells = [
        [
            str(i),
            row.type,
            str(row.input_shape[1:]),
            str(row.output_shape[1:]),
            str(row.parameters),
            str(row.operations),
        ]
        for i, row in enumerate(found)
    ]
    _print_table([["No.", "TYPE", "INPUT", "OUTPUT", "PARAMs", "FLOPs"], *cells])
    parameters, operations = sum(row.parameters for row in found), sum(row.operations for row in found)
    print(f"Total PARAMs: {parameters}({parameters / 10**6:.4f}M)")
    print(f"Total FLOPs: {operations}({operations / 10**9:.2f}G)")


def _row(variables: Any, op: Any) -> _Row | None:
    """Count an operator; None for one that is not counted."""
    source, result = _SLOTS.get(op.type, (None, None))
    if source is None:
        return None
    shape, out = variables[op.input(source)[0]].shape, variables[op.output(result)[0]].shape
    parameters, operations = 0, 0
    if op.type in _CONVOLUTIONS:
        _, channels, height, width = variables[op.input("Filter")[0]].shape
        weights = channels * height * width + bool("Bias" in op.input_names and op.input("Bias"))
        parameters, operations = out[1] * weights, 2 * math.prod(out[1:]) * weights  # multiplied, and added
    elif op.type == "pool2d":
        operations = math.prod(out[1:]) * math.prod(op.attr("ksize"))
    elif op.type == "mul":
        if "fc" not in op.output("Out")[0]:
            return None
        operations = math.prod(variables[op.input("Y")[0]].shape)
        parameters = operations + 1
    elif op.type == "batch_norm":
        parameters, operations = shape[1] * 2, math.prod(shape[1:]) * 2
    else:
        parameters, operations = int(op.type == "prelu"), abs(math.prod(shape))
    return _Row(op.type, shape, out, int(parameters), int(operations))


_CONVOLUTIONS = ("conv2d", "depthwise_conv2d")
_SLOTS = {
    **dict.fromkeys(_CONVOLUTIONS, ("Input", "Output")),
    **dict.fromkeys(("pool2d", "mul", "sigmoid", "tanh", "relu", "leaky_relu", "prelu"), ("X", "Out")),
    "batch_norm": ("X", "Y"),
}


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "+".join(["", *("-" * (width + 2) for width in widths), ""])
    lines = [
        "|".join(["", *(f" {cell:>{width}} " for cell, width in zip(row, widths, strict=True)), ""]) for row in rows
    ]
    print("\n".join([rule, lines[0], rule, *lines[1:], rule]))
