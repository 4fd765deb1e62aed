"""`fluid.contrib.op_frequence`: which operators a program has, and which follow each other."""

from __future__ import annotations

from collections import Counter

from ..framework import Program

__all__ = ["op_freq_statistic"]


def op_freq_statistic(program: Program) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return (operator, number) and ("producer->consumer", number) of the first block, most frequent first.

    What gives parameters only is not counted.

    Raises:
        TypeError: `program` is no Program.
    """
    if not isinstance(program, Program):
        raise TypeError(f"op_freq_statistic takes a Program, not {type(program).__name__}")
    block = program.global_block()
    parameters = {parameter.name for parameter in block.all_parameters()}
    single = Counter(op.type for op in block.ops if any(name not in parameters for name in op.output_arg_names))
    pairs: Counter[str] = Counter()
    maker: dict[str, str] = {}
    for op in block.ops:
        pairs.update(
            f"{maker[name]}->{op.type}" for name in op.input_arg_names if name in maker and name not in parameters
        )
        maker.update(dict.fromkeys(op.output_arg_names, op.type))
    return single.most_common(), pairs.most_common()
