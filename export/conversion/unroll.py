"""Recurrences of fluid's StaticRNN and rnn, step by step: their number of steps is fixed when the network is built."""

from __future__ import annotations

from typing import Any

from export.conversion.site import Site
from fluidline.errors import DataError

RECURRENT = "recurrent"


def unroll(program: Any, op: Any) -> None:
    """Put the steps of a `recurrent` operator, in the first block, before it. Raises DataError where they are not fixed.

    Its block reads the rows of a step under the name of the whole sequence [steps, ...], the states of the step before
    under `ex_states`, and leaves the new ones under `states`; outputs are gathered over the steps.
    """
    site = Site(program.global_block(), op)
    sequences, outputs = op.input("inputs"), op.output("outputs")
    if not sequences:
        raise DataError(f"operator '{RECURRENT}' runs over no sequence, so that its number of steps is unknown")
    steps = site.fixed(sequences[0], [0])[0]
    body = program.block(op._block_attr_id("sub_block"))
    states = dict(zip(op.attr("ex_states"), op.input("initial_states"), strict=True))
    gathered: dict[str, list[str]] = {name: [] for name in outputs}
    order = range(steps)
    for step in reversed(order) if op.attr("reverse") else order:
        names = dict(states)
        for sequence in sequences:
            row = site.emit("slice", Input=sequence, axes=[0], starts=[step], ends=[step + 1])
            names[sequence] = site.emit("squeeze2", X=row, axes=[0])
        for inner in body.ops:
            site.copy(inner, body, names, f"@{step}")
        states = {old: names[new] for old, new in zip(op.attr("ex_states"), op.attr("states"), strict=True)}
        for name in outputs:
            gathered[name].append(names[name])
    for name, rows in gathered.items():
        site.emit("stack", name, "Y", X=rows[::-1] if op.attr("reverse") else rows, axis=0)
    site.remove()
