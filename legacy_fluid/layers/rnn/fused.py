"""Recurrent networks that are one operator: the sequences' lengths do the batching."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...data_feeder import check_type, check_variable_and_dtype
from ...framework import Variable, in_dygraph_mode
from ...layer_helper import LayerHelper
from ...param_attr import ParamAttr
from .. import nn, ops
from ..tensor import assign, concat
from ..utils import FLOATS
from .lstmp import lstmp

__all__ = ["dynamic_gru", "dynamic_lstm", "dynamic_lstmp", "gru_unit", "lstm", "lstm_unit"]


def _check_input(layer: str, input: Any, bias_attr: Any = None) -> None:
    assert not in_dygraph_mode(), f"{layer} needs lengths, which tensors have in a Program only: use lstm or a cell"
    assert bias_attr is not False, f"{layer} has a bias: bias_attr cannot be False"
    check_variable_and_dtype(input, "input", FLOATS, layer)


def _first_state(layer: str, name: str, state: Any, shape: tuple[int, int]) -> dict[str, Any]:
    """Return the input slot of a state's first value, empty where there is none."""
    check_type(state, name, (Variable, type(None)), layer)
    if state is None:
        return {}
    check_variable_and_dtype(state, name, FLOATS, layer)
    assert tuple(state.shape) == shape, f"{layer}: {name} has the shape {shape}, not {tuple(state.shape)}"
    return {name.replace("_", "").upper(): state}


def dynamic_lstm(
    input: Any,
    size: int,
    h_0: Any = None,
    c_0: Any = None,
    param_attr: Any = None,
    bias_attr: Any = None,
    use_peepholes: bool = True,
    is_reverse: bool = False,
    gate_activation: str = "sigmoid",
    cell_activation: str = "tanh",
    candidate_activation: str = "tanh",
    dtype: Any = "float32",
    name: str | None = None,
) -> tuple[Any, Any]:
    """Return the hidden states and the cells of an LSTM over sequences, [T, D] each (Hochreiter and Schmidhuber, 1997).

    Args:
        input: [T, 4 D] with lengths: the sequences times the input weights, which an fc before makes.
        size: 4 D.
        h_0, c_0: first states [N, D]; zero where None.
        param_attr: of the recurrent weights [D, 4 D].
        bias_attr: of the bias [1, 4 D], or [1, 7 D] with peepholes.
    """
    _check_input("dynamic_lstm", input, bias_attr)
    helper = LayerHelper("lstm", input=input, param_attr=param_attr, bias_attr=bias_attr, name=name)
    width = size // 4
    weight = helper.create_parameter(attr=helper.param_attr, shape=[width, 4 * width], dtype=dtype)
    bias_shape = [1, (7 if use_peepholes else 4) * width]
    bias = helper.create_parameter(attr=helper.bias_attr, shape=bias_shape, dtype=dtype, is_bias=True)
    slots = ("Hidden", "Cell", "BatchGate", "BatchCellPreAct")
    outputs = {slot: helper.create_variable_for_type_inference(dtype) for slot in slots}
    state_shape = (input.shape[0], width)
    helper.append_op(
        type="lstm",
        inputs={
            "Input": input,
            "Weight": weight,
            "Bias": bias,
            **_first_state("dynamic_lstm", "h_0", h_0, state_shape),
            **_first_state("dynamic_lstm", "c_0", c_0, state_shape),
        },
        outputs=outputs,
        attrs={
            "use_peepholes": use_peepholes,
            "is_reverse": is_reverse,
            "gate_activation": gate_activation,
            "cell_activation": cell_activation,
            "candidate_activation": candidate_activation,
        },
    )
    return outputs["Hidden"], outputs["Cell"]


