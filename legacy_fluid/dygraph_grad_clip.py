"""`fluid.dygraph_grad_clip`: limits on gradients as 1.6 and 1.7 gave them to `minimize(loss, grad_clip=...)`."""

from __future__ import annotations

from typing import Any

from . import clip

__all__ = ["GradClipByGlobalNorm", "GradClipByNorm", "GradClipByValue"]


class GradClipByValue(clip.GradientClipByValue):
    """Limit each element to [min_value, max_value]; to [-max_value, max_value] where one is None."""

    def __init__(self, min_value: float | None, max_value: float | None = None) -> None:
        if max_value is None:
            # With one number, that is the limit to both sides.
            min_value, max_value = None, min_value
        super().__init__(max_value, min_value)


class GradClipByNorm(clip.GradientClipByNorm):
    """Scale each gradient down to an L2 norm of `clip_norm` at most."""

    def __init__(self, clip_norm: float) -> None:
        super().__init__(clip_norm)


class GradClipByGlobalNorm(clip.GradientClipByGlobalNorm):
    """Scale all gradients by one factor, so that the L2 norm of them all is `max_global_norm` at most."""

    def __init__(self, max_global_norm: float, dtype: Any = "float32") -> None:
        super().__init__(max_global_norm)
