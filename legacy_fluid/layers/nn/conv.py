"""Convolutions."""

from __future__ import annotations

import math
from typing import Any

from ...initializer import Normal
from ...layer_helper import LayerHelper
from ..utils import convert_to_list, padding_of

__all__ = ["conv2d"]


def conv2d(
    input: Any,
    num_filters: int,
    filter_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int | None = None,
    param_attr: Any = None,
    bias_attr: Any = None,
    use_cudnn: bool = True,
    act: str | None = None,
    name: str | None = None,
    data_format: str = "NCHW",
) -> Any:
    """Return the 2-D convolution of input [N, C, H, W] with `num_filters` filters.

    Args:
        padding: an int, a pair, four ints or pairs of a side each, "SAME" or "VALID".
        groups: filters of each group see the channels of that group alone.
        param_attr: of the filters [num_filters, C / groups, h, w]; Normal(0, sqrt(2 / (h w C))) by default.

    Raises:
        ValueError: the channels are not a multiple of `groups`, or unknown.
    """
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError(f"conv2d: data_format is 'NCHW' or 'NHWC', not {data_format!r}")
    if not isinstance(use_cudnn, bool):
        raise ValueError(f"conv2d: use_cudnn is True or False, not {use_cudnn!r}")
    channels = input.shape[1 if data_format == "NCHW" else 3]
    groups_ = groups or 1
    if channels < 0 or channels % groups_:
        raise ValueError(f"conv2d: {channels} input channels cannot be split into {groups_} groups")
    helper = LayerHelper(
        _kind(channels, num_filters, groups_, use_cudnn), bias_attr=bias_attr, act=act, name=name, use_cudnn=use_cudnn
    )
    kernel = convert_to_list(filter_size, 2, "filter_size")
    paddings, algorithm = padding_of(padding, 2, data_format)
    std = math.sqrt(2.0 / (kernel[0] * kernel[1] * channels))
    filters = helper.create_parameter(
        attr=param_attr,
        shape=[num_filters, channels // groups_, *kernel],
        dtype=input.dtype,
        default_initializer=Normal(0.0, std, 0),
    )
    out = helper.create_variable_for_type_inference(input.dtype)
    helper.append_op(
        type=helper.layer_type,
        inputs={"Input": input, "Filter": filters},
        outputs={"Output": out},
        attrs={
            "strides": convert_to_list(stride, 2, "stride"),
            "paddings": paddings,
            "dilations": convert_to_list(dilation, 2, "dilation"),
            "groups": groups_,
            "use_cudnn": use_cudnn,
            "use_mkldnn": False,
            "fuse_relu_before_depthwise_conv": False,
            "padding_algorithm": algorithm,
            "data_format": data_format,
        },
    )
    channel_axis = 1 if data_format == "NCHW" else 3
    biased = helper.append_bias_op(out, dim_start=channel_axis, dim_end=channel_axis + 1)
    return helper.append_activation(biased)


def _kind(channels: int, num_filters: int, groups: int, use_cudnn: bool) -> str:
    """A convolution in which every channel is a group has an operator of its own, unless cuDNN is wanted."""
    is_depthwise = channels == groups and num_filters % channels == 0 and not use_cudnn
    return "depthwise_conv2d" if is_depthwise else "conv2d"
