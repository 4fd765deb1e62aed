"""Pooling."""

from __future__ import annotations

from typing import Any

from ...data_feeder import check_type, check_variable_and_dtype
from ...layer_helper import LayerHelper
from ..utils import NUMBERS16, convert_to_list, padding_of

__all__ = ["adaptive_pool2d", "adaptive_pool3d", "pool2d", "pool3d"]


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
        pool_type: "max" or "avg".
        pool_size: of the window; not needed with `global_pooling`.
        pool_padding: as conv2d's padding.
        ceil_mode: round the output size up.
        exclusive: leave padded elements out of a mean.

    Raises:
        ValueError: an unknown `pool_type` or `data_format`, or no `pool_size`.
    """
    _check_pool("pool2d", pool_type, pool_size, global_pooling, use_cudnn, data_format, ("NCHW", "NHWC"))
    windows = (pool_size, pool_stride, pool_padding)
    attrs = {
        "pooling_type": pool_type,
        "global_pooling": global_pooling,
        "use_cudnn": use_cudnn,
        "ceil_mode": ceil_mode,
        "exclusive": exclusive,
        "data_format": data_format,
    }
    return _pool("pool2d", input, windows, attrs, name)


def pool3d(
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
    data_format: str = "NCDHW",
) -> Any:
    """Return the maximum or mean of windows of input [N, C, D, H, W]; the arguments are pool2d's.

    Raises:
        ValueError: an unknown `pool_type` or `data_format`, or no `pool_size`.
    """
    _check_pool("pool3d", pool_type, pool_size, global_pooling, use_cudnn, data_format, ("NCDHW", "NDHWC"))
    windows = (pool_size, pool_stride, pool_padding)
    attrs = {
        "pooling_type": pool_type,
        "global_pooling": global_pooling,
        "use_cudnn": use_cudnn,
        "ceil_mode": ceil_mode,
        "exclusive": exclusive,
        "data_format": data_format,
    }
    return _pool("pool3d", input, windows, attrs, name)


def _check_pool(
    layer: str,
    pool_type: str,
    pool_size: Any,
    global_pooling: bool,
    use_cudnn: bool,
    data_format: str,
    formats: tuple[str, str],
) -> None:
    _check_type_of_pool(layer, pool_type)
    if global_pooling is False and pool_size == -1:
        raise ValueError(f"{layer}: without global_pooling a pool_size must be given")
    if not isinstance(use_cudnn, bool):
        raise TypeError(f"{layer}: use_cudnn is True or False, not {use_cudnn!r}")
    if data_format not in formats:
        raise ValueError(f"{layer}: data_format is {' or '.join(formats)}, not {data_format!r}")


def _check_type_of_pool(layer: str, pool_type: str) -> None:
    if pool_type not in ("max", "avg"):
        raise ValueError(f"{layer}: pool_type is 'max' or 'avg', not {pool_type!r}")


def _pool(op_type: str, input: Any, windows: tuple[Any, Any, Any], attrs: dict[str, Any], name: str | None) -> Any:
    size, stride, padding = windows
    n = len(attrs["data_format"]) - 2
    paddings, algorithm = padding_of(padding, n, attrs["data_format"])
    if algorithm == "VALID" and attrs["ceil_mode"]:
        raise ValueError(f"{op_type}: ceil_mode does not go with pool_padding 'VALID'")
    attrs |= {
        "ksize": convert_to_list(size, n, "pool_size"),
        "strides": convert_to_list(stride, n, "pool_stride"),
        "paddings": paddings,
        "padding_algorithm": algorithm,
        "use_mkldnn": False,
    }
    helper = LayerHelper(op_type, name=name)
    out = helper.create_variable_for_type_inference(input.dtype)
    helper.append_op(type=op_type, inputs={"X": input}, outputs={"Out": out}, attrs=attrs)
    return out


def adaptive_pool2d(
    input: Any, pool_size: Any, pool_type: str = "max", require_index: bool = False, name: str | None = None
) -> Any:
    """Return input [N, C, H, W] pooled to the size `pool_size`, an int or [height, width].

    Args:
        require_index: return (result, place of each maximum within its image) instead.
    """
    return _adaptive_pool("pool2d", 2, input, pool_size, pool_type, require_index, name)


def adaptive_pool3d(
    input: Any, pool_size: Any, pool_type: str = "max", require_index: bool = False, name: str | None = None
) -> Any:
    """Return input [N, C, D, H, W] pooled to the size `pool_size`, an int or [depth, height, width].

    Args:
        require_index: return (result, place of each maximum within its image) instead.
    """
    return _adaptive_pool("pool3d", 3, input, pool_size, pool_type, require_index, name)


def _adaptive_pool(
    kind: str, n: int, input: Any, pool_size: Any, pool_type: str, require_index: bool, name: str | None
) -> Any:
    layer = f"adaptive_{kind}"
    check_variable_and_dtype(input, "input", NUMBERS16, layer)
    check_type(pool_type, "pool_type", str, layer)
    check_type(pool_size, "pool_size", (int, list, tuple), layer)
    check_type(require_index, "require_index", bool, layer)
    _check_type_of_pool(layer, pool_type)
    if pool_type == "avg" and require_index:
        raise ValueError(f"{layer}: require_index goes with pool_type 'max': a mean has no place")
    sizes = convert_to_list(pool_size, n, "pool_size")
    helper = LayerHelper(f"max_{kind}_with_index" if pool_type == "max" else kind, name=name)
    outputs = {"Out": helper.create_variable_for_type_inference(input.dtype)}
    if pool_type == "max":
        outputs["Mask"] = helper.create_variable_for_type_inference(input.dtype)
    attrs = {"pooling_type": pool_type, "ksize": sizes, "adaptive": True}
    helper.append_op(type=helper.layer_type, inputs={"X": input}, outputs=outputs, attrs=attrs)
    return (outputs["Out"], outputs["Mask"]) if require_index else outputs["Out"]
