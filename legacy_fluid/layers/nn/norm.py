"""Normalisation."""

from __future__ import annotations

import warnings
from math import prod
from typing import Any

from ... import core
from ...data_feeder import check_type, check_variable_and_dtype
from ...framework import Variable, in_dygraph_mode
from ...initializer import Constant, Normal
from ...layer_helper import LayerHelper
from ...param_attr import ParamAttr
from ..layer_function_generator import operator
from ..utils import FLOATS, FLOATS16

__all__ = [
    "affine_channel",
    "batch_norm",
    "data_norm",
    "group_norm",
    "inplace_abn",
    "instance_norm",
    "l2_normalize",
    "layer_norm",
    "lrn",
    "spectral_norm",
]


def batch_norm(
    input: Any,
    act: str | None = None,
    is_test: bool = False,
    momentum: Any = 0.9,
    epsilon: float = 1e-05,
    param_attr: Any = None,
    bias_attr: Any = None,
    data_layout: str = "NCHW",
    in_place: bool = False,
    name: str | None = None,
    moving_mean_name: str | None = None,
    moving_variance_name: str | None = None,
    do_model_average_for_mean_and_var: bool = True,
    use_global_stats: bool = False,
) -> Any:
    """Return input normalised over all but the channel dimension, scaled and shifted (arXiv:1502.03167).

    Args:
        momentum: of the moving mean and variance, a float; a Variable is taken, and 0.9 used, as in 1.8.
        param_attr, bias_attr: of the scale and the shift, [C] each.
        in_place: put the result in input itself.
        moving_mean_name, moving_variance_name: of the statistics, which a layer of the same names shares.
        use_global_stats: normalise by the moving statistics in training too.
    """
    helper = LayerHelper("batch_norm", act=act, name=name)
    check_variable_and_dtype(input, "input", FLOATS16, "batch_norm")
    statistics = (moving_mean_name, moving_variance_name, do_model_average_for_mean_and_var)
    return _batch_norm(
        helper, input, param_attr, bias_attr, data_layout, statistics, is_test, momentum, epsilon, use_global_stats,
        out=input if in_place else None,
    )  # fmt: skip


def inplace_abn(
    input: Any,
    act: str | None = None,
    is_test: bool = False,
    momentum: Any = 0.9,
    epsilon: float = 1e-05,
    param_attr: Any = None,
    bias_attr: Any = None,
    data_layout: str = "NCHW",
    name: str | None = None,
    moving_mean_name: str | None = None,
    moving_variance_name: str | None = None,
    do_model_average_for_mean_and_var: bool = True,
    use_global_stats: bool = False,
    act_alpha: float = 1.0,
) -> Any:
    """Return what batch_norm and an activation make of input (arXiv:1712.02616); the arguments are batch_norm's.

    The operator that kept one tensor for both steps is gone from the core: this takes the memory of the two.

    Args:
        act: None, "identity", "leaky_relu" or "elu".
        act_alpha: the `alpha` of these.
    """
    assert act in (None, "identity", "leaky_relu", "elu"), (
        f"inplace_abn: act is None, 'identity', 'leaky_relu' or 'elu', not {act!r}"
    )
    helper = LayerHelper("inplace_abn", name=name)
    check_variable_and_dtype(input, "input", FLOATS, "inplace_abn")
    statistics = (moving_mean_name, moving_variance_name, do_model_average_for_mean_and_var)
    normalised = _batch_norm(
        helper, input, param_attr, bias_attr, data_layout, statistics, is_test, momentum, epsilon, use_global_stats
    )
    if act in (None, "identity"):
        return normalised
    out = helper.create_variable_for_type_inference(input.dtype)
    helper.append_op(type=act, inputs={"X": normalised}, outputs={"Out": out}, attrs={"alpha": act_alpha})
    return out


