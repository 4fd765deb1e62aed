"""`fluid.dygraph.tracer`: what runs operators as they come, and remembers how to differentiate them."""

from __future__ import annotations

import functools
import math
import weakref
from typing import Any

from paddle import _C_ops
from paddle.base import core
from paddle.base.dygraph import tracer as _tracer

from ..lowering import draws
from . import differentiable

__all__ = ["Tracer"]


class Tracer(_tracer.Tracer):
    """The core's tracer with the one switch of fluid 1.8: in train mode gradients are recorded, in eval mode not.

    Attributes:
        record: where operators are noted while they run, as (type, inputs, outputs, attributes); nowhere where None.
        made_of_old: a layer was made as in 1.5 and 1.6, where optimizers found the parameters by themselves.
    """

    def __init__(self) -> None:
        super().__init__()
        self.record: list[Any] | None = None
        self.made_of_old = False
        self._parameters: list[weakref.ref[Any]] = []
        self._leaves: dict[int, weakref.ref[Any]] = {}

    @property
    def _train_mode(self) -> bool:
        return self._has_grad

    @_train_mode.setter
    def _train_mode(self, value: bool) -> None:
        self._has_grad = value

    def train_mode(self) -> None:
        """Record gradients."""
        self._has_grad = True

    def eval_mode(self) -> None:
        """Record none."""
        self._has_grad = False

    def trace_op(
        self, type: str, inputs: Any, outputs: Any, attrs: Any, stop_gradient: bool = False, inplace_map: Any = None
    ) -> None:
        """Run an operator; its outputs take their values in place."""
        if self.record is not None:
            self.record.append((type, dict(inputs), dict(outputs), dict(attrs)))
        is_differentiated = self._has_grad and self._watch_leaves(inputs)
        if type in _OTHERWISE:
            _OTHERWISE[type](super().trace_op, inputs, outputs, attrs)
        elif is_differentiated and (result := differentiable.run(type, inputs, attrs)):
            slot, value = result
            for output, part in zip(_listed(outputs[slot]), _listed(value), strict=True):
                output.reconstruct_from_(part, False)
        else:
            super().trace_op(type, inputs, outputs, attrs, stop_gradient, inplace_map)

    def _watch_leaves(self, inputs: Any) -> bool:
        """Let `backward` replace the gradients of the leaves among the inputs; return whether one has a gradient."""
        is_differentiated = False
        for values in inputs.values():
            for value in _listed(values):
                if isinstance(value, core.eager.Tensor) and not value.stop_gradient:
                    is_differentiated = True
                    if value.is_leaf and id(value) not in self._leaves:
                        self._watch(value)
        return is_differentiated

    def _watch(self, leaf: Any) -> None:
        """In 1.8 a gradient was that of the last `backward`; the core adds to the one that is there."""
        key = id(leaf)
        reference = self._leaves[key] = weakref.ref(leaf, lambda _: self._leaves.pop(key, None))

        def forget(_: Any) -> None:
            if (variable := reference()) is not None:
                variable.clear_gradient(False)

        leaf.register_hook(forget)

    def remember_parameter(self, parameter: Any) -> None:
        self._parameters.append(weakref.ref(parameter))

    def all_parameters(self) -> list[Any]:
        """Return the parameters made under this tracer that are still in use."""
        return [parameter for ref in self._parameters if (parameter := ref()) is not None]


# --- operators that the core of 2.6 wants otherwise; `lowering.rules` has those of programs ---------------------------


def _batch_norm(trace: Any, inputs: Any, outputs: Any, attrs: Any) -> None:
    """The gradient of the older entrance crashes where the averages are used."""
    x, mean, variance, scale, bias = (_only(inputs[slot]) for slot in ("X", "Mean", "Variance", "Scale", "Bias"))
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
    _only(outputs["Y"]).reconstruct_from_(results[0], False)  # the averages are updated in place


