"""A maximum is taken before bias and activation, which then have a quarter of the numbers to go over.

conv -> add bias -> relu -> pool     becomes     conv -> pool -> add bias -> relu

Adding one number and relu keep the order of numbers, in floating point too, so the largest of a window stays the
largest: the results are the same to the last bit, and so are the gradients but where two numbers of a window differ
by less than what the sum rounds away.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .block import Block, Uses, first

MONOTONE = ("relu", "sigmoid", "tanh")
"""Activations that never fall, and whose gradients are computed from their results."""


def apply(block: Block) -> bool:
    """Move what can be moved behind its pool; return whether anything was."""
    changed = False
    for index in range(block.desc.op_size()):  # operators change places, and stay as many
        if block.desc.op(index).type() == "pool2d" and (chain := _find_chain(block, index)):
            _move(block, chain)
            changed = True
    return changed


@dataclass
class _Chain:
    """Indices of the operators from bias to pool, and of their gradients from the pool's on (none, or as many)."""

    forward: list[int]
    backward: list[int]


def _find_chain(block: Block, pool: int) -> _Chain | None:
    ops, uses = block.ops(), Uses(block)
    if not _shrinks(ops[pool]) or (activation := _maker(ops, uses, pool, MONOTONE)) is None:
        return None
    forward = [activation, pool]
    add = _maker(ops, uses, activation, ("elementwise_add",))
    if add is not None and _adds_bias(block, ops[add]):
        forward.insert(0, add)
    backward = _gradients(ops, uses, forward)
    if backward is None or not _is_private(block, uses, ops, forward, backward):
        return None
    return _Chain(forward, backward)


def _shrinks(pool: Any) -> bool:
    if pool.attr("pooling_type") != "max" or pool.attr("data_format") != "NCHW":
        return False
    return max(pool.attr("strides")) > 1 or pool.attr("global_pooling") or pool.attr("adaptive")


def _maker(ops: list[Any], uses: Uses, reader: int, types: tuple[str, ...]) -> int | None:
    """Return the operator that makes the X of another, None where it is none of `types`."""
    writers = uses.writers.get(first(ops[reader], "X"), [])
    return writers[0] if len(writers) == 1 and ops[writers[0]].type() in types else None


def _adds_bias(block: Block, add: Any) -> bool:
    return block.is_image(first(add, "X")) and len(block.shape(first(add, "Y"))) == 1 and add.attr("axis") == 1


def _gradients(ops: list[Any], uses: Uses, forward: list[int]) -> list[int] | None:
    """Return the gradient operators, last operator first; [] where there is none, None where some are missing."""
    found = []
    for op in (ops[index] for index in reversed(forward)):
        slot = "Out" if op.type() in MONOTONE else "X"
        name = first(op, slot)
        found += [i for i in uses.readers[name] if ops[i].type() == f"{op.type()}_grad" and first(ops[i], slot) == name]
    if not found:
        return []
    if len(found) != len(forward) or found != sorted(found) or not all(first(ops[i], "X@GRAD") for i in found):
        return None
    return found if all(first(ops[a], "X@GRAD") == first(ops[b], "Out@GRAD") for a, b in pairwise(found)) else None


def _is_private(block: Block, uses: Uses, ops: list[Any], forward: list[int], backward: list[int]) -> bool:
    """Whether nobody else reads what lies between the operators, and every value has a name of its own."""
    own = {*forward, *backward}
    between = [first(ops[i], "Out") for i in forward[:-1]] + [first(ops[i], "X@GRAD") for i in backward[:-1]]
    if any(block.is_held(name) or not own.issuperset(uses.readers[name]) for name in between):
        return False
    return all(map(uses.is_written_once, [first(ops[forward[0]], "X"), *between, first(ops[forward[-1]], "Out")]))


def _move(block: Block, chain: _Chain) -> None:
    *before, pool = block.copies(chain.forward)
    begin, end = first(before[0], "X"), first(pool, "Out")
    value = _wire(pool, "X", "Out", begin, block.declare(f"{begin}@POOLED", like=end))
    for op in before[:-1]:
        value = _wire(op, "X", "Out", value, block.declare(f"{first(op, 'Out')}@POOLED", like=end))
    _wire(before[-1], "X", "Out", value, end)
    block.put(chain.forward, [pool, *before])
    if chain.backward:
        _move_gradients(block, chain.backward, begin, end)


def _move_gradients(block: Block, gradients: list[int], begin: str, end: str) -> None:
    pool, *before = block.copies(gradients)
    flow, last = first(pool, "Out@GRAD"), first(before[-1], "X@GRAD")
    for number, op in enumerate(before):
        slot, name = ("X", f"{begin}@POOLED") if op.type() == "elementwise_add_grad" else ("Out", end)
        op.set_input(slot, [name])
        flow = _wire(op, "Out@GRAD", "X@GRAD", flow, block.declare(f"{last}@POOLED_{number}", like=end))
    pool.set_input("X", [begin])
    pool.set_input("Out", [f"{begin}@POOLED"])
    _wire(pool, "Out@GRAD", "X@GRAD", flow, last)
    block.put(gradients, [*before, pool])


def _wire(op: Any, slot_in: str, slot_out: str, source: str, target: str) -> str:
    op.set_input(slot_in, [source])
    op.set_output(slot_out, [target])
    return target
