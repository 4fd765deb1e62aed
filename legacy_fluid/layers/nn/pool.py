"""Pooling."""

from __future__ import annotations

from typing import Any

from ...layer_helper import LayerHelper
from ..utils import convert_to_list, padding_of

__all__ = ["pool2d"]


def pool2d(
    input: Any,
    pool_size: Any = -1,
    pool_type: str = "max",
    pool_stride: Any = 1,
    pool_padding: Any = 0,
    global_pooling: bool = False,
    use_cudnn: bool = True,
    ceil_mode: bool = False,
    name: str | None = None,
    exclusive: bool = True,
    data_format: str = "NCHW",
) -> Any:
    """Return the maximum or mean of windows of input [N, C, H, W].

    Args:
        pool_size: of the window; not needed with `global_pooling`.
        pool_padding: as conv2d's padding.
        ceil_mode: round the output size up.
        exclusive: leave padded elements out of a mean.

    Raises:
        ValueError: an unknown `pool_type` or `data_format`, or no `pool_size`.
    """
    if pool_type not in ("max", "avg"):
        raise ValueError(f"pool2d: pool_type is 'max' or 'avg', not {pool_type!r}")
    if not global_pooling and pool_size == -1:
        raise ValueError("pool2d: without global_pooling a pool_size must be given")
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError(f"pool2d: data_format is 'NCHW' or 'NHWC', not {data_format!r}")
    if pool_padding == "VALID" and ceil_mode:
        raise ValueError("pool2d: ceil_mode does not go with pool_padding 'VALID'")
    helper = LayerHelper("pool2d", name=name)
    paddings, algorithm = padding_of(pool_padding, 2, data_format)
    out = helper.create_variable_for_type_inference(input.dtype)
    helper.append_op(
        type="pool2d",
        inputs={"X": input},
        outputs={"Out": out},
        attrs={
            "pooling_type": pool_type,
            "ksize": convert_to_list(pool_size, 2, "pool_size"),
            "global_pooling": global_pooling,
            "strides": convert_to_list(pool_stride, 2, "pool_stride"),
            "paddings": paddings,
            "padding_algorithm": algorithm,
            "use_cudnn": use_cudnn,
            "ceil_mode": ceil_mode,
            "use_mkldnn": False,
            "exclusive": exclusive,
            "data_format": data_format,
        },
    )
    return out
