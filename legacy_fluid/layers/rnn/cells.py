"""Cells, the steps of a recurrence, and the recurrence over padded sequences."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...data_feeder import check_dtype, check_type, check_variable_and_dtype
from ...framework import Variable
from .. import control_flow, nn, sequence_lod, tensor
from ..utils import FLOATS, NUMBERS, assert_same_structure, flatten, map_structure, pack_sequence_as

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "rnn"]


class RNNCell:
    """Base: `call(inputs, states)` returns the step's outputs and the next states, in the structure of `states`."""

    def call(self, inputs: Any, states: Any, **kwargs: Any) -> tuple[Any, Any]:
        raise NotImplementedError("an RNNCell defines call(inputs, states)")

    def __call__(self, inputs: Any, states: Any, **kwargs: Any) -> tuple[Any, Any]:
        return self.call(inputs, states, **kwargs)

    def get_initial_states(
        self,
        batch_ref: Any,
        shape: Any = None,
        dtype: Any = "float32",
        init_value: float = 0,
        batch_dim_idx: int = 0,
    ) -> Any:
        """Return constant first states.

        Args:
            batch_ref: a Variable, or a structure whose first has the batch's size in dimension `batch_dim_idx`.
            shape: of a state without the batch dimension, or a structure of such; the cell's `state_shape` where None.
            dtype: of the states, one or a structure; the cell's `state_dtype` where None.
        """
        check_variable_and_dtype(batch_ref, "batch_ref", NUMBERS, "RNNCell")
        check_type(shape, "shape", (list, tuple, type(None), int), "RNNCell")
        reference = flatten(batch_ref)[0]
        wanted = _shapes(self.state_shape if shape is None else shape)
        if dtype is None:
            try:
                dtype = self.state_dtype
            except NotImplementedError:
                dtype = "float32"
        if isinstance(dtype, str):
            check_dtype(dtype, "dtype", FLOATS, "RNNCell")
            dtype = map_structure(lambda _: dtype, wanted)
        return map_structure(
            lambda state, kind: tensor.fill_constant_batch_size_like(
                input=reference, shape=state.sizes, dtype=kind, value=init_value, input_dim_idx=batch_dim_idx
            ),
            wanted,
            dtype,
        )

    @property
    def state_shape(self) -> Any:
        """Shape of a state without the batch dimension, or a structure of such."""
        raise NotImplementedError("an RNNCell whose initial states are asked for defines state_shape")

    @property
    def state_dtype(self) -> Any:
        """Dtype of a state, or a structure of such."""
        raise NotImplementedError("an RNNCell whose initial states are asked for may define state_dtype")


class _Shape:
    """A shape, as one leaf of a structure."""

    def __init__(self, sizes: Any) -> None:
        sizes = list(sizes)
        self.sizes = sizes if sizes[0] == -1 else [-1, *sizes]


def _shapes(structure: Any) -> Any:
    """Return a structure of shapes, lists of numbers, with each shape as a leaf."""
    if isinstance(structure, dict):
        return {key: _shapes(value) for key, value in structure.items()}
    if isinstance(structure, list | tuple) and not all(isinstance(size, int) for size in structure):
        return type(structure)(_shapes(value) for value in structure)
    return _Shape([structure] if isinstance(structure, int) else structure)


class GRUCell(RNNCell):
    """The step of a GRU; its state is a hidden state [N, D]. See fluid.contrib.layers.BasicGRUUnit."""

    def __init__(
        self,
        hidden_size: int,
        param_attr: Any = None,
        bias_attr: Any = None,
        gate_activation: Any = None,
        activation: Any = None,
        dtype: str = "float32",
        name: str = "GRUCell",
    ) -> None:
        check_type(hidden_size, "hidden_size", int, "GRUCell")
        check_dtype(dtype, "dtype", FLOATS, "GRUCell")
        from ...contrib.layers import BasicGRUUnit  # contrib is built of layers

        self.hidden_size = hidden_size
        self.gru_unit = BasicGRUUnit(name, hidden_size, param_attr, bias_attr, gate_activation, activation, dtype)

    def call(self, inputs: Any, states: Any) -> tuple[Any, Any]:
        check_variable_and_dtype(inputs, "inputs", FLOATS, "GRUCell")
        check_variable_and_dtype(states, "states", FLOATS, "GRUCell")
        hidden = self.gru_unit(inputs, states)
        return hidden, hidden

    @property
    def state_shape(self) -> list[int]:
        return [self.hidden_size]


