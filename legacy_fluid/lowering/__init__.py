"""From the program that fluid built to one that the 2.6.2 core runs with the same meaning.

A Program keeps the operators of 1.8, in its op lists, its clones and its files. What the core of today wants otherwise
is put in just before it runs, in a copy that the Executor keeps: a rule for an operator in `rules.RULES`, and one for
all operators, which gives 0-D results their dimension.
"""

from __future__ import annotations

from typing import Any

from paddle.base import core
from paddle.base.framework import Program

from ..framework import give_outputs_a_dimension
from .arrays import empty_arrays
from .rules import RULES
from .site import Site

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
    changed, index = False, 0
    while index < copy.desc.num_blocks():  # a rule may add some
        changed |= _lower_block(copy, copy.desc.block(index))
        index += 1
    changed |= empty_arrays(copy)
    if not changed:
        return program
    for block in copy.blocks:
        block.ops.clear()  # to be made again from the changed descriptions
    copy._sync_with_cpp()
    return copy


def _lower_block(program: Program, block: Any) -> bool:
    changed = False
    index = 0
    while index < block.op_size():
        site = Site(program, block, index)
        if rule := RULES.get(site.op.type()):
            rule(site)
        for name in _zero_dimensional_outputs(site):
            shape_before = site.temporary(f"{name}@XSHAPE", shape=[0])
            site.insert_after("reshape2", {"X": [name]}, {"Out": [name], "XShape": [shape_before]}, {"shape": [1]})
        changed |= site.changed
        index = site.end
    return changed


def _zero_dimensional_outputs(site: Site) -> list[str]:
    """Names of the outputs that the core would leave without a dimension at run time."""
    if site.is_gone:
        return []
    op, block = site.op, site.block
    if op.type() in _WITHOUT_SHAPE_INFERENCE or not any(_is_single(block, name) for name in op.output_arg_names()):
        return []
    try:
        op.infer_shape(block)
    except (ValueError, RuntimeError, core.EnforceNotMet):
        return []  # an operator of an older file, whose shapes only its own version could infer
    return give_outputs_a_dimension(op, block)


def _is_single(block: Any, name: str) -> bool:
    var = block.find_var_recursive(name.encode())
    return var is not None and var.type() == core.VarDesc.VarType.LOD_TENSOR and var.shape() == [1]


_WITHOUT_SHAPE_INFERENCE = {"feed", "fetch", "while", "conditional_block", "recurrent", "read", "py_func"}
