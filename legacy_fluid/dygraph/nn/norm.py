"""Normalisation: over the batch, over an instance, over groups of channels, over features, of a weight."""

from __future__ import annotations

import logging
import math
from numbers import Integral
from typing import Any

from ...data_feeder import check_variable_and_dtype
from ...framework import in_dygraph_mode
from ...initializer import Constant, Normal
from ...param_attr import ParamAttr
from . import signatures_of_1_5 as old
from .operator_layer import OperatorLayer, as_in_1_5

__all__ = ["BatchNorm", "GroupNorm", "InstanceNorm", "LayerNorm", "SpectralNorm"]

_log = logging.getLogger(__name__)


@as_in_1_5(old.batch_norm)
class BatchNorm(OperatorLayer):
    """Normalise each channel over the batch, then scale and shift it.

    Args:
        momentum: of the moving averages, which inference uses.
        param_attr, bias_attr: of scale and shift.
        data_layout: "NCHW" or "NHWC".
        moving_mean_name, moving_variance_name: of the parameters that keep the averages.
        use_global_stats: normalise by the averages in training too.
        trainable_statistics: normalise by the batch in inference too.
    """

    def __init__(
        self,
        num_channels: int,
        act: str | None = None,
        is_test: bool = False,
        momentum: float = 0.9,
        epsilon: float = 1e-05,
        param_attr: Any = None,
        bias_attr: Any = None,
        dtype: str = "float32",
        data_layout: str = "NCHW",
        in_place: bool = False,
        moving_mean_name: str | None = None,
        moving_variance_name: str | None = None,
        do_model_average_for_mean_and_var: bool = True,
        use_global_stats: bool = False,
        trainable_statistics: bool = False,
    ) -> None:
        super().__init__()
        assert bias_attr is not False, "BatchNorm needs its shift: bias_attr is not False"
        self._dtype = "float32" if dtype == "float16" else dtype
        self._param_attr, self._bias_attr, self._act = param_attr, bias_attr, act
        shape = [num_channels]
        is_frozen = use_global_stats and param_attr.learning_rate == 0.0
        self.weight = self.create_parameter(shape, param_attr, self._dtype, default_initializer=Constant(1.0))
        self.bias = self.create_parameter(shape, bias_attr, self._dtype, is_bias=True)
        self.weight.stop_gradient = self.bias.stop_gradient = is_frozen
        averages = []
        for name, start in ((moving_mean_name, 0.0), (moving_variance_name, 1.0)):
            attr = ParamAttr(name, Constant(start), trainable=False, do_model_average=do_model_average_for_mean_and_var)
            averages.append(self.create_parameter(shape, attr, self._dtype))
            averages[-1].stop_gradient = True
        self._mean, self._variance = averages
        self._in_place = in_place
        self._data_layout = data_layout
        self._momentum = momentum
        self._epsilon = epsilon
        self._is_test = is_test
        self._fuse_with_relu = False
        self._use_global_stats = use_global_stats
        self._trainable_statistics = trainable_statistics

    def forward(self, input: Any) -> Any:
        is_test = not self.training if in_dygraph_mode() else self._is_test
        attrs = {
            "momentum": self._momentum,
            "epsilon": self._epsilon,
            "is_test": is_test,
            "data_layout": self._data_layout,
            "use_mkldnn": False,
            "fuse_with_relu": self._fuse_with_relu,
            "use_global_stats": self._use_global_stats,
            "trainable_statistics": self._trainable_statistics,
        }
        check_variable_and_dtype(input, "input", ["float16", "float32", "float64"], "BatchNorm")
        inputs = {
            "X": input,
            "Scale": self.weight,
            "Bias": self.bias,
            "Mean": self._mean,
            "Variance": self._variance,
        }
        outputs = {
            "Y": input if self._in_place and not in_dygraph_mode() else None,
            "MeanOut": self._mean,
            "VarianceOut": self._variance,
            "SavedMean": self._dtype,
            "SavedVariance": self._dtype,
        }
        return self._finish(self._append("batch_norm", inputs, attrs, **outputs), 1, act=self._act)


