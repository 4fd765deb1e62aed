"""Layers in the place of an operator, in a program that is being lowered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from paddle.base.framework import Program, _dygraph_guard, program_guard

from .. import unique_name
from .site import Site


@contextmanager
def composed(site: Site) -> Iterator[Any]:
    """Let the operators that are appended meanwhile take the operator's place, to be lowered in their turn.

    Yields:
        the Block that they go to.
    """
    program, block = site.program, site.program.block(site.block.id)
    first, current = site.block.op_size(), program.current_block_idx
    names = unique_name.guard(f"{min(site.op.output_arg_names())}@COMPOSED_")
    with _dygraph_guard(None), program_guard(program, Program()), names:
        program.current_block_idx = block.idx
        yield block
        program.current_block_idx = current
    site.give_way_to(first)
