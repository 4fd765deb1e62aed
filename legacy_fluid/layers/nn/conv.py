"""Convolutions."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

from ...data_feeder import check_type, check_variable_and_dtype
from ...framework import Variable
from ...initializer import Normal
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..utils import FLOATS, FLOATS16, convert_to_list, padding_of

__all__ = [
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "deformable_conv",
    "row_conv",
    "unfold",
]


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
    check_variable_and_dtype(input, "input", FLOATS16, "conv2d")
    channels = _input_channels("conv2d", input, data_format, ("NCHW", "NHWC"), use_cudnn)
    # A convolution in which every channel is a group has an operator of its own, unless cuDNN is wanted.
    is_depthwise = channels == groups and num_filters % channels == 0 and not use_cudnn
    op_type = "depthwise_conv2d" if is_depthwise else "conv2d"
    helper = LayerHelper(op_type, bias_attr=bias_attr, act=act, name=name, use_cudnn=use_cudnn)
    attrs = {"fuse_relu_before_depthwise_conv": False}
    windows = (filter_size, stride, padding, dilation, groups)
    return _convolve(helper, input, channels, num_filters, windows, param_attr, data_format, attrs)


def conv3d(
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
    data_format: str = "NCDHW",
) -> Any:
    """Return the 3-D convolution of input [N, C, D, H, W] with `num_filters` filters.

    Args:
        padding: an int, three ints, six ints or pairs of a side each, "SAME" or "VALID".
        groups: filters of each group see the channels of that group alone.
        param_attr: of the filters [num_filters, C / groups, d, h, w]; Normal(0, sqrt(2 / (d h w C))) by default.

    Raises:
        ValueError: the channels are not a multiple of `groups`, or unknown.
    """
    channels = _input_channels("conv3d", input, data_format, ("NCDHW", "NDHWC"), use_cudnn)
    helper = LayerHelper("conv3d", bias_attr=bias_attr, act=act, name=name, use_cudnn=use_cudnn)
    windows = (filter_size, stride, padding, dilation, groups)
    return _convolve(helper, input, channels, num_filters, windows, param_attr, data_format, {})


def _input_channels(layer: str, input: Any, data_format: str, formats: tuple[str, str], use_cudnn: bool) -> int:
    if not isinstance(use_cudnn, bool):
        raise ValueError(f"{layer}: use_cudnn is True or False, not {use_cudnn!r}")
    if data_format not in formats:
        raise ValueError(f"{layer}: data_format is {' or '.join(formats)}, not {data_format!r}")
    channels = input.shape[1 if data_format == formats[0] else -1]
    if channels < 0:
        raise ValueError(f"{layer}: the number of channels is not known from the input's shape {input.shape}")
    return channels


def _convolve(
    helper: Any,
    input: Any,
    channels: int,
    num_filters: int,
    windows: tuple[Any, ...],
    param_attr: Any,
    data_format: str,
    attrs: dict[str, Any],
) -> Any:
    filter_size, stride, padding, dilation, groups = windows
    n = len(data_format) - 2
    kernel = convert_to_list(filter_size, n, "filter_size")
    paddings, algorithm = padding_of(padding, n, data_format)
    attrs |= {
        "strides": convert_to_list(stride, n, "stride"),
        "paddings": paddings,
        "dilations": convert_to_list(dilation, n, "dilation"),
        "groups": groups,
        "use_cudnn": helper.kwargs["use_cudnn"],
        "use_mkldnn": False,
        "padding_algorithm": algorithm,
        "data_format": data_format,
    }
    filters = _filters(helper, input.dtype, num_filters, channels, groups, kernel, param_attr)
    out = helper.create_variable_for_type_inference(input.dtype)
    inputs = {"Input": input, "Filter": filters}
    helper.append_op(type=helper.layer_type, inputs=inputs, outputs={"Output": out}, attrs=attrs)
    return _biased_and_activated(helper, out, data_format)


def _filters(
    helper: Any, dtype: Any, num_filters: int, channels: int, groups: int | None, kernel: list[int], param_attr: Any
) -> Any:
    layer = helper.layer_type
    assert param_attr is not False, f"{layer}: param_attr is not False: a convolution has filters"
    if channels % (groups or 1):
        raise ValueError(f"{layer}: {channels} input channels cannot be split into {groups} groups")
    return helper.create_parameter(
        attr=param_attr,
        shape=[num_filters, channels // (groups or 1), *kernel],
        dtype=dtype,
        default_initializer=Normal(0.0, sqrt(2.0 / (prod(kernel) * channels)), 0),
    )


def _biased_and_activated(helper: Any, out: Any, data_format: str) -> Any:
    axis = 1 if data_format.startswith("NC") else len(data_format) - 1
    return helper.append_activation(helper.append_bias_op(out, dim_start=axis, dim_end=axis + 1))


def conv2d_transpose(
    input: Any,
    num_filters: int,
    output_size: Any = None,
    filter_size: Any = None,
    padding: Any = 0,
    stride: Any = 1,
    dilation: Any = 1,
    groups: int | None = None,
    param_attr: Any = None,
    bias_attr: Any = None,
    use_cudnn: bool = True,
    act: str | None = None,
    name: str | None = None,
    data_format: str = "NCHW",
) -> Any:
    """Return the transpose of a 2-D convolution: what conv2d would have made input [N, C, H, W] of.

    Args:
        output_size: of the result's H and W; follows from `filter_size` where None. One of the two must be given.
        padding: of the convolution that is transposed, as conv2d's.
        param_attr: of the filters [C, num_filters / groups, h, w]; Xavier by default.
    """
    channels = _transposed_channels("conv2d_transpose", input, data_format, ("NCHW", "NHWC"), param_attr)
    is_depthwise = channels == groups == num_filters and not use_cudnn
    op_type = "depthwise_conv2d_transpose" if is_depthwise else "conv2d_transpose"
    helper = LayerHelper(op_type, bias_attr=bias_attr, act=act, name=name, use_cudnn=use_cudnn)
    windows = (filter_size, output_size, stride, padding, dilation, groups)
    return _convolve_transposed(helper, input, channels, num_filters, windows, param_attr, data_format)


def conv3d_transpose(
    input: Any,
    num_filters: int,
    output_size: Any = None,
    filter_size: Any = None,
    padding: Any = 0,
    stride: Any = 1,
    dilation: Any = 1,
    groups: int | None = None,
    param_attr: Any = None,
    bias_attr: Any = None,
    use_cudnn: bool = True,
    act: str | None = None,
    name: str | None = None,
    data_format: str = "NCDHW",
) -> Any:
    """Return the transpose of a 3-D convolution: what conv3d would have made input [N, C, D, H, W] of.

    Args:
        output_size: of the result's D, H and W; follows from `filter_size` where None. One of the two must be given.
        padding: of the convolution that is transposed, as conv3d's.
        param_attr: of the filters [C, num_filters / groups, d, h, w]; Xavier by default.
    """
    channels = _transposed_channels("conv3d_transpose", input, data_format, ("NCDHW", "NDHWC"), param_attr)
    helper = LayerHelper("conv3d_transpose", bias_attr=bias_attr, act=act, name=name, use_cudnn=use_cudnn)
    windows = (filter_size, output_size, stride, padding, dilation, groups)
    return _convolve_transposed(helper, input, channels, num_filters, windows, param_attr, data_format)


def _transposed_channels(layer: str, input: Any, data_format: str, formats: tuple[str, str], param_attr: Any) -> int:
    assert param_attr is not False, f"{layer}: param_attr is not False: a convolution has filters"
    if data_format not in formats:
        raise ValueError(f"{layer}: data_format is {' or '.join(formats)}, not {data_format!r}")
    if not isinstance(input, Variable):
        raise TypeError(f"{layer}: input is a Variable, not {type(input).__name__}")
    return input.shape[1 if data_format == formats[0] else -1]


def _convolve_transposed(
    helper: Any,
    input: Any,
    channels: int,
    num_filters: int,
    windows: tuple[Any, ...],
    param_attr: Any,
    data_format: str,
) -> Any:
    filter_size, output_size, stride, padding, dilation, groups = windows
    layer, n, use_cudnn = helper.layer_type, len(data_format) - 2, helper.kwargs["use_cudnn"]
    strides = convert_to_list(stride, n, "stride")
    dilations = convert_to_list(dilation, n, "dilation")
    if not isinstance(use_cudnn, bool):
        raise ValueError(f"{layer}: use_cudnn is True or False, not {use_cudnn!r}")
    paddings, algorithm = padding_of(padding, n, data_format)
    if filter_size is not None:
        kernel = convert_to_list(filter_size, n, "filter_size")
    elif output_size is None:
        raise ValueError(f"{layer}: give filter_size or output_size")
    else:
        sizes = convert_to_list(output_size, n, "output_size")
        spatial = input.shape[2:] if data_format.startswith("NC") else input.shape[1:-1]
        both_sides = (
            [2 * size for size in paddings]
            if len(paddings) == n
            else map(sum, zip(paddings[::2], paddings[1::2], strict=True))
        )
        kernel = [
            (size - (own - 1) * step + border - 1) // spread + 1
            for size, own, step, border, spread in zip(sizes, spatial, strides, both_sides, dilations, strict=True)
        ]
    if not isinstance(output_size, list | tuple | int | None):
        raise ValueError(f"{layer}: output_size is an int or {n} of them, not {output_size!r}")
    groups = groups or 1
    filters = helper.create_parameter(
        dtype=input.dtype, shape=[channels, num_filters // groups, *kernel], attr=param_attr
    )
    out = helper.create_variable_for_type_inference(dtype=input.dtype)
    helper.append_op(
        type=layer,
        inputs={"Input": [input], "Filter": [filters]},
        outputs={"Output": out},
        attrs={
            "output_size": [] if output_size is None else convert_to_list(output_size, n, "output_size"),
            "strides": strides,
            "paddings": paddings,
            "padding_algorithm": algorithm,
            "dilations": dilations,
            "groups": groups,
            "use_cudnn": use_cudnn,
            "data_format": "NCHW" if data_format.startswith("NC") else "NHWC",
        },
    )
    return _biased_and_activated(helper, out, data_format)


def deformable_conv(
    input: Any,
    offset: Any,
    mask: Any,
    num_filters: int,
    filter_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int | None = None,
    deformable_groups: int | None = None,
    im2col_step: int | None = None,
    param_attr: Any = None,
    bias_attr: Any = None,
    modulated: bool = True,
    name: str | None = None,
) -> Any:
    """Return the 2-D convolution of input [N, C, H, W] at displaced positions (arXiv:1703.06211, 1811.11168).

    Args:
        offset: displacement of each element of each window, [N, 2 * deformable_groups * h * w, H', W'].
        mask: factor of each such element, [N, deformable_groups * h * w, H', W']; not used unless `modulated`.
        im2col_step: how many images are taken at once.
    """
    check_variable_and_dtype(input, "input", FLOATS, "deformable_conv")
    check_variable_and_dtype(offset, "offset", FLOATS, "deformable_conv")
    check_type(mask, "mask", (Variable, type(None)), "deformable_conv")
    helper = LayerHelper("deformable_conv", bias_attr=bias_attr, name=name)
    kernel = convert_to_list(filter_size, 2, "filter_size")
    filters = _filters(helper, input.dtype, num_filters, input.shape[1], groups, kernel, param_attr)
    out = helper.create_variable_for_type_inference(input.dtype)
    inputs = {"Input": input, "Filter": filters, "Offset": offset}
    helper.append_op(
        type="deformable_conv" if modulated else "deformable_conv_v1",
        inputs={**inputs, "Mask": mask} if modulated else inputs,
        outputs={"Output": out},
        attrs={
            "strides": convert_to_list(stride, 2, "stride"),
            "paddings": convert_to_list(padding, 2, "padding"),
            "dilations": convert_to_list(dilation, 2, "dilation"),
            "groups": groups,
            "deformable_groups": deformable_groups,
            "im2col_step": im2col_step,
        },
    )
    return helper.append_bias_op(out, dim_start=1, dim_end=2)


def row_conv(input: Any, future_context_size: int, param_attr: Any = None, act: str | None = None) -> Any:
    """Return the convolution of sequences of rows with the rows that follow each (arXiv:1512.02595).

    Args:
        input: sequences [T, D] with lengths, or [N, T, D].
        param_attr: of the filter [future_context_size + 1, D].
    """
    helper = LayerHelper("row_conv", param_attr=param_attr, act=act)
    check_variable_and_dtype(input, "input", ["float32"], "row_conv")
    shape = [future_context_size + 1, input.shape[-1]]
    filters = helper.create_parameter(attr=helper.param_attr, shape=shape, dtype=input.dtype)
    out = helper.create_variable_for_type_inference(input.dtype)
    helper.append_op(type="row_conv", inputs={"X": [input], "Filter": [filters]}, outputs={"Out": [out]})
    return helper.append_activation(out)


def _windows(given: dict[str, Any]) -> None:
    check_variable_and_dtype(given["x"], "x", FLOATS, "unfold")
    assert len(given["x"].shape) == 4, f"unfold: x is [N, C, H, W], not of shape {given['x'].shape}"
    for argument in ("kernel_sizes", "strides", "dilations"):
        sizes = given[argument]
        is_pair = isinstance(sizes, list) and len(sizes) == 2
        assert isinstance(sizes, int) or is_pair, f"unfold: {argument} is an int or a list of two, not {sizes!r}"
        given[argument] = sizes if is_pair else [sizes, sizes]
    paddings = given["paddings"]
    paddings = [paddings] * 4 if isinstance(paddings, int) else paddings
    if not isinstance(paddings, list) or len(paddings) not in (2, 4):
        raise ValueError(f"unfold: paddings is an int or a list of 2 or 4, not {paddings!r}")
    given["paddings"] = paddings if len(paddings) == 4 else paddings * 2


@operator("unfold", outputs={"Y": None}, prepare=_windows)
def unfold(x, kernel_sizes, strides=1, paddings=0, dilations=1, name=None):
    """Return the windows of x [N, C, H, W] as columns, [N, C * h * w, number of windows].

    Args:
        paddings: an int, [vertical, horizontal], or [top, left, bottom, right].
    """
