"""Pooling."""

from __future__ import annotations

from typing import Any

from ...framework import in_dygraph_mode
from ...layers.utils import convert_to_list
from . import signatures_of_1_5 as old
from .operator_layer import OperatorLayer, as_in_1_5

__all__ = ["Pool2D"]


@as_in_1_5(old.pool2d)
class Pool2D(OperatorLayer):
    """Take the maximum or the average of each window of [N, C, H, W].

    Args:
        pool_size, pool_stride, pool_padding: a number, or two.
        pool_type: "max" or "avg".
        global_pooling: let one window take in all.
        ceil_mode: count windows that lie partly outside.
        exclusive: leave the padding out of averages.

    Raises:
        ValueError: another pool_type; no pool_size and no global_pooling; a use_cudnn that is no bool.
    """

    def __init__(
        self,
        pool_size: Any = -1,
        pool_type: str = "max",
        pool_stride: Any = 1,
        pool_padding: Any = 0,
        global_pooling: bool = False,
        use_cudnn: bool = True,
        ceil_mode: bool = False,
        exclusive: bool = True,
    ) -> None:
        if pool_type not in ("max", "avg"):
            raise ValueError(f"pool_type is 'max' or 'avg', not {pool_type!r}")
        if global_pooling is False and pool_size == -1:
            raise ValueError("Pool2D needs a pool_size, or global_pooling=True")
        if not isinstance(use_cudnn, bool):
            raise ValueError(f"use_cudnn is True or False, not {use_cudnn!r}")
        super().__init__()
        self._pool_type = pool_type
        self._pool_size = convert_to_list(pool_size, 2, "pool_size")
        self._pool_padding = convert_to_list(pool_padding, 2, "pool_padding")
        self._pool_stride = convert_to_list(pool_stride, 2, "pool_stride")
        self._global_pooling = global_pooling
        self._use_cudnn = use_cudnn
        self._ceil_mode = ceil_mode
        self._exclusive = exclusive
        self._l_type = "pool2d"

    def forward(self, input: Any) -> Any:
        attrs = {
            "pooling_type": self._pool_type,
            "ksize": self._pool_size,
            "global_pooling": self._global_pooling,
            "strides": self._pool_stride,
            "paddings": self._pool_padding,
            "use_cudnn": self._use_cudnn,
            "ceil_mode": self._ceil_mode,
            "use_mkldnn": False,
            "exclusive": self._exclusive,
        }
        if (
            in_dygraph_mode()
            and self._ceil_mode
            and self._pool_type == "avg"
            and not (self._exclusive or self._global_pooling)
        ):
            input = self._padded(input)
            attrs |= {"paddings": [0, 0], "ceil_mode": False}
        return self._append(self._l_type, {"X": input}, attrs)

    def _padded(self, input: Any) -> Any:
        """Surround the input with zeros up to the end of the last window.

        1.8 divided the sum of such a window by its whole size, the core of 2.6 by that of the part within the padding.
        """
        margins = [0, 0, 0, 0]
        windows_of = (input.shape[2:], self._pool_size, self._pool_stride, self._pool_padding)
        for size, kernel, stride, padding in zip(*windows_of, strict=True):
            windows = -(-(size + 2 * padding - kernel) // stride) + 1
            margins += [padding, (windows - 1) * stride + kernel - size - padding]
        return self._append("pad", {"X": input}, {"paddings": margins, "pad_value": 0.0})