def _batch_norm(
    helper: Any,
    input: Any,
    param_attr: Any,
    bias_attr: Any,
    data_layout: str,
    statistics: tuple[str | None, str | None, bool],
    is_test: bool,
    momentum: Any,
    epsilon: float,
    use_global_stats: bool,
    out: Any = None,
) -> Any:
    assert bias_attr is not False, f"{helper.layer_type}: bias_attr is not False: the shift is always there"
    # Statistics and factors of half-precision input are kept in single precision.
    dtype = core.VarDesc.VarType.FP32 if input.dtype == core.VarDesc.VarType.FP16 else input.dtype
    scale, shift = _scale_and_shift(helper, dtype, _channels(input, data_layout), param_attr, bias_attr)
    mean_name, variance_name, do_model_average = statistics
    mean, variance = (
        helper.create_parameter(
            attr=ParamAttr(name=name, initializer=Constant(start), trainable=False, do_model_average=do_model_average),
            shape=scale.shape,
            dtype=dtype,
        )
        for name, start in ((mean_name, 0.0), (variance_name, 1.0))
    )
    mean.stop_gradient = variance.stop_gradient = True
    saved_mean, saved_variance = _unseen(helper, dtype), _unseen(helper, dtype)
    out = helper.create_variable_for_type_inference(dtype) if out is None else out
    helper.append_op(
        type="batch_norm",
        inputs={"X": input, "Scale": scale, "Bias": shift, "Mean": mean, "Variance": variance},
        outputs={
            "Y": out,
            "MeanOut": mean,
            "VarianceOut": variance,
            "SavedMean": saved_mean,
            "SavedVariance": saved_variance,
        },
        attrs={
            "epsilon": epsilon,
            "is_test": is_test,
            "data_layout": data_layout,
            "use_mkldnn": False,
            "fuse_with_relu": False,
            "use_global_stats": use_global_stats,
            # 1.8 misspelt the slot of a Variable, so that its operator never saw one.
            "momentum": None if isinstance(momentum, Variable) else momentum,
        },
    )
    return helper.append_activation(out)


def _channels(input: Any, data_layout: str) -> int:
    if data_layout not in ("NCHW", "NHWC"):
        raise ValueError(f"data_layout is 'NCHW' or 'NHWC', not {data_layout!r}")
    return input.shape[1 if data_layout == "NCHW" else -1]


def _scale_and_shift(helper: Any, dtype: Any, size: int, param_attr: Any, bias_attr: Any) -> tuple[Any, Any]:
    scale = helper.create_parameter(attr=param_attr, shape=[size], dtype=dtype, default_initializer=Constant(1.0))
    return scale, helper.create_parameter(attr=bias_attr, shape=[size], dtype=dtype, is_bias=True)


def _unseen(helper: Any, dtype: Any) -> Any:
    """Return a variable for what an operator keeps for its backward pass."""
    return helper.create_variable_for_type_inference(dtype=dtype, stop_gradient=True)


def instance_norm(
    input: Any, epsilon: float = 1e-05, param_attr: Any = None, bias_attr: Any = None, name: str | None = None
) -> Any:
    """Return each channel of each sample normalised, scaled and shifted (arXiv:1607.08022).

    Args:
        param_attr, bias_attr: of the scale and the shift, [C] each.
    """
    check_variable_and_dtype(input, "input", FLOATS, "instance_norm")
    assert bias_attr is not False, "instance_norm: bias_attr is not False: the shift is always there"
    helper = LayerHelper("instance_norm", name=name)
    dtype = input.dtype
    scale, shift = _scale_and_shift(helper, dtype, input.shape[1], param_attr, bias_attr)
    outputs = {"SavedMean": _unseen(helper, dtype), "SavedVariance": _unseen(helper, dtype)}
    out = helper.create_variable_for_type_inference(dtype)
    inputs = {"X": input, "Scale": scale, "Bias": shift}
    helper.append_op(type="instance_norm", inputs=inputs, outputs={"Y": out, **outputs}, attrs={"epsilon": epsilon})
    return out


