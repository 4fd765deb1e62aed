"""Normalisation."""

from __future__ import annotations

from typing import Any

from ... import core
from ...initializer import Constant
from ...layer_helper import LayerHelper
from ...param_attr import ParamAttr

__all__ = ["batch_norm"]


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
    """Return input normalised over all but the channel dimension, scaled and shifted (Ioffe, arXiv:1502.03167).

    Args:
        momentum: of the moving mean and variance; a float or a Variable.
        param_attr, bias_attr: of the scale and the shift, [C] each.
        use_global_stats: normalise by the moving statistics in training too.
    """
    helper = LayerHelper("batch_norm", act=act, name=name)
    channels = input.shape[-1 if data_layout == "NHWC" and len(input.shape) > 2 else 1]
    # Statistics and factors of half-precision input are kept in single precision.
    dtype = core.VarDesc.VarType.FP32 if input.dtype == core.VarDesc.VarType.FP16 else input.dtype
    scale = helper.create_parameter(attr=param_attr, shape=[channels], dtype=dtype, default_initializer=Constant(1.0))
    shift = helper.create_parameter(attr=bias_attr, shape=[channels], dtype=dtype, is_bias=True)
    mean, variance = (
        helper.create_parameter(
            attr=ParamAttr(
                name=moving_name,
                initializer=Constant(start),
                trainable=False,
                do_model_average=do_model_average_for_mean_and_var,
            ),
            shape=[channels],
            dtype=dtype,
        )
        for moving_name, start in ((moving_mean_name, 0.0), (moving_variance_name, 1.0))
    )
    mean.stop_gradient = variance.stop_gradient = True

    saved_mean = helper.create_variable_for_type_inference(dtype=dtype, stop_gradient=True)
    saved_variance = helper.create_variable_for_type_inference(dtype=dtype, stop_gradient=True)
    out = input if in_place else helper.create_variable_for_type_inference(dtype)
    inputs = {"X": input, "Scale": scale, "Bias": shift, "Mean": mean, "Variance": variance}
    attrs = {
        "epsilon": epsilon,
        "is_test": is_test,
        "data_layout": data_layout,
        "use_mkldnn": False,
        "fuse_with_relu": False,
        "use_global_stats": use_global_stats,
    }
    if isinstance(momentum, int | float):
        attrs["momentum"] = momentum
    else:
        inputs["MomentumTensor"] = momentum
    helper.append_op(
        type="batch_norm",
        inputs=inputs,
        outputs={
            "Y": out,
            "MeanOut": mean,
            "VarianceOut": variance,
            "SavedMean": saved_mean,
            "SavedVariance": saved_variance,
        },
        attrs=attrs,
    )
    return helper.append_activation(out)