def _layer_norm(trace: Any, inputs: Any, outputs: Any, attrs: Any) -> None:
    """The older entrance crashes without a scale or a bias."""
    x, scale, bias = (_only(inputs.get(slot)) for slot in ("X", "Scale", "Bias"))
    result = _C_ops.layer_norm(x, scale, bias, attrs.get("epsilon", 1e-5), attrs.get("begin_norm_axis", 1))
    _only(outputs["Y"]).reconstruct_from_(result, False)


def _lamb(trace: Any, inputs: Any, outputs: Any, attrs: Any) -> None:
    """1.8 did not correct the moments for their start at zero: with powers of zero the core does not either."""
    powers = {slot: [_C_ops.scale(_only(inputs[slot]), 0.0, 0.0, True)] for slot in ("Beta1Pow", "Beta2Pow")}
    outs = {f"{slot}Out": power for slot, power in powers.items()}
    trace("lamb", {**inputs, **powers}, {**outputs, **outs}, attrs, True)


def _adam(trace: Any, inputs: Any, outputs: Any, attrs: Any) -> None:
    """1.8 added epsilon to the second moment's root itself; the core takes it times sqrt(1 - beta2 ** step)."""
    by_rows = _only(inputs["Grad"]).is_selected_rows()  # for them the kernel multiplies the power before it is used
    power = _only(inputs["Beta2Pow"]).numpy().item() * (attrs["beta2"] if by_rows else 1.0)
    trace("adam", inputs, outputs, {**attrs, "epsilon": attrs["epsilon"] / math.sqrt(1.0 - power)}, True)


def _adadelta(trace: Any, inputs: Any, outputs: Any, attrs: Any) -> None:
    """In 1.8 the parameter's step was computed from the averages after their update, and without a learning rate."""
    param, grad = _only(inputs["Param"]), _only(inputs["Grad"])
    before, epsilon = _C_ops.scale(param, 1.0, 0.0, True), attrs["epsilon"]
    trace("adadelta", inputs, outputs, attrs, True)
    updates, grads = (_only(outputs[slot]) for slot in ("AvgSquaredUpdateOut", "AvgSquaredGradOut"))
    ratio = _C_ops.divide(_C_ops.scale(updates, 1.0, epsilon, True), _C_ops.scale(grads, 1.0, epsilon, True))
    after = _C_ops.subtract(before, _C_ops.multiply(_C_ops.sqrt(ratio), grad))
    after._share_underline_tensor_to(param)


def _draw(op_type: str, trace: Any, inputs: Any, outputs: Any, attrs: Any) -> None:
    """For a seed the numbers are those that 1.8 drew."""
    if inputs or not draws.is_drawn_here(op_type, attrs):
        trace(op_type, inputs, outputs, attrs)
        return
    numbers = draws.draw(op_type, attrs, [int(size) for size in attrs["shape"]])
    _only(outputs["Out"]).reconstruct_from_(core.eager.Tensor(numbers), False)


def _dropout(trace: Any, inputs: Any, outputs: Any, attrs: Any) -> None:
    """For a seed the elements that stay are those that stayed in 1.8."""
    if not draws.is_dropout_drawn_here(attrs):
        trace("dropout", inputs, outputs, attrs)
        return
    x, is_upscaled = _only(inputs["X"]), attrs.get("dropout_implementation") == "upscale_in_train"
    dtype = x.numpy().dtype
    factor, _ = draws.dropout_factor(x.shape, dtype, attrs["seed"], attrs["dropout_prob"], is_upscaled)
    _only(outputs["Out"]).reconstruct_from_(_C_ops.multiply(x, core.eager.Tensor(factor)), False)


_OTHERWISE = {
    "adadelta": _adadelta,
    "adam": _adam,
    "batch_norm": _batch_norm,
    "dropout": _dropout,
    "lamb": _lamb,
    "layer_norm": _layer_norm,
    **{op_type: functools.partial(_draw, op_type) for op_type in draws.DRAWS},
}


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) else value
