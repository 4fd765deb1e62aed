"""The LSTM with a recurrent projection, step by step: its operator is gone from the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import nn, ops
from ..control_flow import DynamicRNN
from ..sequence_lod import sequence_reverse

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda x: x,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "relu": nn.relu,
}


def lstmp(
    input: Any,
    weight: Any,
    projection: Any,
    bias: Any,
    h_0: Any,
    c_0: Any,
    *,
    use_peepholes: bool,
    is_reverse: bool,
    activations: tuple[str, str, str, str],
    cell_clip: float | None,
    proj_clip: float | None,
) -> tuple[Any, Any]:
    """Return the projections [T, P] and the cells [T, D] of sequences input [T, 4 D].

    Args:
        weight, projection, bias: [P, 4 D], [D, P] and [1, 4 D or 7 D]; gates in the order candidate, input, forget,
            output, then the peepholes of input, forget and output.
        activations: of gates, cell, candidate and projection.
    """
    gate, cell_act, candidate, project = (_ACTIVATIONS[name] for name in activations)
    if activations[3] != "identity":
        project = cell_act  # which the kernel of 1.8 used, whatever else it was told
    cell_size, proj_size = projection.shape
    gate_bias = nn.slice(bias, axes=[1], starts=[0], ends=[4 * cell_size])
    peephole = [
        nn.slice(bias, axes=[1], starts=[k * cell_size], ends=[(k + 1) * cell_size]) for k in (4, 5, 6) if use_peepholes
    ]
    sequences = sequence_reverse(input) if is_reverse else input
    drnn = DynamicRNN()
    with drnn.block():
        step = drnn.step_input(sequences)
        before = _memory(drnn, h_0, proj_size)
        cell_before = _memory(drnn, c_0, cell_size)
        gates = nn.elementwise_add(nn.elementwise_add(step, nn.mul(before, weight)), gate_bias)
        g, i, f, o = nn.split(gates, num_or_sections=4, dim=1)
        if use_peepholes:
            i = nn.elementwise_add(i, nn.elementwise_mul(cell_before, peephole[0]))
            f = nn.elementwise_add(f, nn.elementwise_mul(cell_before, peephole[1]))
        cell = nn.elementwise_add(nn.elementwise_mul(candidate(g), gate(i)), nn.elementwise_mul(cell_before, gate(f)))
        if cell_clip:
            cell = nn.clip(cell, -cell_clip, cell_clip)
        if use_peepholes:
            o = nn.elementwise_add(o, nn.elementwise_mul(cell, peephole[2]))
        hidden = nn.elementwise_mul(gate(o), cell_act(cell))
        projected = project(nn.mul(hidden, projection))
        if proj_clip:
            projected = nn.clip(projected, -proj_clip, proj_clip)
        drnn.update_memory(before, projected)
        drnn.update_memory(cell_before, cell)
        drnn.output(projected, cell)
    results = drnn()
    return tuple(map(sequence_reverse, results)) if is_reverse else tuple(results)


def _memory(drnn: DynamicRNN, init: Any, size: int) -> Any:
    return drnn.memory(shape=[size], value=0.0) if init is None else drnn.memory(init=init, need_reorder=True)
