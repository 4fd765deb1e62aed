"""`fluid.clip`: limits on gradients."""

from __future__ import annotations

from typing import Any

__all__: list[str] = []


class GradientClipBase:
    """Base: `__call__(params_grads)` returns the pairs with limited gradients."""

    def __call__(self, params_grads: list[Any]) -> list[Any]:
        raise NotImplementedError


def append_gradient_clip_ops(param_grads: list[Any]) -> list[Any]:
    """Limit each gradient as its parameter's own clip says."""
    return param_grads
