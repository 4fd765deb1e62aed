"""A step of a recurrence."""

from __future__ import annotations

from typing import Any

from ... import layers
from ...data_feeder import check_variable_and_dtype
from ...framework import in_dygraph_mode
from . import signatures_of_1_5 as old
from .operator_layer import OperatorLayer, as_in_1_5

__all__ = ["GRUUnit"]

_ACTIVATIONS = {"identity": 0, "sigmoid": 1, "tanh": 2, "relu": 3}


@as_in_1_5(old.gru_unit)
class GRUUnit(OperatorLayer):
    """One step of a gated recurrent unit: returns the new hidden state, the reset one, and the gates.

    Args:
        size: three times that of the hidden state.
        origin_mode: accepted, and without effect as in 1.8.
    """

    def __init__(
        self,
        size: int,
        param_attr: Any = None,
        bias_attr: Any = None,
        activation: str = "tanh",
        gate_activation: str = "sigmoid",
        origin_mode: bool = False,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        self._bias_attr, self._dtype = bias_attr, dtype
        self.activation, self.gate_activation = _ACTIVATIONS[activation], _ACTIVATIONS[gate_activation]
        size = size // 3
        self.weight = self.create_parameter([size, 3 * size], param_attr, dtype)
        self.bias = self.create_parameter([1, 3 * size], bias_attr, dtype, is_bias=True)

    def forward(self, input: Any, hidden: Any) -> tuple[Any, Any, Any]:
        for name, value in (("input", input), ("hidden", hidden)):
            check_variable_and_dtype(value, name, ["float32", "float64"], "GRUUnit")
        bias = self.bias
        if bias is None and in_dygraph_mode():
            bias = layers.fill_constant([1, self.weight.shape[1]], self._dtype, 0.0)  # the core crashes without one
        inputs = {"Input": input, "HiddenPrev": hidden, "Weight": self.weight, "Bias": bias}
        attrs = {"activation": self.activation, "gate_activation": self.gate_activation}
        gate, reset, updated = (self._helper.create_variable_for_type_inference(self._dtype) for _ in range(3))
        self._append("gru_unit", inputs, attrs, Gate=gate, ResetHiddenPrev=reset, Hidden=updated)
        return updated, reset, gate
