"""From the program that fluid built to one that the 2.6.2 core runs with the same meaning.

A Program keeps the operators of 1.8, in its op lists, its clones and its files. What the core of today wants otherwise
is put in just before it runs, in a copy that the Executor keeps: a rule for each operator in RULES, and one for all
operators, which gives 0-D results their dimension.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle.base import core
from paddle.base.framework import Program

from .framework import give_outputs_a_dimension

_CACHE = "_legacy_fluid_lowered"


def lowered(program: Program) -> Program:
    """Return the runnable twin of `program`, made when the program changed since the last call."""
    version = program.desc.cached_hash_str()
    cached = program.__dict__.get(_CACHE)
    if cached is None or cached[0] != version:
        cached = program.__dict__[_CACHE] = (version, lower(program))
    return cached[1]


def lower(program: Program) -> Program:
    """Return a copy of `program` with every rule applied, or `program` itself where no rule has work to do."""
    copy = program.clone()
    changed = False
    for index in range(copy.desc.num_blocks()):
        changed |= _lower_block(copy.desc.block(index))
    if not changed:
        return program
    for block in copy.blocks:
        block.ops.clear()  # to be made again from the changed descriptions
    copy._sync_with_cpp()
    return copy


def _lower_block(block: Any) -> bool:
    changed = False
    index = 0
    while index < block.op_size():
        op = block.op(index)
        if rule := RULES.get(op.type()):
            changed |= rule(op, block)
        index += 1
        for name in _zero_dimensional_outputs(op, block):
            _insert_reshape(block, index, name)
            index += 1
            changed = True
    return changed


def _zero_dimensional_outputs(op: Any, block: Any) -> list[str]:
    """Names of the outputs that the core would leave without a dimension at run time."""
    candidates = [name for name in op.output_arg_names() if _is_single_element(block, name)]
    if not candidates or op.type() in _WITHOUT_SHAPE_INFERENCE:
        return []
    try:
        op.infer_shape(block)
    except (ValueError, RuntimeError, core.EnforceNotMet):
        return []  # an operator of an older file, whose shapes only its own version could infer
    return give_outputs_a_dimension(op, block)


def _is_single_element(block: Any, name: str) -> bool:
    var = block.find_var_recursive(name.encode())
    return var is not None and var.type() == core.VarDesc.VarType.LOD_TENSOR and var.shape() == [1]


def _insert_reshape(block: Any, index: int, name: str) -> None:
    op = block._insert_op(index)
    op.set_type("reshape")
    op.set_input("X", [name])
    op.set_output("Out", [name])
    op._set_attr("shape", [1])
    op.check_attrs()


_WITHOUT_SHAPE_INFERENCE = {"feed", "fetch", "while", "conditional_block", "recurrent", "read", "py_func"}


# --- rules: each takes (op, block), changes them in place, and says whether it did ---


def _batch_norm(op: Any, block: Any) -> bool:
    """Training needs a place to keep what the backward pass reuses; 1.8 on CPU had none."""
    if op.attr("is_test") or "ReserveSpace" in op.output_names():
        return False
    op.set_output("ReserveSpace", [_reserve_space(op.output("SavedMean")[0], block)])
    return True


def _batch_norm_grad(op: Any, block: Any) -> bool:
    if "ReserveSpace" in op.input_names():
        return False
    op.set_input("ReserveSpace", [_reserve_space(op.input("SavedMean")[0], block)])
    return True


def _reserve_space(saved_mean: str, block: Any) -> str:
    return _temporary(f"{saved_mean}@RESERVE_SPACE", block, shape=[-1])


def _lamb(op: Any, block: Any) -> bool:
    """The core writes the powers of the betas on; in 1.8 they stayed, and so the results go nowhere."""
    if "Beta1PowOut" in op.output_names():
        return False
    for beta in ("Beta1Pow", "Beta2Pow"):
        power = op.input(beta)[0]
        op.set_output(f"{beta}Out", [_temporary(f"{power}@UNUSED", block, shape=[1])])
    return True


def _adadelta(op: Any, block: Any) -> bool:
    """The core multiplies with a learning rate; in 1.8 it had no influence."""
    if "LearningRate" in op.input_names():
        return False
    name = "@ADADELTA_LEARNING_RATE@"
    if block.find_var_recursive(name.encode()) is None:
        one = block._prepend_op()
        one.set_type("fill_constant")
        one.set_output("Out", [_temporary(name, block, shape=[1])])
        for attribute, value in (("shape", [1]), ("value", 1.0), ("dtype", int(core.VarDesc.VarType.FP32))):
            one._set_attr(attribute, value)
        one.check_attrs()
    op.set_input("LearningRate", [name])
    return True


def _temporary(name: str, block: Any, shape: list[int]) -> str:
    if block.find_var_recursive(name.encode()) is None:
        var = block.var(name.encode())
        var.set_type(core.VarDesc.VarType.LOD_TENSOR)
        var.set_dtype(core.VarDesc.VarType.FP32)
        var.set_shape(shape)
    return name


RULES: dict[str, Callable[[Any, Any], bool]] = {
    "adadelta": _adadelta,
    "batch_norm": _batch_norm,
    "batch_norm_grad": _batch_norm_grad,
    "lamb": _lamb,
}
