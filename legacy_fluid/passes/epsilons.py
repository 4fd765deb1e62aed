"""The epsilons of all of Adam's updates are computed together.

For 1.8's Adam each update is told an epsilon that follows from the step (see lowering.updates): three operators on one
number for each parameter. Here these numbers stand in a row, and five operators do for all parameters.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from .block import Block, Uses, first

_FEWEST = 3  # parameters from which on five operators are fewer


def apply(block: Block) -> bool:
    """Join what can be joined; return whether anything was."""
    changed = False
    while chains := _find_chains(block):
        _join(block, chains)
        changed = True
    return changed


def _find_chains(block: Block) -> list[list[int]]:
    """Return indices of the operators scale, rsqrt, scale of each parameter, where there are enough alike."""
    ops, uses = block.ops(), Uses(block)
    alike: dict[Any, list[list[int]]] = defaultdict(list)
    for op in ops:
        epsilon = first(op, "EpsilonTensor") if op.type() == "adam" else None
        if epsilon and [ops[index].type() for index in uses.writers[epsilon]] == ["scale", "rsqrt", "scale"]:
            chain = uses.writers[epsilon]
            alike[tuple(ops[index].attr(name) for index in (chain[0], chain[2]) for name in ("scale", "bias"))].append(
                chain
            )
    for chains in alike.values():
        begin = chains[0][0]
        known = [chain for chain in chains if _is_known_at(begin, uses, first(ops[chain[0]], "X"), chain)]
        if len(known) >= _FEWEST:
            return known
    return []


def _is_known_at(begin: int, uses: Uses, power: str, chain: list[int]) -> bool:
    """Whether the power that an epsilon follows from has its value at `begin` already."""
    return not any(begin <= index < chain[0] for index in uses.writers[power])


def _join(block: Block, chains: list[list[int]]) -> None:
    ops = block.ops()
    powers = [first(ops[chain[0]], "X") for chain in chains]
    epsilons = [first(ops[chain[2]], "Out") for chain in chains]
    attrs = [{name: ops[index].attr(name) for name in ("scale", "bias")} for index in (chains[0][0], chains[0][2])]
    row = block.declare(f"{epsilons[0]}S", like=epsilons[0])
    block.find(row).set_shape([len(chains)])
    for index in sorted((index for chain in chains for index in chain), reverse=True):
        block.desc._remove_op(index, index + 1)
    begin = chains[0][0]
    for place, (kind, inputs, outputs, values) in enumerate(
        (
            ("concat", powers, [row], {"axis": 0}),
            ("scale", [row], [row], attrs[0]),
            ("rsqrt", [row], [row], {}),
            ("scale", [row], [row], attrs[1]),
            ("split", [row], epsilons, {"axis": 0, "num": len(chains)}),
        )
    ):
        block.insert(begin + place, kind, {"X": inputs}, {"Out": outputs}, values)
