"""`fluid.transpiler.details.program_utils`: programs as readable code, and operators by what they take and give."""

from __future__ import annotations

from typing import Any, TextIO

from ... import core
from ...framework import Block, Operator, Parameter, Program, Variable


def delete_ops(block: Block, ops: list[Operator]) -> None:
    """Remove operators from a block; that one is not in it is told on the standard output."""
    for op in ops:
        # by identity, and without its name: what was removed before is gone from the core
        index = next((index for index, own in enumerate(block.ops) if own is op), None)
        if index is None:
            print("an operator to delete is not in the block")
        else:
            block._remove_op(index)


def find_op_by_input_arg(block: Block, arg_name: str) -> int:
    """Return the index of the first operator that takes a variable; -1 where none does."""
    return next((index for index, op in enumerate(block.ops) if arg_name in op.input_arg_names), -1)


def find_op_by_output_arg(block: Block, arg_name: str, reverse: bool = False) -> int:
    """Return the index of the first operator that gives a variable, or the last; -1 where none does."""
    found = [index for index, op in enumerate(block.ops) if arg_name in op.output_arg_names]
    return found[-1 if reverse else 0] if found else -1


def get_indent_space(indent: int, space_num: int = 4) -> str:
    """Return the white space before a line."""
    return " " * (indent * space_num)


def variable_to_code(var: Variable) -> str:
    """Return a variable's declaration."""
    shown = f"{var.name} : fluid.{var.type}"
    if var.type in (core.VarDesc.VarType.SELECTED_ROWS, core.VarDesc.VarType.LOD_TENSOR):
        shown += f".shape{var.shape}.astype(VarType.{var.dtype.name})"
    else:
        shown += ")"
    kind = "var"
    if isinstance(var, Parameter):
        kind = "trainable parameter" if var.trainable else "parameter"
    return f"{'persist ' if var.persistable else ''}{kind} {shown}"


def op_to_code(op: Operator, skip_op_callstack: bool = True) -> str:
    """Return an operator as an assignment."""
    outputs = ", ".join(f"{name}={op.output(name)}" for name in op.output_names)
    inputs = ", ".join(f"{name}={op.input(name)}" for name in op.input_names)
    names = [name for name in sorted(op.attr_names) if not (skip_op_callstack and name == "op_callstack")]
    attributes = ", ".join(f"{name} = {_attribute(op, name)}" for name in names)
    return f"{f'{{{outputs}}} = ' if outputs else ''}{op.type}(inputs={{{inputs}}}, {attributes})"


def _attribute(op: Operator, name: str) -> Any:
    kind = op.desc.attr_type(name)
    if kind == core.AttrType.BLOCK:
        return f"block[{op._block_attr_id(name)}]"
    if kind == core.AttrType.BLOCKS:
        return f"blocks{op._blocks_attr_ids(name)}"
    return op.desc.attr(name)


def block_to_code(block: Block, block_idx: int, fout: TextIO | None = None, skip_op_callstack: bool = False) -> None:
    """Print a block: its variables by name, then its operators.

    Args:
        fout: where to; the standard output where None.
    """
    indent = get_indent_space(1)
    variables = [indent + variable_to_code(var) for _, var in sorted(block.vars.items())]
    operators = [indent + op_to_code(op, skip_op_callstack) for op in block.ops]
    lines = [f"{{ // block {block_idx}", *variables, *([""] if variables else []), *operators, "}"]
    print("\n".join(lines), file=fout)


def program_to_code(prog: Program, fout: TextIO | None = None, skip_op_callstack: bool = True) -> None:
    """Print a program's blocks.

    Args:
        fout: where to; the standard output where None.
    """
    for index, block in enumerate(prog.blocks):
        block_to_code(block, index, fout, skip_op_callstack)
