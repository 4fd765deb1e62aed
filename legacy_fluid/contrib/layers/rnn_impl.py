"""`fluid.contrib.layers.rnn_impl`: GRU and LSTM built of plain operators, stacked and both ways."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ... import layers, unique_name
from ...dygraph import Layer
from ...dygraph.layer_object_helper import LayerObjectHelper

__all__ = ["BasicGRUUnit", "BasicLSTMUnit", "basic_gru", "basic_lstm"]


class _Unit(Layer):
    """A step of a recurrence, whose parameters are made when its input is known."""

    def __init__(
        self,
        name_scope: str,
        hidden_size: int,
        param_attr: Any,
        bias_attr: Any,
        gate_activation: Any,
        activation: Any,
        dtype: str,
    ) -> None:
        super().__init__(name_scope, dtype)
        self._full_name = unique_name.generate(f"{name_scope}/{self.__class__.__name__}")
        self._helper = LayerObjectHelper(self._full_name)
        self._name = name_scope
        self._hiden_size = hidden_size
        self._param_attr = param_attr
        self._bias_attr = bias_attr
        self._gate_activation = gate_activation or layers.sigmoid
        self._activation = activation or layers.tanh
        self._dtype = dtype


def _named_after(attr: Any, suffix: str) -> Any:
    """Return a copy of a ParamAttr with `suffix` at its name's end; an attribute without a name as it is."""
    if attr is None or getattr(attr, "name", None) is None:
        return attr
    named = copy.deepcopy(attr)
    named.name += suffix
    return named


