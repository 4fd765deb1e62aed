"""What recurrences link from step to step."""

from __future__ import annotations

import math
from collections.abc import Callable

from .site import Site
from .updates import clip_rows


def _memory_helper(site: Site) -> None:
    """What a recurrence links from step to step is a copy."""
    site.become("assign")


def _memory_helper_grad(site: Site) -> None:
    """After the last step nothing flows back yet: what the recurrence did not write counts as zero."""
    value, flows_in, flows_out = site.input("X"), site.input("Out@GRAD"), site.output("X@GRAD")
    zero = site.temporary(f"{flows_out}@ZERO", like=value)
    site.insert_before("fill_zeros_like", {"X": [value]}, {"Out": [zero]}, {})
    for slot in site.op.input_names():
        site.op.remove_input(slot)
    for slot in site.op.output_names():
        site.op.remove_output(slot)
    site.become("sum")
    site.op.set_input("X", [zero, flows_in])
    site.set_output("Out", flows_out)


def _recurrent_grad(site: Site) -> None:
    """An output that the loss does not use has no gradient, and the core looks for the variable of each."""
    wanted = site.op.input("outputs@GRAD")
    given = [name for name in wanted if site.block.find_var_recursive(name.encode()) is not None]
    if given != wanted:
        site.op.set_input("outputs@GRAD", given)
        site.changed = True


def _clip(site: Site) -> None:
    if _is_without_bounds(site):
        _memory_helper(site)
    else:
        clip_rows(site)


def _clip_grad(site: Site) -> None:
    if _is_without_bounds(site):
        _memory_helper_grad(site)


def _is_without_bounds(site: Site) -> bool:
    """Whether a clip stands in the place of a recurrence's copy; see layers.control_flow.static_rnn."""
    return site.op.attr("min") == -math.inf and site.op.attr("max") == math.inf


RULES: dict[str, Callable[[Site], None]] = {
    "clip": _clip,
    "clip_grad": _clip_grad,
    "recurrent_grad": _recurrent_grad,
    "rnn_memory_helper": _memory_helper,
    "rnn_memory_helper_grad": _memory_helper_grad,
}
