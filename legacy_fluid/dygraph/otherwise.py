"""Operators that the core of 2.6 runs otherwise than 1.8 did, as they are run in dygraph mode.

`lowering.rules` has those of programs. Each function here is given the tracer's own way of running an operator, and
returns False where the operator is to be run as it is.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

from paddle import _C_ops
from paddle.base import core
from paddle.base.framework import Program, _create_tensor, _dygraph_guard, program_guard

from ..lowering import draws, lower
from ..lowering.updates import refuse_rows
from . import rows

Slots = Mapping[str, Any]
Trace = Callable[..., None]


def only(value: Any) -> Any:
    """Return what a slot holds, where it holds one Variable."""
    return value[0] if isinstance(value, list | tuple) else value


# --- normalisation ----------------------------------------------------------------------------------------------------


def _batch_norm(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
    """The gradient of the older entrance crashes where the averages are used."""
    x, mean, variance, scale, bias = (only(inputs[slot]) for slot in ("X", "Mean", "Variance", "Scale", "Bias"))
    results = _C_ops.batch_norm(
        x,
        mean,
        variance,
        scale,
        bias,
        attrs.get("is_test", False),
        attrs.get("momentum", 0.9),
        attrs.get("epsilon", 1e-5),
        attrs.get("data_layout", "NCHW"),
        attrs.get("use_global_stats", False),
        attrs.get("trainable_statistics", False),
    )
    return _is(outputs["Y"], results[0])  # the averages are updated in place


def _layer_norm(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
    """The older entrance crashes without a scale or a bias."""
    x, scale, bias = (only(inputs.get(slot)) for slot in ("X", "Scale", "Bias"))
    result = _C_ops.layer_norm(x, scale, bias, attrs.get("epsilon", 1e-5), attrs.get("begin_norm_axis", 1))
    return _is(outputs["Y"], result)


# --- updates ----------------------------------------------------------------------------------------------------------


def _lamb(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
    """1.8 did not correct the moments for their start at zero: with powers of zero the core does not either."""
    powers = {slot: [_C_ops.scale(only(inputs[slot]), 0.0, 0.0, True)] for slot in ("Beta1Pow", "Beta2Pow")}
    outs = {f"{slot}Out": power for slot, power in powers.items()}
    trace("lamb", {**inputs, **powers}, {**outputs, **outs}, attrs, True)
    return True


def _adam(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
    """1.8 added epsilon to the second moment's root itself; the core takes it times sqrt(1 - beta2 ** step)."""
    by_rows = rows.is_by_rows(only(inputs["Grad"]))
    # For rows the kernel, then as now, multiplies the powers before their use.
    power = only(inputs["Beta2Pow"]).numpy().item() * (attrs["beta2"] if by_rows else 1.0)
    attrs = {**attrs, "epsilon": attrs["epsilon"] / math.sqrt(1.0 - power)}
    if not by_rows or attrs.get("lazy_mode"):
        trace("adam", inputs, outputs, attrs, True)
        return True
    # The kernel takes another epsilon for rows with a gradient than for those without: let it have them all.
    ahead = {f"Beta{i}Pow": _C_ops.scale(only(inputs[f"Beta{i}Pow"]), attrs[f"beta{i}"], 0.0, True) for i in (1, 2)}
    copies = {slot: [_C_ops.assign(power)] for slot, power in ahead.items()}  # which the kernel writes over
    outs = {f"{slot}Out": power for slot, power in copies.items()}
    grad = {"Grad": [rows.dense(only(inputs["Grad"]), only(inputs["Param"]))]}
    trace("adam", {**inputs, **grad, **copies}, {**outputs, **outs}, attrs, True)
    for slot, power in ahead.items():
        power._share_underline_tensor_to(only(outputs[f"{slot}Out"]))
    return True