class BasicGRUUnit(_Unit):
    """A step of a GRU (Chung et al., arXiv:1412.3555): from input [N, M] and hidden state [N, D] to the next one.

    Args:
        name_scope: of the parameters.
        hidden_size: D.
        param_attr, bias_attr: of the gates' and the candidate's weights and biases.
        gate_activation, activation: sigmoid and tanh where None.
    """

    def __init__(
        self,
        name_scope: str,
        hidden_size: int,
        param_attr: Any = None,
        bias_attr: Any = None,
        gate_activation: Any = None,
        activation: Any = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__(name_scope, hidden_size, param_attr, bias_attr, gate_activation, activation, dtype)

    def _build_once(self, input: Any, pre_hidden: Any) -> None:
        size = self._hiden_size
        width = input.shape[-1] + size
        make = self.create_parameter
        self._gate_weight = make(
            attr=_named_after(self._param_attr, "_gate"), shape=[width, 2 * size], dtype=self._dtype
        )
        self._candidate_weight = make(
            attr=_named_after(self._param_attr, "_candidate"), shape=[width, size], dtype=self._dtype
        )
        self._gate_bias = make(
            attr=_named_after(self._bias_attr, "_gate"), shape=[2 * size], dtype=self._dtype, is_bias=True
        )
        self._candidate_bias = make(
            attr=_named_after(self._bias_attr, "_candidate"), shape=[size], dtype=self._dtype, is_bias=True
        )

    def forward(self, input: Any, pre_hidden: Any) -> Any:
        gates = layers.matmul(x=layers.concat([input, pre_hidden], 1), y=self._gate_weight)
        gates = self._gate_activation(layers.elementwise_add(gates, self._gate_bias))
        reset, update = layers.split(gates, num_or_sections=2, dim=1)
        candidate = layers.matmul(layers.concat([input, reset * pre_hidden], 1), self._candidate_weight)
        candidate = self._activation(layers.elementwise_add(candidate, self._candidate_bias))
        return update * pre_hidden + (1 - update) * candidate


class BasicLSTMUnit(_Unit):
    """A step of an LSTM: from input [N, M], hidden state and cell [N, D] to the next ones (Zaremba, arXiv:1409.2329).

    Args:
        name_scope: of the parameters.
        hidden_size: D.
        param_attr, bias_attr: of the weight and the bias of all gates.
        gate_activation, activation: kept for the signature; the step computes with sigmoid and tanh.
        forget_bias: added to the forget gate before its sigmoid.
    """

    def __init__(
        self,
        name_scope: str,
        hidden_size: int,
        param_attr: Any = None,
        bias_attr: Any = None,
        gate_activation: Any = None,
        activation: Any = None,
        forget_bias: float = 1.0,
        dtype: str = "float32",
    ) -> None:
        super().__init__(name_scope, hidden_size, param_attr, bias_attr, gate_activation, activation, dtype)
        self._forget_bias = layers.fill_constant([1], dtype=dtype, value=forget_bias)
        self._forget_bias.stop_gradient = False

    def _build_once(self, input: Any, pre_hidden: Any, pre_cell: Any) -> None:
        outputs = 4 * self._hiden_size
        width = input.shape[-1] + self._hiden_size
        self._weight = self.create_parameter(attr=self._param_attr, shape=[width, outputs], dtype=self._dtype)
        self._bias = self.create_parameter(attr=self._bias_attr, shape=[outputs], dtype=self._dtype, is_bias=True)

    def forward(self, input: Any, pre_hidden: Any, pre_cell: Any) -> tuple[Any, Any]:
        gates = layers.matmul(x=layers.concat([input, pre_hidden], 1), y=self._weight)
        i, j, f, o = layers.split(layers.elementwise_add(gates, self._bias), num_or_sections=4, dim=-1)
        forget = layers.sigmoid(layers.elementwise_add(f, self._forget_bias))
        cell = layers.elementwise_add(
            layers.elementwise_mul(pre_cell, forget),
            layers.elementwise_mul(layers.sigmoid(i), layers.tanh(j)),
        )
        return layers.tanh(cell) * layers.sigmoid(o), cell


def basic_gru(
    input: Any,
    init_hidden: Any,
    hidden_size: int,
    num_layers: int = 1,
    sequence_length: Any = None,
    dropout_prob: float = 0.0,
    bidirectional: bool = False,
    batch_first: bool = True,
    param_attr: Any = None,
    bias_attr: Any = None,
    gate_activation: Any = None,
    activation: Any = None,
    dtype: str = "float32",
    name: str = "basic_gru",
) -> tuple[Any, Any]:
    """Return the outputs and the last hidden states of stacked GRUs.

    Args:
        input: [N, T, M], or [T, N, M] where not `batch_first`; the outputs are laid out the same, [..., D] or [..., 2 D].
        init_hidden: [L, N, D], with L the layers, twice that where both ways; zero where None.
        sequence_length: int Variable [N]; a hidden state stays as it is from there on.
        dropout_prob: between layers.
        bidirectional: run both ways.
    """

    def unit(unit_name: str, weight: Any, bias: Any) -> Any:
        return BasicGRUUnit(unit_name, hidden_size, weight, bias, gate_activation, activation, dtype)

    dropout = {"dropout_prob": dropout_prob} if dropout_prob else None
    stack = _Stack(unit, ["hidden"], hidden_size, num_layers, bidirectional, dropout, ref_batch_dim_idx=1)
    out, (last,) = stack.run(input, [init_hidden], sequence_length, batch_first, name, param_attr, bias_attr)
    return out, last


def basic_lstm(
    input: Any,
    init_hidden: Any,
    init_cell: Any,
    hidden_size: int,
    num_layers: int = 1,
    sequence_length: Any = None,
    dropout_prob: float = 0.0,
    bidirectional: bool = False,
    batch_first: bool = True,
    param_attr: Any = None,
    bias_attr: Any = None,
    gate_activation: Any = None,
    activation: Any = None,
    forget_bias: float = 1.0,
    dtype: str = "float32",
    name: str = "basic_lstm",
) -> tuple[Any, Any, Any]:
    """Return the outputs, the last hidden states and the last cells of stacked LSTMs; see basic_gru."""

    def unit(unit_name: str, weight: Any, bias: Any) -> Any:
        return BasicLSTMUnit(
            unit_name,
            hidden_size,
            param_attr=weight,
            bias_attr=bias,
            gate_activation=gate_activation,
            activation=activation,
            forget_bias=forget_bias,
            dtype=dtype,
        )

    dropout = {"dropout_prob": dropout_prob, "dropout_implementation": "upscale_in_train"} if dropout_prob else None
    stack = _Stack(unit, ["hidden", "cell"], hidden_size, num_layers, bidirectional, dropout)
    out, (last_hidden, last_cell) = stack.run(
        input, [init_hidden, init_cell], sequence_length, batch_first, name, param_attr, bias_attr
    )
    return out, last_hidden, last_cell


class _Stack:
    """Layers of a recurrence, one or both ways.

    Args:
        make_unit: makes a layer's step from a name, a weight attribute and a bias attribute.
        states: what a step carries on; the first is its output too.
        dropout: arguments of the dropout between layers, None for none.
        memory: further arguments of the memories.
    """

    def __init__(
        self,
        make_unit: Callable[[str, Any, Any], Any],
        states: list[str],
        hidden_size: int,
        num_layers: int,
        bidirectional: bool,
        dropout: dict[str, Any] | None,
        **memory: Any,
    ) -> None:
        self.make_unit = make_unit
        self.count = len(states)
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.ways = 2 if bidirectional else 1
        self.dropout = dropout
        self.memory = memory

    def run(
        self,
        input: Any,
        first: list[Any],
        sequence_length: Any,
        batch_first: bool,
        name: str,
        param_attr: Any,
        bias_attr: Any,
    ) -> tuple[Any, list[Any]]:
        """Return the outputs and the last states, [L, N, D] each."""
        units = [
            [
                self.make_unit(
                    f"{name}{prefix}_layers_{i}",
                    _named_after(param_attr, f"_{way}_w_{i}"),
                    _named_after(bias_attr, f"_{way}_b_{i}"),
                )
                for i in range(self.num_layers)
            ]
            for way, prefix in (("fw", ""), ("bw", "_reverse"))[: self.ways]
        ]
        if batch_first:
            input = layers.transpose(input, [1, 0, 2])
        mask = None
        if sequence_length is not None:
            mask = layers.sequence_mask(sequence_length, maxlen=layers.shape(input)[0], dtype="float32")
            mask = layers.transpose(mask, [1, 0])
        if first[0] is not None:
            shape = [self.num_layers, self.ways, -1, self.hidden_size]
            first = [layers.reshape(state, shape=shape) for state in first]
        out, last = self._one_way(input, units[0], mask, first, 0)
        if self.ways == 2:
            mask = None if mask is None else layers.reverse(mask, axis=[0])
            back, back_last = self._one_way(layers.reverse(input, axis=[0]), units[1], mask, first, 1)
            out = layers.concat([out, layers.reverse(back, axis=[0])], axis=2)
            shape = [self.num_layers * 2, -1, self.hidden_size]
            last = [
                layers.reshape(layers.concat([forward, backward], axis=1), shape=shape)
                for forward, backward in zip(last, back_last, strict=True)
            ]
        return (layers.transpose(out, [1, 0, 2]) if batch_first else out), last

    def _one_way(self, input: Any, units: list[Any], mask: Any, first: list[Any], way: int) -> tuple[Any, list[Any]]:
        rnn = layers.StaticRNN()
        with rnn.step():
            step = rnn.step_input(input)
            step_mask = None if mask is None else rnn.step_input(mask)
            for i, unit in enumerate(units):
                before = [self._memory(rnn, input, state, i, way) for state in first]
                after = unit(step, *before)
                after = list(after) if isinstance(after, tuple) else [after]
                if step_mask is not None:
                    after = [_masked(new, old, step_mask) for new, old in zip(after, before, strict=True)]
                for old, new in zip(before, after, strict=True):
                    rnn.update_memory(old, new)
                for new in after:
                    rnn.step_output(new)
                step = layers.dropout(after[0], **self.dropout) if self.dropout else after[0]
            rnn.step_output(step)
        results = rnn()
        shape = [self.num_layers, -1, self.hidden_size]
        last = [
            layers.reshape(
                layers.concat([result[-1] for result in results[state : -1 : self.count]], axis=0), shape=shape
            )
            for state in range(self.count)
        ]
        return results[-1], last

    def _memory(self, rnn: Any, input: Any, first: Any, layer: int, way: int) -> Any:
        if first is not None:
            return rnn.memory(init=first[layer, way])
        return rnn.memory(batch_ref=input, shape=[-1, self.hidden_size], **self.memory)


def _masked(new: Any, old: Any, mask: Any) -> Any:
    """Return `new` where the mask [N] is one, and `old` where it is zero."""
    return layers.elementwise_mul(new, mask, axis=0) - layers.elementwise_mul(old, (mask - 1), axis=0)
