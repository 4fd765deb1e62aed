"""Losses whose gradients were others."""

from __future__ import annotations

from collections.abc import Callable

from paddle.base import core

from .site import Site


def _softmax_with_cross_entropy_grad(site: Site) -> None:
    """On the CPU, the loss of a label that is ignored was 0 in 1.8, and its gradient was not."""
    if (
        site.attr("ignore_index", _NONE) >= 0
        and not site.attr("soft_label", False)
        and not core.is_compiled_with_cuda()
    ):
        site.op._set_attr("ignore_index", _NONE)
        site.changed = True


_NONE = -100

RULES: dict[str, Callable[[Site], None]] = {"softmax_with_cross_entropy_grad": _softmax_with_cross_entropy_grad}