def dynamic_lstmp(
    input: Any,
    size: int,
    proj_size: int,
    param_attr: Any = None,
    bias_attr: Any = None,
    use_peepholes: bool = True,
    is_reverse: bool = False,
    gate_activation: str = "sigmoid",
    cell_activation: str = "tanh",
    candidate_activation: str = "tanh",
    proj_activation: str = "tanh",
    dtype: Any = "float32",
    name: str | None = None,
    h_0: Any = None,
    c_0: Any = None,
    cell_clip: float | None = None,
    proj_clip: float | None = None,
) -> tuple[Any, Any]:
    """Return the projections [T, P] and the cells [T, D] of an LSTM with a recurrent projection (Sak, arXiv:1402.1128).

    Args:
        input: [T, 4 D] with lengths, as for dynamic_lstm.
        size: 4 D.
        proj_size: P.
        h_0, c_0: first states [N, P] and [N, D]; zero where None.
        param_attr: of the recurrent weights [P, 4 D] and of the projection [D, P].
        cell_clip, proj_clip: limits on their absolute values.
    """
    _check_input("dynamic_lstmp", input, bias_attr)
    helper = LayerHelper("lstmp", input=input, param_attr=param_attr, bias_attr=bias_attr, name=name)
    width = size // 4
    weight = helper.create_parameter(attr=helper.param_attr, shape=[proj_size, 4 * width], dtype=dtype)
    projection = helper.create_parameter(attr=helper.param_attr, shape=[width, proj_size], dtype=dtype)
    bias_shape = [1, (7 if use_peepholes else 4) * width]
    bias = helper.create_parameter(attr=helper.bias_attr, shape=bias_shape, dtype=dtype, is_bias=True)
    for limit, what in ((cell_clip, "cell_clip"), (proj_clip, "proj_clip")):
        assert not limit or limit >= 0, f"dynamic_lstmp: {what} is not negative, and is {limit}"
    _first_state("dynamic_lstmp", "h_0", h_0, (input.shape[0], proj_size))
    _first_state("dynamic_lstmp", "c_0", c_0, (input.shape[0], width))
    projected, cells = lstmp(
        input,
        weight,
        projection,
        bias,
        h_0,
        c_0,
        use_peepholes=use_peepholes,
        is_reverse=is_reverse,
        activations=(gate_activation, cell_activation, candidate_activation, proj_activation),
        cell_clip=cell_clip,
        proj_clip=proj_clip,
    )
    cells.stop_gradient = True  # the operator took no gradient of them
    return projected, assign(cells)


def dynamic_gru(
    input: Any,
    size: int,
    param_attr: Any = None,
    bias_attr: Any = None,
    is_reverse: bool = False,
    gate_activation: str = "sigmoid",
    candidate_activation: str = "tanh",
    h_0: Any = None,
    origin_mode: bool = False,
) -> Any:
    """Return the hidden states [T, D] of a GRU over sequences (Chung et al., arXiv:1412.3555).

    Args:
        input: [T, 3 D] with lengths: the sequences times the input weights, which an fc before makes.
        size: D.
        param_attr: of the recurrent weights [D, 3 D].
        bias_attr: of the bias [1, 3 D].
        h_0: first state [N, D]; zero where None.
        origin_mode: h = u h_before + (1 - u) h_new, as in Cho et al. (arXiv:1406.1078); with u and 1 - u changed
            over otherwise.
    """
    _check_input("dynamic_gru", input)
    helper = LayerHelper("gru", input=input, param_attr=param_attr, bias_attr=bias_attr)
    dtype = helper.input_dtype()
    weight = helper.create_parameter(attr=helper.param_attr, shape=[size, 3 * size], dtype=dtype)
    bias = helper.create_parameter(attr=helper.bias_attr, shape=[1, 3 * size], dtype=dtype, is_bias=True)
    inputs = {"Input": input, "Weight": weight, "Bias": bias}
    inputs |= _first_state("dynamic_gru", "h_0", h_0, (input.shape[0], size))
    slots = ("Hidden", "BatchGate", "BatchResetHiddenPrev", "BatchHidden")
    outputs = {slot: helper.create_variable_for_type_inference(dtype) for slot in slots}
    helper.append_op(
        type="gru",
        inputs=inputs,
        outputs=outputs,
        attrs={
            "is_reverse": is_reverse,
            "gate_activation": gate_activation,
            "activation": candidate_activation,
            "origin_mode": origin_mode,
        },
    )
    return outputs["Hidden"]


