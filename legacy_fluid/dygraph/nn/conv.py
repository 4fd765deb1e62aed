"""Convolutions, and transposed ones."""

from __future__ import annotations

import math
from typing import Any

from ...initializer import Normal
from ...layers.utils import convert_to_list
from . import signatures_of_1_5 as old
from .operator_layer import OperatorLayer, as_in_1_5

__all__ = ["Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose"]


def _count_channels(given: dict[str, Any], inputs: tuple[Any, ...]) -> None:
    given["num_channels"] = inputs[0].shape[1]


class _Convolution(OperatorLayer):
    """Slides filters over an input [N, C, ...]."""

    _dims: int
    _l_type: str

    def _take(self, arguments: dict[str, Any]) -> None:
        """Keep the arguments as `_stride`, `_act` and so on."""
        assert arguments["param_attr"] is not False, f"{type(self).__name__} needs its filters: param_attr is not False"
        if not isinstance(arguments["use_cudnn"], bool):
            raise ValueError(f"use_cudnn is True or False, not {arguments['use_cudnn']!r}")
        super().__init__()
        for name in ("stride", "padding", "dilation", "filter_size"):
            arguments[name] = convert_to_list(arguments[name], self._dims, name)
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, f"_{name}", value)

    def _make_bias(self) -> Any:
        return self.create_parameter([self._num_filters], self._bias_attr, self._dtype, is_bias=True)

    def _slide(self, input: Any, **more: Any) -> Any:
        attrs = {
            "strides": self._stride,
            "paddings": self._padding,
            "dilations": self._dilation,
            "groups": self._groups or 1,
            "use_cudnn": self._use_cudnn,
        }
        return self._append(self._l_type, {"Input": input, "Filter": self.weight}, attrs | more, Output=None)


class _Conv(_Convolution):
    def _make_parameters(self) -> None:
        channels, groups = self._num_channels, self._groups or 1
        if channels % groups != 0:
            raise ValueError(f"num_channels is a multiple of groups: {channels} is none of {groups}")
        std = math.sqrt(2.0 / (math.prod(self._filter_size) * channels))
        shape = [self._num_filters, channels // groups, *self._filter_size]
        self.weight = self.create_parameter(shape, self._param_attr, self._dtype, False, Normal(0.0, std, 0))
        self.bias = self._make_bias()

    def forward(self, input: Any) -> Any:
        return self._finish(self._slide(input, use_mkldnn=False), 1, self.bias, self._act)


@as_in_1_5(old.conv, _count_channels)
class Conv2D(_Conv):
    """Convolve [N, num_channels, H, W] with `num_filters` filters.

    Args:
        filter_size, stride, padding, dilation: a number, or two.
        groups: of channels, each of which has filters of its own.
        param_attr, bias_attr: of the filters and the biases.
        act: activation of the result.
    """

    _dims, _l_type = 2, "conv2d"

    def __init__(
        self,
        num_channels: int,
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
        dtype: str = "float32",
    ) -> None:
        self._take(locals())
        if num_channels == groups and num_filters % num_channels == 0 and not use_cudnn:
            self._l_type = "depthwise_conv2d"
        self._make_parameters()


@as_in_1_5(old.conv, _count_channels)
class Conv3D(_Conv):
    """Convolve [N, num_channels, D, H, W] with `num_filters` filters; arguments as of Conv2D."""

    _dims, _l_type = 3, "conv3d"

    def __init__(
        self,
        num_channels: int,
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
        dtype: str = "float32",
    ) -> None:
        self._take(locals())
        self._make_parameters()


class _Transpose(_Convolution):
    def _make_parameters(self) -> None:
        self._groups = self._groups or 1
        shape = [self._num_channels, self._num_filters // self._groups, *self._filter_size]
        self.weight = self.create_parameter(shape, self._param_attr, self._dtype)
        self.bias = self._make_bias()


def _size_filters(dims: int) -> Any:
    def complete(given: dict[str, Any], inputs: tuple[Any, ...]) -> None:
        """Count the channels; without a filter size, take the one that gives `output_size`."""
        _count_channels(given, inputs)
        if given["filter_size"] is None:
            sizes = (
                convert_to_list(given[name], dims, name) for name in ("output_size", "stride", "padding", "dilation")
            )
            given["filter_size"] = [
                (out - (size - 1) * stride + 2 * padding - 1) // dilation + 1
                for size, out, stride, padding, dilation in zip(inputs[0].shape[2:], *sizes, strict=True)
            ]

    return complete


@as_in_1_5(old.conv_transpose, _size_filters(2))
class Conv2DTranspose(_Transpose):
    """Convolve [N, num_channels, H, W] transposed, which enlarges it; arguments as of Conv2D.

    Args:
        output_size: of the result, where several fit.
    """

    _dims, _l_type = 2, "conv2d_transpose"

    def __init__(
        self,
        num_channels: int,
        num_filters: int,
        filter_size: Any,
        output_size: Any = None,
        padding: Any = 0,
        stride: Any = 1,
        dilation: Any = 1,
        groups: int | None = None,
        param_attr: Any = None,
        bias_attr: Any = None,
        use_cudnn: bool = True,
        act: str | None = None,
        dtype: str = "float32",
    ) -> None:
        if output_size is not None and not isinstance(output_size, list | tuple | int):
            raise ValueError(f"output_size is a list or an int, not {output_size!r}")
        output_size = [] if output_size is None else convert_to_list(output_size, 2, "output_size")
        self._take(locals())
        if num_channels == groups and num_filters == num_channels and not use_cudnn:
            self._l_type = "depthwise_conv2d_transpose"
        self._make_parameters()

    def forward(self, input: Any) -> Any:
        return self._finish(self._slide(input, output_size=self._output_size), 1, self.bias, self._act)


@as_in_1_5(old.conv_transpose, _size_filters(3))
class Conv3DTranspose(_Transpose):
    """Convolve [N, num_channels, D, H, W] transposed, which enlarges it; arguments as of Conv2D.

    As in 1.8, the biases are added only where `bias_attr` is given.
    """

    _dims, _l_type = 3, "conv3d_transpose"

    def __init__(
        self,
        num_channels: int,
        num_filters: int,
        filter_size: Any,
        padding: Any = 0,
        stride: Any = 1,
        dilation: Any = 1,
        groups: int | None = None,
        param_attr: Any = None,
        bias_attr: Any = None,
        use_cudnn: bool = True,
        act: str | None = None,
        dtype: str = "float32",
    ) -> None:
        self._take(locals())
        self._make_parameters()

    def forward(self, input: Any) -> Any:
        return self._finish(self._slide(input), 1, self.bias if self._bias_attr else None, self._act)