def data_norm(
    input: Any,
    act: str | None = None,
    epsilon: float = 1e-05,
    param_attr: Any = None,
    data_layout: str = "NCHW",
    in_place: bool = False,
    name: str | None = None,
    moving_mean_name: str | None = None,
    moving_variance_name: str | None = None,
    do_model_average_for_mean_and_var: bool = True,
    slot_dim: int = -1,
    sync_stats: bool = False,
    summary_decay_rate: float = 0.9999999,
    enable_scale_and_shift: bool = False,
) -> Any:
    """Return input normalised by the sums over all batches so far, which are parameters.

    Args:
        param_attr: dict of what the parameters start with: batch_size, batch_sum, batch_square, scale_w, bias.
        name: the stem of the parameters' names; "dn" where None.
        slot_dim: size of the groups of columns that are seen or unseen together.
        summary_decay_rate: of the sums, a step.
        enable_scale_and_shift: learn a factor and a shift as well.
    """
    helper = LayerHelper("data_norm", act=act, name=name)
    channels, stem = _channels(input, data_layout), name or "dn"
    start = dict(param_attr) if isinstance(param_attr, dict) else {}

    def parameter(suffix: str, value: float) -> Any:
        attr = ParamAttr(name=f"{stem}.{suffix}", initializer=Constant(float(value)), trainable=True)
        return helper.create_parameter(attr=attr, shape=[channels], dtype=input.dtype)

    inputs = {"X": input}
    attrs = {"epsilon": epsilon, "sync_stats": sync_stats, "summary_decay_rate": summary_decay_rate}
    if slot_dim > 0:
        attrs["slot_dim"] = slot_dim
    if enable_scale_and_shift:
        attrs["enable_scale_and_shift"] = True
        inputs["scale_w"] = parameter("scale_w", start.get("scale_w", 1.0))
        inputs["bias"] = parameter("bias", start.get("bias", 0.0))
    sums = {
        "BatchSize": parameter("batch_size", start.get("batch_size", 1e4)),
        "BatchSum": parameter("batch_sum", start.get("batch_sum", 0.0)),
        "BatchSquareSum": parameter("batch_square_sum", start.get("batch_square", 1e4)),
    }
    means, scales = (helper.create_variable(dtype=input.dtype, stop_gradient=True) for _ in range(2))
    out = input if in_place else helper.create_variable(dtype=input.dtype)
    outputs = {"Y": out, "Means": means, "Scales": scales, **sums}
    helper.append_op(type="data_norm", inputs={**inputs, **sums}, outputs=outputs, attrs=attrs)
    return helper.append_activation(out)


def layer_norm(
    input: Any,
    scale: bool = True,
    shift: bool = True,
    begin_norm_axis: int = 1,
    epsilon: float = 1e-05,
    param_attr: Any = None,
    bias_attr: Any = None,
    act: str | None = None,
    name: str | None = None,
) -> Any:
    """Return each sample normalised over the dimensions from `begin_norm_axis` on (arXiv:1607.06450).

    Args:
        scale, shift: whether to scale and shift the result.
        param_attr, bias_attr: of the scale and the shift, one number for each element of a sample.
    """
    assert not in_dygraph_mode(), "layer_norm: in dygraph mode use dygraph.LayerNorm, which keeps the parameters"
    helper = LayerHelper("layer_norm", act=act, name=name)
    check_variable_and_dtype(input, "input", FLOATS, "layer_norm")
    inputs, shape = {"X": input}, [prod(input.shape[begin_norm_axis:])]
    if scale:
        assert param_attr is not False, "layer_norm: param_attr is not False where scale is True"
        inputs["Scale"] = helper.create_parameter(
            attr=param_attr, shape=shape, dtype=input.dtype, default_initializer=Constant(1.0)
        )
    elif param_attr:
        warnings.warn("layer_norm: param_attr has no effect where scale is False", stacklevel=2)
    if shift:
        assert bias_attr is not False, "layer_norm: bias_attr is not False where shift is True"
        inputs["Bias"] = helper.create_parameter(attr=bias_attr, shape=shape, dtype=input.dtype, is_bias=True)
    elif bias_attr:
        warnings.warn("layer_norm: bias_attr has no effect where shift is False", stacklevel=2)
    mean, variance = _unseen(helper, input.dtype), _unseen(helper, input.dtype)
    out = helper.create_variable_for_type_inference(input.dtype)
    helper.append_op(
        type="layer_norm",
        inputs=inputs,
        outputs={"Y": out, "Mean": mean, "Variance": variance},
        attrs={"epsilon": epsilon, "begin_norm_axis": begin_norm_axis},
    )
    return helper.append_activation(out)


