"""What the 2.6.2 core wants otherwise than 1.8 did: a rule for each such operator, which changes its site in place."""

from __future__ import annotations

from collections.abc import Callable

from . import (
    activations,
    arithmetic,
    arrays,
    draws,
    indices,
    losses,
    lost,
    normalisation,
    pooling,
    recurrences,
    sequences,
    updates,
)
from .site import Site

RULES: dict[str, Callable[[Site], None]] = {
    **activations.RULES,
    **arithmetic.RULES,
    **arrays.RULES,
    **draws.RULES,
    **indices.RULES,
    **losses.RULES,
    **lost.RULES,
    **normalisation.RULES,
    **pooling.RULES,
    **recurrences.RULES,
    **sequences.RULES,
    **updates.RULES,
}