_UNIT_ACTIVATIONS = {"identity": 0, "sigmoid": 1, "tanh": 2, "relu": 3}


def gru_unit(
    input: Any,
    hidden: Any,
    size: int,
    param_attr: Any = None,
    bias_attr: Any = None,
    activation: str = "tanh",
    gate_activation: str = "sigmoid",
    origin_mode: bool = False,
) -> tuple[Any, Any, Any]:
    """Return the next hidden state [N, D] of a GRU, its reset hidden state [N, D] and its gates [N, 3 D].

    Args:
        input: [N, 3 D], the step's input times the input weights.
        hidden: [N, D].
        size: 3 D.
        activation, gate_activation: checked, and not used: 1.8 computes with tanh and sigmoid whatever they say.
    """
    check_variable_and_dtype(input, "input", FLOATS, "gru_unit")
    check_variable_and_dtype(hidden, "hidden", FLOATS, "gru_unit")
    check_type(size, "size", int, "gru_unit")
    for chosen in (activation, gate_activation):
        _UNIT_ACTIVATIONS[chosen]
    helper = LayerHelper("gru_unit", input=input, param_attr=param_attr, bias_attr=bias_attr)
    dtype = helper.input_dtype()
    width = size // 3
    weight = helper.create_parameter(attr=helper.param_attr, shape=[width, 3 * width], dtype=dtype)
    gate, reset, updated = (helper.create_variable_for_type_inference(dtype) for _ in range(3))
    inputs = {"Input": input, "HiddenPrev": hidden, "Weight": weight}
    if helper.bias_attr:
        inputs["Bias"] = helper.create_parameter(attr=helper.bias_attr, shape=[1, 3 * width], dtype=dtype, is_bias=True)
    helper.append_op(
        type="gru_unit",
        inputs=inputs,
        outputs={"Gate": gate, "ResetHiddenPrev": reset, "Hidden": updated},
        attrs={
            "activation": _UNIT_ACTIVATIONS["tanh"],
            "gate_activation": _UNIT_ACTIVATIONS["sigmoid"],
            "origin_mode": origin_mode,
        },
    )
    return updated, reset, gate


