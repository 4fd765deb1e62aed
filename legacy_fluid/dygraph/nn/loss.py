"""Losses as layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import layers
from ...data_feeder import check_type, check_variable_and_dtype
from ...framework import Variable, in_dygraph_mode
from ...initializer import NumpyArrayInitializer
from ...layers.loss.sampled import alias_table
from ...param_attr import ParamAttr
from . import signatures_of_1_5 as old
from .operator_layer import OperatorLayer, as_in_1_5

__all__ = ["NCE", "BCELoss", "L1Loss", "MSELoss", "NLLLoss"]

_REDUCTIONS = ("sum", "mean", "none")


def _checked(reduction: str, layer: str) -> str:
    if reduction not in _REDUCTIONS:
        raise ValueError(f"{layer}: reduction is 'sum', 'mean' or 'none', not {reduction!r}")
    return reduction


def _reduced(value: Any, reduction: str) -> Any:
    if reduction == "none":
        return value
    return layers.reduce_sum(value) if reduction == "sum" else layers.reduce_mean(value)


class MSELoss(OperatorLayer):
    """(input - label)^2, summed, averaged or neither."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = _checked(reduction, "MSELoss")

    def forward(self, input: Any, label: Any) -> Any:
        if not in_dygraph_mode():
            check_variable_and_dtype(input, "input", ["float32"], "MSELoss")
            check_variable_and_dtype(label, "label", ["float32"], "MSELoss")
        return _reduced(layers.square(layers.elementwise_sub(input, label)), self.reduction)


class L1Loss(OperatorLayer):
    """|input - label|, summed, averaged or neither."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = _checked(reduction, "L1Loss")

    def forward(self, input: Any, label: Any) -> Any:
        numbers = ["float32", "float64", "int32", "int64"]
        check_variable_and_dtype(input, "input", numbers, "l1_loss")
        check_variable_and_dtype(label, "label", numbers, "l1_loss")
        return _reduced(layers.elementwise_sub(input, label, act="abs"), self.reduction)


class BCELoss(OperatorLayer):
    """-(label log(input) + (1 - label) log(1 - input)), summed, averaged or neither.

    Args:
        weight: Variable, a factor on each element.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = _checked(reduction, "BCELoss")
        self.weight = weight

    def forward(self, input: Any, label: Any) -> Any:
        check_variable_and_dtype(input, "input", ["float32", "float64"], "bce_loss")
        check_variable_and_dtype(label, "label", ["float32", "float64"], "bce_loss")
        loss = self._append("bce_loss", {"X": input, "Label": label})
        if self.weight is not None:
            if not isinstance(self.weight, Variable):
                raise ValueError(f"weight is a Variable, not {self.weight!r}")
            loss = layers.elementwise_mul(loss, self.weight, axis=-1)
        return _reduced(loss, self.reduction)


class NLLLoss(OperatorLayer):
    """-input[label]: the negative log likelihood, where the input [N, C] or [N, C, ...] holds logarithms.

    Args:
        weight: Variable [C], a factor on each class; "mean" divides by the sum of those that occurred.
        ignore_index: a label that does not count.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean", ignore_index: int = -100) -> None:
        super().__init__()
        self.weight = weight
        self.reduction = reduction
        self.ignore_index = ignore_index

    def forward(self, input: Any, label: Any) -> Any:
        check_variable_and_dtype(input, "input", ["float32", "float64"], "nll_loss")
        check_variable_and_dtype(label, "label", ["int64"], "nll_loss")
        _checked(self.reduction, "NLLLoss")
        shape = list(input.shape)
        if len(shape) < 2:
            raise ValueError(f"NLLLoss takes an input of 2 dimensions or more, not of shape {shape}")
        is_folded = len(shape) not in (2, 4)
        if is_folded:
            input = layers.reshape(input, shape=[shape[0], shape[1], 1, -1])
            label = layers.reshape(label, shape=[shape[0], 1, -1])
        inputs = {"X": input, "Label": label, "Weight": self.weight if isinstance(self.weight, Variable) else None}
        attrs = {"reduction": self.reduction, "ignore_index": self.ignore_index}
        loss = self._append("nll_loss", inputs, attrs, Out=None, Total_weight=None)
        if is_folded and self.reduction == "none":
            loss = layers.reshape(loss, shape=[shape[0], *shape[2:]])
        return loss


_SAMPLERS = {"uniform": 0, "log_uniform": 1, "custom_dist": 2}


def _count_features(given: dict[str, Any], inputs: tuple[Any, ...]) -> None:
    given["dim"] = inputs[0].shape[1]


@as_in_1_5(old.nce, _count_features)
class NCE(OperatorLayer):
    """Noise-contrastive estimation: the loss of each sample [N, 1] over a few drawn classes; as fluid.layers.nce.

    Args:
        dim: number of features.
        sample_weight: of the samples; the one given to the call counts.
        bias_attr: there are biases only where it is given.
    """

    def __init__(
        self,
        num_total_classes: int,
        dim: int,
        sample_weight: Any = None,
        param_attr: Any = None,
        bias_attr: Any = None,
        num_neg_samples: int | None = None,
        sampler: str = "uniform",
        custom_dist: Any = None,
        seed: int = 0,
        is_sparse: bool = False,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        self._param_attr, self._bias_attr, self._dtype = param_attr, bias_attr, dtype
        self._num_total_classes = num_total_classes
        if sampler not in _SAMPLERS:
            raise Exception(f"NCE: sampler is one of {', '.join(_SAMPLERS)}, not {sampler!r}")
        self._inputs = self._distribution(custom_dist) if sampler == "custom_dist" else {}
        self._num_neg_samples = 10 if num_neg_samples is None else int(num_neg_samples)
        self._attrs = {
            "num_total_classes": int(num_total_classes),
            "num_neg_samples": self._num_neg_samples,
            "seed": seed,
            "sampler": _SAMPLERS[sampler],
            "is_sparse": is_sparse,
            "remote_prefetch": is_sparse,
        }
        self.weight = self.create_parameter([num_total_classes, dim], param_attr, dtype)
        if bias_attr:
            self.bias = self.create_parameter([num_total_classes, 1], bias_attr, dtype, is_bias=True)

    def _distribution(self, probabilities: Any) -> dict[str, Any]:
        assert probabilities is not None, "NCE: sampler 'custom_dist' needs custom_dist, the probability of each class"
        keep, alias = alias_table(list(probabilities))
        tables = {"Probs": (probabilities, "float32"), "Alias": (alias, "int32"), "AliasProbs": (keep, "float32")}
        inputs = {}
        for name, (values, dtype) in tables.items():
            table = np.array(values, dtype)
            parameter = self.create_parameter(
                table.shape, ParamAttr(), table.dtype, default_initializer=NumpyArrayInitializer(table)
            )
            parameter.stop_gradient = True
            inputs[f"CustomDist{name}"] = parameter
        return inputs

    def forward(self, input: Any, label: Any, sample_weight: Any = None) -> Any:
        check_variable_and_dtype(input, "input", ["float32", "float64"], "NCE")
        check_variable_and_dtype(label, "label", ["int64"], "NCE")
        check_type(sample_weight, "sample_weight", (Variable, type(None)), "NCE")
        inputs = {"Input": input, "Label": label, "Weight": self.weight, "SampleWeight": sample_weight}
        inputs |= {"Bias": self.bias if self._bias_attr else None, **self._inputs}
        outputs = {"Cost": input.dtype, "SampleLogits": input.dtype, "SampleLabels": label.dtype}
        return self._append("nce", inputs, self._attrs, **outputs) / (self._num_neg_samples + 1)