class InstanceNorm(OperatorLayer):
    """Normalise each channel of each sample of [N, C, ...], then scale and shift it."""

    def __init__(
        self,
        num_channels: int,
        epsilon: float = 1e-05,
        param_attr: Any = None,
        bias_attr: Any = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        assert bias_attr is not False, "InstanceNorm needs its shift: bias_attr is not False"
        self._epsilon, self._dtype = epsilon, dtype
        self._param_attr, self._bias_attr = param_attr, bias_attr
        self.scale = self.create_parameter([num_channels], param_attr, dtype, False, Constant(1.0))
        self.bias = self.create_parameter([num_channels], bias_attr, dtype, True, Constant(0.0))

    def forward(self, input: Any) -> Any:
        check_variable_and_dtype(input, "input", ["float32", "float64"], "InstanceNorm")
        inputs = {"X": input, "Scale": self.scale, "Bias": self.bias}
        outputs = {"Y": None, "SavedMean": self._dtype, "SavedVariance": self._dtype}
        return self._append("instance_norm", inputs, {"epsilon": self._epsilon}, **outputs)


def _normalise_from_axis(given: dict[str, Any], inputs: tuple[Any, ...]) -> None:
    given["normalized_shape"] = inputs[0].shape[given["begin_norm_axis"] :]


@as_in_1_5(old.layer_norm)
class LayerNorm(OperatorLayer):
    """Normalise over the last dimensions, then scale and shift each of their elements.

    Args:
        normalized_shape: the sizes of those dimensions.
        scale, shift: whether to do so.
        param_attr, bias_attr: of scale and shift.

    Raises (when called):
        ValueError: the input ends in other sizes.
    """

    def __init__(
        self,
        normalized_shape: Any,
        scale: bool = True,
        shift: bool = True,
        epsilon: float = 1e-05,
        param_attr: Any = None,
        bias_attr: Any = None,
        act: str | None = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        sizes = [normalized_shape] if isinstance(normalized_shape, Integral) else list(normalized_shape)
        self._normalized_shape = sizes
        self._scale, self._shift, self._epsilon = scale, shift, epsilon
        self._param_attr, self._bias_attr, self._act, self._dtype = param_attr, bias_attr, act, dtype
        for name, is_there, attr in (("param_attr", scale, param_attr), ("bias_attr", shift, bias_attr)):
            if attr and not is_there:
                _log.warning("%s has no effect: the layer does not %s", name, "scale" if name[0] == "p" else "shift")
        assert not shift or bias_attr is not False, "LayerNorm that shifts needs a bias_attr other than False"
        shape = [math.prod(sizes)]
        self.weight = self.create_parameter(shape, param_attr, dtype, False, Constant(1.0)) if scale else None
        self.bias = self.create_parameter(shape, bias_attr, dtype, is_bias=True) if shift else None

    def forward(self, input: Any) -> Any:
        sizes, axis = self._normalized_shape, len(input.shape) - len(self._normalized_shape)
        if axis < 0 or list(input.shape[axis:]) != sizes:
            raise ValueError(f"LayerNorm over {sizes} got an input of shape {list(input.shape)}")
        self._begin_norm_axis = axis
        check_variable_and_dtype(input, "input", ["float32", "float64"], "LayerNorm")
        attrs = {"epsilon": self._epsilon, "begin_norm_axis": axis}
        inputs = {"X": input, "Scale": self.weight, "Bias": self.bias}
        outputs = {"Y": None, "Mean": self._dtype, "Variance": self._dtype}
        return self._finish(self._append("layer_norm", inputs, attrs, **outputs), axis, act=self._act)


def _count_channels(given: dict[str, Any], inputs: tuple[Any, ...]) -> None:
    given["channels"] = inputs[0].shape[1]


@as_in_1_5(old.group_norm)
class GroupNorm(OperatorLayer):
    """Normalise each group of channels of each sample of [N, C, H, W], then scale and shift each channel.

    As in 1.8, it scales and shifts only where `param_attr` and `bias_attr` are given.
    """

    def __init__(
        self,
        channels: int,
        groups: int,
        epsilon: float = 1e-05,
        param_attr: Any = None,
        bias_attr: Any = None,
        act: str | None = None,
        data_layout: str = "NCHW",
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        if data_layout != "NCHW":
            raise ValueError(f"data_layout is 'NCHW', not {data_layout!r}")
        self._param_attr, self._bias_attr = param_attr, bias_attr
        self._epsilon, self._channels, self._groups, self._act, self._dtype = epsilon, channels, groups, act, dtype
        self.weight = self.create_parameter([channels], param_attr or False, dtype, False, Constant(1.0))
        self.bias = self.create_parameter([channels], bias_attr or False, dtype, is_bias=True)

    def forward(self, input: Any) -> Any:
        inputs = {"X": input, "Bias": self.bias, "Scale": self.weight}
        attrs = {"epsilon": self._epsilon, "groups": self._groups}
        outputs = {"Y": None, "Mean": self._dtype, "Variance": self._dtype}
        return self._finish(self._append("group_norm", inputs, attrs, **outputs), 1, act=self._act)


def _take_weight_shape(given: dict[str, Any], inputs: tuple[Any, ...]) -> None:
    given["weight_shape"] = inputs[0].shape


@as_in_1_5(old.spectral_norm)
class SpectralNorm(OperatorLayer):
    """Divide a weight by its largest singular value, estimated by `power_iters` steps of the power method.

    Args:
        weight_shape: of the weight that the layer is called on.
        dim: the dimension whose slices are the rows of the matrix.
    """

    def __init__(
        self, weight_shape: Any, dim: int = 0, power_iters: int = 1, eps: float = 1e-12, dtype: str = "float32"
    ) -> None:
        super().__init__()
        self._power_iters, self._eps, self._dim, self._dtype = power_iters, eps, dim, dtype
        self._weight_shape = list(weight_shape)
        rows = self._weight_shape[dim]
        vectors = []
        for size in (rows, math.prod(self._weight_shape) // rows):
            vectors.append(self.create_parameter([size], ParamAttr(), dtype, False, Normal(0.0, 1.0)))
            vectors[-1].stop_gradient = True
        self.weight_u, self.weight_v = vectors

    def forward(self, weight: Any) -> Any:
        check_variable_and_dtype(weight, "weight", ["float32", "float64"], "SpectralNorm")
        inputs = {"Weight": weight, "U": self.weight_u, "V": self.weight_v}
        attrs = {"dim": self._dim, "power_iters": self._power_iters, "eps": self._eps}
        return self._append("spectral_norm", inputs, attrs)