def lstm_unit(
    x_t: Any,
    hidden_t_prev: Any,
    cell_t_prev: Any,
    forget_bias: float = 0.0,
    param_attr: Any = None,
    bias_attr: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Return the next hidden state and cell of an LSTM, [N, D] each, from an input [N, M] and the ones before.

    Args:
        forget_bias: added to the forget gate before its sigmoid.
        param_attr, bias_attr: of the weights [M + D, 4 D] and the bias [4 D].

    Raises:
        ValueError: an input is no matrix, or their sizes do not fit.
    """
    for value, what in ((x_t, "x_t"), (hidden_t_prev, "hidden_t_prev"), (cell_t_prev, "cell_t_prev")):
        check_variable_and_dtype(value, what, FLOATS, "lstm_unit")
        if len(value.shape) != 2:
            raise ValueError(f"lstm_unit: {what} has two dimensions, not the shape {value.shape}")
        if value.shape[0] != x_t.shape[0]:
            raise ValueError(f"lstm_unit: {what} has {value.shape[0]} rows, and x_t {x_t.shape[0]}")
    if hidden_t_prev.shape[1] != cell_t_prev.shape[1]:
        raise ValueError(f"lstm_unit: hidden states of {hidden_t_prev.shape[1]} and cells of {cell_t_prev.shape[1]}")
    width = cell_t_prev.shape[1]
    gates = nn.fc(
        input=concat([x_t, hidden_t_prev], axis=1),
        size=4 * width,
        param_attr=param_attr,
        bias_attr=bias_attr or ParamAttr(),
    )
    return next_of_lstm(gates, cell_t_prev, forget_bias)


def next_of_lstm(gates: Any, cell_before: Any, forget_bias: float) -> tuple[Any, Any]:
    """Return hidden state and cell as the lost operator lstm_unit made them of gates [N, 4 D] and a cell [N, D]."""
    i, f, o, j = nn.split(gates, num_or_sections=4, dim=1)  # input, forget, output, candidate
    forget = ops.sigmoid(nn.scale(f, bias=float(forget_bias)))
    cell = nn.elementwise_add(nn.elementwise_mul(forget, cell_before), nn.elementwise_mul(ops.sigmoid(i), ops.tanh(j)))
    return nn.elementwise_mul(ops.sigmoid(o), ops.tanh(cell)), cell


def lstm(
    input: Any,
    init_h: Any,
    init_c: Any,
    max_len: int,
    hidden_size: int,
    num_layers: int,
    dropout_prob: float = 0.0,
    is_bidirec: bool = False,
    is_test: bool = False,
    name: str | None = None,
    default_initializer: Any = None,
    seed: int = -1,
) -> tuple[Any, Any, Any]:
    """Return the outputs, last hidden states and last cells of a stacked LSTM.

    Args:
        input: [T, N, M].
        init_h, init_c: first states [L, N, D], with L the number of layers, twice that where both ways.
        max_len: the largest T.
        dropout_prob: between layers.
        is_bidirec: run both ways; the outputs are then [T, N, 2 D].
    """
    check_variable_and_dtype(input, "input", FLOATS, "lstm")
    check_variable_and_dtype(init_h, "init_h", FLOATS, "lstm")
    check_variable_and_dtype(init_c, "init_c", FLOATS, "lstm")
    for value, what in ((max_len, "max_len"), (hidden_size, "hidden_size"), (num_layers, "num_layers")):
        check_type(value, what, int, "lstm")
    helper = LayerHelper("cudnn_lstm", name=name)
    ways = 2 if is_bidirec else 1
    widths = [input.shape[-1]] + [hidden_size * ways] * (num_layers - 1)
    # Weights of input and state, and two biases, for four gates.
    size = sum(4 * hidden_size * (width + hidden_size + 2) * ways for width in widths)
    weight = helper.create_parameter(
        attr=helper.param_attr, shape=[size], dtype=input.dtype, default_initializer=default_initializer
    )
    out, last_h, last_c, reserve, state = (helper.create_variable_for_type_inference(input.dtype) for _ in range(5))
    reserve.stop_gradient = state.stop_gradient = True
    with _declared_for_batch_of(input, [init_h, init_c]):
        helper.append_op(
            type="cudnn_lstm",
            inputs={"Input": input, "InitH": init_h, "InitC": init_c, "W": weight},
            outputs={"Out": out, "LastH": last_h, "LastC": last_c, "Reserve": reserve, "StateOut": state},
            attrs={
                "is_bidirec": is_bidirec,
                "hidden_size": hidden_size,
                "num_layers": num_layers,
                "is_test": is_test,
                "dropout_prob": dropout_prob,
                "seed": max(seed, 0),
            },
        )
    if not in_dygraph_mode():
        last_h.desc.set_shape(init_h.shape)
        last_c.desc.set_shape(init_c.shape)
    return out, last_h, last_c


@contextmanager
def _declared_for_batch_of(input: Any, states: list[Any]) -> Iterator[None]:
    """Within it the states are declared as those of the input's batch: the core asks for it already of a declaration."""
    shapes = [state.shape for state in states]
    if not in_dygraph_mode():
        for state, (layers, _, size) in zip(states, shapes, strict=True):
            state.desc.set_shape([layers, input.shape[1], size])
    try:
        yield
    finally:
        if not in_dygraph_mode():
            for state, shape in zip(states, shapes, strict=True):
                state.desc.set_shape(shape)