def _adadelta(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
    """In 1.8 the parameter's step was computed from the averages after their update, and without a learning rate."""
    param, grad = only(inputs["Param"]), only(inputs["Grad"])
    if rows.is_by_rows(grad):
        refuse_rows("adadelta", param.name)
    before, epsilon = _C_ops.scale(param, 1.0, 0.0, True), attrs["epsilon"]
    trace("adadelta", inputs, outputs, attrs, True)
    updates, grads = (only(outputs[slot]) for slot in ("AvgSquaredUpdateOut", "AvgSquaredGradOut"))
    ratio = _C_ops.divide(_C_ops.scale(updates, 1.0, epsilon, True), _C_ops.scale(grads, 1.0, epsilon, True))
    after = _C_ops.subtract(before, _C_ops.multiply(_C_ops.sqrt(ratio), grad))
    after._share_underline_tensor_to(param)
    return True


def _dense_alone(op_type: str) -> Callable[..., bool]:
    """For gradients of rows 1.8 raised where today's kernels read what is not there."""

    def run(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
        if rows.is_by_rows(only(inputs["Grad"])):
            refuse_rows(op_type, only(inputs["Param"]).name)
        return False

    return run


# --- random numbers ---------------------------------------------------------------------------------------------------


def _draw(op_type: str) -> Callable[..., bool]:
    """For a seed the numbers are those that 1.8 drew."""

    def run(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
        if inputs or not draws.is_drawn_here(op_type, attrs):
            return False
        numbers = draws.draw(op_type, attrs, [int(size) for size in attrs["shape"]])
        return _is(outputs["Out"], core.eager.Tensor(numbers))

    return run


def _draw_for_batch(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
    if not draws.is_drawn_here("uniform_random", attrs):
        return False
    shape = list(attrs["shape"])
    shape[attrs.get("output_dim_idx", 0)] = only(inputs["Input"]).shape[attrs.get("input_dim_idx", 0)]
    return _is(outputs["Out"], core.eager.Tensor(draws.draw("uniform_random", attrs, shape)))


def _dropout(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
    """For a seed the elements that stay are those that stayed in 1.8."""
    if not draws.is_dropout_drawn_here(attrs):
        return False
    x, is_upscaled = only(inputs["X"]), attrs.get("dropout_implementation") == "upscale_in_train"
    dtype = x.numpy().dtype
    factor, _ = draws.dropout_factor(x.shape, dtype, attrs["seed"], attrs["dropout_prob"], is_upscaled)
    return _is(outputs["Out"], _C_ops.multiply(x, core.eager.Tensor(factor)))


# --- activations, losses, rows and their gradients ------------------------------------------------------------------


def _leaky_relu(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
    """In 1.8 the result is the larger of x and alpha * x, also where alpha is more than 1; its slope is not."""
    x, alpha = only(inputs["X"]), attrs.get("alpha", 0.02)
    if alpha <= 1.0:
        return False
    bent = _C_ops.leaky_relu(x, alpha)
    larger = _C_ops.maximum(x, _C_ops.scale(x, alpha, 0.0, True))
    return _is(outputs["Out"], _C_ops.add(bent, _C_ops.subtract(larger, bent).detach()))


def _softmax_with_cross_entropy(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
    """On the CPU, the loss of a label that is ignored was 0 in 1.8, and its gradient was not."""
    logits, label, ignored = only(inputs["Logits"]), only(inputs["Label"]), attrs.get("ignore_index", -100)
    if attrs.get("soft_label", False) or ignored < 0 or core.is_compiled_with_cuda():
        return False
    softmax, loss = _C_ops.cross_entropy_with_softmax(
        logits, label, False, True, attrs.get("numeric_stable_mode", True), -100, attrs.get("axis", -1)
    )
    is_ignored = _C_ops.equal(label, _C_ops.full_like(label, ignored, label.dtype, label.place))
    unseen = _C_ops.multiply(loss, _C_ops.cast(is_ignored, loss.dtype)).detach()
    return _is(outputs["Softmax"], softmax) and _is(outputs["Loss"], _C_ops.subtract(loss, unseen))


def _gather(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
    """Of a row that was gathered twice, 1.8 took the last gradient, unless overwrite was False."""
    x, index = only(inputs["X"]), only(inputs["Index"])
    adds = not attrs.get("overwrite", True) or x.stop_gradient
    if adds or len(set(index.numpy().ravel().tolist())) == math.prod(index.shape):
        trace("gather", inputs, outputs, {})
        return True
    return _is(outputs["Out"], _layers_of_python().gather.apply(x, index))


def _scatter(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
    """1.8 let the whole gradient pass to X, the rows that were replaced included."""
    x, index, updates = (only(inputs[slot]) for slot in ("X", "Ids", "Updates"))
    if x.stop_gradient:
        return False
    scattered = _C_ops.scatter(x.detach(), index, updates, attrs.get("overwrite", True))
    return _is(outputs["Out"], _layers_of_python().gradient_to_both.apply(x, scattered))


@functools.cache
def _layers_of_python() -> Any:
    from . import gradients

    return gradients


# --- what a rule for programs says ------------------------------------------------------------------------------------


def _by_rule(op_type: str, concerns: Callable[[Slots], bool] = lambda attrs: True) -> Callable[..., bool]:
    """Run the operators that a rule of `lowering` puts in the place of an operator.

    Args:
        concerns: whether the rule has work to do, as far as attributes tell.
    """

    def run(trace: Trace, inputs: Slots, outputs: Slots, attrs: Slots) -> bool:
        if not concerns(attrs):
            return False
        given = {slot: only(value) for slot, value in inputs.items() if not isinstance(value, list | tuple) or value}
        described = tuple((slot, tuple(value.shape), value.dtype) for slot, value in given.items())
        settings = tuple((name, tuple(v) if isinstance(v, list) else v) for name, v in attrs.items())
        steps = _steps(op_type, described, tuple(outputs), settings)
        if not steps:
            return False
        values = {**given, **{slot: only(value) for slot, value in outputs.items()}}
        for step, sources, targets, options in steps:
            for name in (name for names in targets.values() for name in names if name not in values):
                values[name] = _create_tensor()
            trace(step, _named(sources, values), _named(targets, values), dict(options))
        return True

    return run


@functools.lru_cache(maxsize=256)
def _steps(op_type: str, inputs: Any, outputs: Any, attrs: Any) -> list[tuple[str, Slots, Slots, Slots]]:
    """Return the operators of a program of one operator after its lowering; none where it is not lowered."""
    program = Program()
    with _dygraph_guard(None), program_guard(program, Program()):
        block = program.global_block()
        sources = {slot: block.create_var(name=slot, shape=shape, dtype=dtype) for slot, shape, dtype in inputs}
        targets = {slot: block.create_var(name=slot, dtype=inputs[0][2]) for slot in outputs}
        settings = {name: list(value) if isinstance(value, tuple) else value for name, value in attrs}
        block.append_op(type=op_type, inputs=sources, outputs=targets, attrs=settings)
        lowered = lower(program)
    if lowered is program:
        return []
    return [
        (
            op.type,
            {slot: op.input(slot) for slot in op.input_names},
            {slot: op.output(slot) for slot in op.output_names},
            {name: op.attr(name) for name in op.attr_names if name not in _OF_PROGRAMS},
        )
        for op in lowered.global_block().ops
    ]


_OF_PROGRAMS = {"op_callstack", "op_device", "op_namescope", "op_role", "op_role_var", "with_quant_attr"}


def _named(slots: Slots, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {slot: [values[name] for name in names] for slot, names in slots.items() if names}


def _is(output: Any, value: Any) -> bool:
    """Let an output be `value`; return that the operator was run."""
    only(output).reconstruct_from_(value, False)
    return True


def _counts_the_outside(attrs: Slots) -> bool:
    return attrs.get("pooling_type") == "avg" and not attrs.get("exclusive", True)


OTHERWISE: dict[str, Callable[..., bool]] = {
    "adadelta": _adadelta,
    "adam": _adam,
    "batch_norm": _batch_norm,
    "dropout": _dropout,
    "elementwise_floordiv": _by_rule("elementwise_floordiv"),
    "elementwise_mod": _by_rule("elementwise_mod"),
    "gather": _gather,
    "lamb": _lamb,
    "layer_norm": _layer_norm,
    "leaky_relu": _leaky_relu,
    "pool2d": _by_rule("pool2d", _counts_the_outside),
    "pool3d": _by_rule("pool3d", _counts_the_outside),
    "scatter": _scatter,
    "softmax_with_cross_entropy": _softmax_with_cross_entropy,
    "uniform_random_batch_size_like": _draw_for_batch,
    **{op_type: _dense_alone(op_type) for op_type in ("adamax", "decayed_adagrad", "dpsgd", "lars_momentum")},
    **{op_type: _draw(op_type) for op_type in draws.DRAWS},
}
