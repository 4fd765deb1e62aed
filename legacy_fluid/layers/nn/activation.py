"""Activations: functions of one tensor that make a network more than linear."""

from __future__ import annotations

from typing import Any

from ...data_feeder import check_variable_and_dtype
from ...framework import convert_np_dtype_to_dtype_
from ...initializer import Constant
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..utils import FLOATS, FLOATS16, Composer

__all__ = [
    "brelu",
    "elu",
    "hard_sigmoid",
    "hard_swish",
    "leaky_relu",
    "log_softmax",
    "maxout",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "soft_relu",
    "softmax",
    "stanh",
    "swish",
]


@operator("brelu", dtypes=FLOATS16)
def brelu(x, t_min=0.0, t_max=24.0, name=None):
    """Return x limited to [t_min, t_max]."""


@operator("elu", dtypes=FLOATS16)
def elu(x, alpha=1.0, name=None):
    """Return x where positive, and alpha (exp(x) - 1) elsewhere (arXiv:1511.07289)."""


@operator("hard_sigmoid", dtypes=FLOATS16)
def hard_sigmoid(x, slope=0.2, offset=0.5, name=None):
    """Return slope * x + offset, limited to [0, 1]."""


def _hard_swish(x: Any, threshold: float, scale: float, offset: float, name: str | None) -> Any:
    append = Composer(LayerHelper("hard_swish", name=name))
    gate = append("brelu", {"X": append("scale", {"X": x}, bias=offset)}, t_min=0.0, t_max=threshold)
    return append("elementwise_mul", {"X": x, "Y": append("scale", {"X": gate}, scale=1.0 / scale)})


@operator("hard_swish", dtypes=FLOATS16, eager=_hard_swish)
def hard_swish(x, threshold=6.0, scale=6.0, offset=3.0, name=None):
    """Return x * min(max(0, x + offset), threshold) / scale (arXiv:1905.02244)."""


@operator("leaky_relu", dtypes=FLOATS16)
def leaky_relu(x, alpha=0.02, name=None):
    """Return x where positive, and alpha * x elsewhere."""


def _channel_axis(given: dict[str, Any]) -> None:
    if given["axis"] not in (1, -1, 3):
        raise ValueError(f"maxout: axis is 1 (NCHW), 3 or -1 (NHWC), not {given['axis']}")
    if given["axis"] == -1:
        given["axis"] = 3


@operator("maxout", dtypes=FLOATS, prepare=_channel_axis)
def maxout(x, groups, name=None, axis=1):
    """Return the maximum over each `groups` neighbouring channels of x (arXiv:1302.4389).

    Args:
        axis: of the channels; 1, 3 or -1.
    """


def _positive_threshold(given: dict[str, Any]) -> None:
    assert given["threshold"] > 0, f"mish: threshold is positive, not {given['threshold']}"


@operator("mish", dtypes=FLOATS, types={"threshold": (float, int)}, prepare=_positive_threshold)
def mish(x, threshold=20, name=None):
    """Return x * tanh(log(1 + exp(x))) (arXiv:1908.08681), with the logarithm taken as x above `threshold`."""


@operator("relu", dtypes=FLOATS16)
def relu(x, name=None):
    """Return max(x, 0)."""


@operator("relu6", dtypes=FLOATS16, eager=lambda x, threshold, name: brelu(x, 0.0, threshold, name))
def relu6(x, threshold=6.0, name=None):
    """Return x limited to [0, threshold]."""


@operator("selu", dtypes=FLOATS)
def selu(x, scale=None, alpha=None, name=None):
    """Return scale * (x where positive, alpha (exp(x) - 1) elsewhere), both as in arXiv:1706.02515 by default."""


@operator("soft_relu", dtypes=FLOATS16)
def soft_relu(x, threshold=40.0, name=None):
    """Return log(1 + exp(x)), with x limited to [-threshold, threshold]."""


@operator("softmax", inputs={"X": "input"}, dtypes=FLOATS16)
def softmax(input, use_cudnn=False, name=None, axis=-1):
    """Return exp(input) scaled to sum to one along `axis`."""


@operator("stanh", dtypes=FLOATS16)
def stanh(x, scale_a=0.67, scale_b=1.7159, name=None):
    """Return scale_b * tanh(scale_a * x)."""


@operator("swish", dtypes=FLOATS16, rename={"beta": "slope"})
def swish(x, beta=1.0, name=None):
    """Return x / (1 + exp(-beta * x)) (arXiv:1710.05941)."""


def log_softmax(input: Any, axis: int | None = None, dtype: Any = None, name: str | None = None) -> Any:
    """Return the logarithm of the softmax of input along `axis`, the last by default.

    Args:
        dtype: to cast input to before; its own where None.
    """
    if dtype is None:
        check_variable_and_dtype(input, "input", FLOATS16, "log_softmax")
    helper = LayerHelper("log_softmax", name=name)

    def append(op_type: str, x: Any, result_dtype: Any, **attrs: Any) -> Any:
        out = helper.create_variable_for_type_inference(result_dtype)
        helper.append_op(type=op_type, inputs={"X": x}, outputs={"Out": out}, attrs=attrs)
        return out

    if dtype is not None:
        dtype = convert_np_dtype_to_dtype_(dtype)
        input = append("cast", input, dtype, in_dtype=input.dtype, out_dtype=dtype)
    shares = append("softmax", input, input.dtype, axis=-1 if axis is None else axis, use_cudnn=False)
    return append("log", shares, input.dtype)


def prelu(x: Any, mode: str, param_attr: Any = None, name: str | None = None) -> Any:
    """Return x where positive, and a learned factor times x elsewhere (arXiv:1502.01852).

    Args:
        mode: "all" for one factor, "channel" for one each channel, "element" for one each element of a sample.
        param_attr: of the factors; 0.25 by default.
    """
    check_variable_and_dtype(x, "x", FLOATS, "prelu")
    helper = LayerHelper("prelu", param_attr=param_attr, name=name)
    if mode == "all":
        shape = [1]
    elif mode == "channel":
        assert len(x.shape) >= 2, f"prelu: mode 'channel' needs a channel dimension, and x has shape {x.shape}"
        shape = [1, x.shape[1], 1, 1]
    elif mode == "element":
        assert len(x.shape) >= 1, "prelu: mode 'element' needs a batch dimension"
        shape = [1, *x.shape[1:]]
    else:
        raise ValueError(f"prelu: mode is 'all', 'channel' or 'element', not {mode!r}")
    alpha = helper.create_parameter(
        attr=helper.param_attr, shape=shape, dtype="float32", default_initializer=Constant(0.25)
    )
    out = helper.create_variable_for_type_inference(x.dtype)
    helper.append_op(type="prelu", inputs={"X": x, "Alpha": alpha}, outputs={"Out": out}, attrs={"mode": mode})
    return out
