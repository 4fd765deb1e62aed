"""Layers over sequences with lengths, which are there in static programs only."""

from __future__ import annotations

from typing import Any

from ...framework import in_dygraph_mode
from .operator_layer import OperatorLayer

__all__: list[str] = []  # as in fluid, where they were found in nn by name


class SequenceConv(OperatorLayer):
    """Convolve over neighbouring steps of each sequence."""

    def __init__(
        self,
        name_scope: str,
        num_filters: int,
        filter_size: int = 3,
        filter_stride: int = 1,
        padding: Any = None,
        bias_attr: Any = None,
        param_attr: Any = None,
        act: str | None = None,
    ) -> None:
        assert not in_dygraph_mode(), "SequenceConv needs lengths, which Variables have in a Program only"
        super().__init__(name_scope)
        self._num_filters, self._filter_size, self._filter_stride = num_filters, filter_size, filter_stride
        self._padding, self._bias_attr, self._param_attr, self._act = padding, bias_attr, param_attr, act

    def _build_once(self, input: Any) -> None:
        self._dtype = self._helper.input_dtype(input)
        shape = [self._filter_size * input.shape[1], self._num_filters]
        self.weight = self.create_parameter(shape, self._param_attr, self._dtype)
        self.bias = self.create_parameter([self._num_filters], self._bias_attr, self._dtype, is_bias=True)

    def forward(self, input: Any) -> Any:
        attrs = {
            "contextStride": self._filter_stride,
            "contextStart": -int(self._filter_size // 2),
            "contextLength": self._filter_size,
        }
        out = self._append("sequence_conv", {"X": input, "Filter": self.weight}, attrs)
        return self._finish(out, 1, self.bias, self._act)


class RowConv(OperatorLayer):
    """Convolve each step with those that come after it."""

    def __init__(
        self, name_scope: str, future_context_size: int, param_attr: Any = None, act: str | None = None
    ) -> None:
        assert not in_dygraph_mode(), "RowConv needs lengths, which Variables have in a Program only"
        super().__init__(name_scope)
        self._act, self._param_attr, self._future_context_size = act, param_attr, future_context_size

    def _build_once(self, input: Any) -> None:
        self._dtype = self._helper.input_dtype(input)
        shape = [self._future_context_size + 1, input.shape[1]]
        self.weight = self.create_parameter(shape, self._param_attr, self._dtype)

    def forward(self, input: Any) -> Any:
        out = self._append("row_conv", {"X": input, "Filter": self.weight})
        return self._helper.append_activation(out, act=self._act)