def group_norm(
    input: Any,
    groups: int,
    epsilon: float = 1e-05,
    param_attr: Any = None,
    bias_attr: Any = None,
    act: str | None = None,
    data_layout: str = "NCHW",
    name: str | None = None,
) -> Any:
    """Return each group of channels of each sample normalised (arXiv:1803.08494).

    Args:
        groups: how many the channels are divided into.
        param_attr, bias_attr: of the scale and the shift, [C] each; without one where it is None or False.
    """
    helper = LayerHelper("group_norm", act=act, name=name)
    check_variable_and_dtype(input, "input", FLOATS, "group_norm")
    inputs, shape = {"X": input}, [_channels(input, data_layout)]
    if param_attr:
        inputs["Scale"] = helper.create_parameter(
            attr=param_attr, shape=shape, dtype=input.dtype, default_initializer=Constant(1.0)
        )
    if bias_attr:
        inputs["Bias"] = helper.create_parameter(attr=bias_attr, shape=shape, dtype=input.dtype, is_bias=True)
    mean, variance = (helper.create_variable(dtype=input.dtype, stop_gradient=True) for _ in range(2))
    out = helper.create_variable(dtype=input.dtype)
    helper.append_op(
        type="group_norm",
        inputs=inputs,
        outputs={"Y": out, "Mean": mean, "Variance": variance},
        attrs={"epsilon": epsilon, "groups": groups, "data_layout": data_layout},
    )
    return helper.append_activation(out)


def spectral_norm(weight: Any, dim: int = 0, power_iters: int = 1, eps: float = 1e-12, name: str | None = None) -> Any:
    """Return weight divided by its largest singular value, as a matrix of `dim` by the rest (arXiv:1802.05957).

    Args:
        power_iters: steps towards that value, a run.
    """
    helper = LayerHelper("spectral_norm", name=name)
    check_variable_and_dtype(weight, "weight", FLOATS, "spectral_norm")
    check_type(dim, "dim", int, "spectral_norm")
    check_type(power_iters, "power_iters", int, "spectral_norm")
    check_type(eps, "eps", float, "spectral_norm")
    height = weight.shape[dim]
    inputs = {"Weight": weight}
    for slot, size in (("U", height), ("V", prod(weight.shape) // height)):
        inputs[slot] = helper.create_parameter(
            attr=ParamAttr(), shape=[size], dtype=weight.dtype, default_initializer=Normal(0.0, 1.0)
        )
        inputs[slot].stop_gradient = True
    out = helper.create_variable(dtype=weight.dtype)
    attrs = {"dim": dim, "power_iters": power_iters, "eps": eps}
    helper.append_op(type="spectral_norm", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def l2_normalize(x: Any, axis: int | None, epsilon: float = 1e-12, name: str | None = None) -> Any:
    """Return x divided by its L2 norm along `axis`, which is at least sqrt(epsilon); along 1 where None, a vector along 0."""
    check_variable_and_dtype(x, "X", FLOATS, "norm")
    if len(x.shape) == 1:
        axis = 0
    return _norm(x, 1 if axis is None else axis, epsilon, name)


@operator("norm", outputs={"Out": None, "Norm": None}, intermediate=("Norm",), layer="l2_normalize")
def _norm(x, axis, epsilon, name=None):
    """The operator of l2_normalize."""


def _four_dimensions(given: dict[str, Any]) -> None:
    if len(given["input"].shape) != 4:
        raise ValueError(f"lrn: input has 4 dimensions, not shape {given['input'].shape}")
    if given["data_format"] not in ("NCHW", "NHWC"):
        raise ValueError(f"lrn: data_format is 'NCHW' or 'NHWC', not {given['data_format']!r}")


@operator(
    "lrn",
    outputs={"MidOut": None, "Out": None},
    intermediate=("MidOut",),
    stop_gradient=("MidOut",),
    dtypes=("float32",),
    prepare=_four_dimensions,
)
def lrn(input, n=5, k=1.0, alpha=0.0001, beta=0.75, name=None, data_format="NCHW"):
    """Return input / (k + alpha * sum of squares over `n` neighbouring channels) ** beta."""


@operator(
    "affine_channel",
    inputs={"X": "x", "Scale": "scale", "Bias": "bias"},
    dtypes={"x": FLOATS},
    types={"scale": (Variable, type(None)), "bias": (Variable, type(None))},
)
def affine_channel(x, scale=None, bias=None, data_layout="NCHW", name=None, act=None):
    """Return scale * x + bias, channel by channel."""