class LSTMCell(RNNCell):
    """The step of an LSTM; its states are a hidden state and a cell, [N, D] each. See fluid.contrib.layers.BasicLSTMUnit."""

    def __init__(
        self,
        hidden_size: int,
        param_attr: Any = None,
        bias_attr: Any = None,
        gate_activation: Any = None,
        activation: Any = None,
        forget_bias: float = 1.0,
        dtype: str = "float32",
        name: str = "LSTMCell",
    ) -> None:
        check_type(hidden_size, "hidden_size", int, "LSTMCell")
        check_dtype(dtype, "dtype", FLOATS, "LSTMCell")
        from ...contrib.layers import BasicLSTMUnit  # contrib is built of layers

        self.hidden_size = hidden_size
        self.lstm_unit = BasicLSTMUnit(
            name, hidden_size, param_attr, bias_attr, gate_activation, activation, forget_bias, dtype
        )

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        check_variable_and_dtype(inputs, "inputs", FLOATS, "LSTMCell")
        check_type(states, "states", list, "LSTMCell")
        hidden, cell = self.lstm_unit(inputs, *states)
        return hidden, [hidden, cell]

    @property
    def state_shape(self) -> list[list[int]]:
        return [[self.hidden_size], [self.hidden_size]]


def rnn(
    cell: Any,
    inputs: Any,
    initial_states: Any = None,
    sequence_length: Any = None,
    time_major: bool = False,
    is_reverse: bool = False,
    **kwargs: Any,
) -> tuple[Any, Any]:
    """Return the outputs of all steps of a cell, and the last states.

    Args:
        cell: RNNCell.
        inputs: [N, T, ...], or [T, N, ...] where `time_major`; a Variable or a structure of such.
        initial_states: as the cell takes them; its `get_initial_states` where None.
        sequence_length: int Variable [N]; states stay as they are from there on.
        is_reverse: from the last step to the first.
        kwargs: for the cell.
    """
    check_type(inputs, "inputs", (Variable, list, tuple), "rnn")
    check_type(initial_states, "initial_states", (Variable, list, tuple, type(None)), "rnn")
    check_type(sequence_length, "sequence_length", (Variable, type(None)), "rnn")
    if initial_states is None:
        initial_states = cell.get_initial_states(batch_ref=inputs, batch_dim_idx=1 if time_major else 0)
    initial_states = map_structure(_let_gradients_through, initial_states)
    if not time_major:
        inputs = map_structure(transpose_batch_time, inputs)
    mask = None
    if sequence_length is not None:
        steps = nn.shape(flatten(inputs)[0])[0]
        mask = sequence_lod.sequence_mask(sequence_length, maxlen=steps, dtype=flatten(initial_states)[0].dtype)
        mask = nn.transpose(mask, [1, 0])
    if is_reverse:
        inputs = map_structure(lambda x: tensor.reverse(x, axis=[0]), inputs)
        mask = None if mask is None else tensor.reverse(mask, axis=[0])

    network = control_flow.StaticRNN()
    with network.step():
        step_inputs = map_structure(network.step_input, inputs)
        states = map_structure(network.memory, initial_states)
        outputs, new_states = cell.call(step_inputs, map_structure(lambda x: x, states), **kwargs)
        assert_same_structure(states, new_states)
        if mask is not None:
            step_mask = network.step_input(mask)
            new_states = map_structure(partial(_next_or_same, step_mask=step_mask), states, new_states)
        map_structure(network.update_memory, states, new_states)
        map_structure(network.step_output, outputs)
        map_structure(network.step_output, new_states)
    results = network()
    count = len(flatten(outputs))
    outputs = pack_sequence_as(outputs, results[:count])
    last = pack_sequence_as(new_states, [result[-1] for result in results[count:]])
    if is_reverse:
        outputs = map_structure(lambda x: tensor.reverse(x, axis=[0]), outputs)
    return (outputs if time_major else map_structure(transpose_batch_time, outputs)), last


def _let_gradients_through(var: Any) -> Any:
    var.stop_gradient = False
    return var


def transpose_batch_time(x: Any) -> Any:
    """Return [T, N, ...] as [N, T, ...], and the other way round."""
    return nn.transpose(x, [1, 0, *range(2, len(x.shape))])


def _next_or_same(state: Any, new_state: Any, step_mask: Any) -> Any:
    return nn.elementwise_mul(new_state, step_mask, axis=0) - nn.elementwise_mul(state, (step_mask - 1), axis=0)
