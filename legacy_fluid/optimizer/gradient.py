"""Optimizers that are one update operator a parameter: its state is a table, its arguments are attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import Optimizer

__all__ = ["SGD", "Adam", "AdamOptimizer", "Momentum", "MomentumOptimizer", "SGDOptimizer"]


@dataclass(frozen=True)
class State:
    """A variable that goes with each parameter.

    Args:
        slot: the operator's input; its output is the same with `Out`.
        name: in the variable's name.
        fill: the optimizer's attribute that holds the start value; zero where None.
        is_scalar: of shape (1,) rather than the parameter's.
    """

    slot: str
    name: str
    fill: str | None = None
    is_scalar: bool = False


class UpdateOperator(Optimizer):
    """An optimizer whose update is the operator `type` with `states`, and with `_attributes` as its attributes."""

    states: tuple[State, ...] = ()
    takes_learning_rate = True

    def _attributes(self) -> dict[str, Any]:
        """Return the operator's attributes."""
        return {}

    def _create_accumulators(self, block: Any, parameters: list[Any]) -> None:
        for param in parameters:
            for state in self.states:
                self._add_accumulator(
                    state.name,
                    param,
                    fill_value=getattr(self, state.fill) if state.fill else 0.0,
                    shape=[1] if state.is_scalar else None,
                )

    def _append_optimize_op(self, block: Any, param_and_grad: Any) -> Any:
        param, grad = param_and_grad
        inputs = {"Param": param, "Grad": grad}
        outputs = {"ParamOut": param}
        if self.takes_learning_rate:
            inputs["LearningRate"] = self._create_param_lr(param_and_grad)
        for state in self.states:
            inputs[state.slot] = outputs[f"{state.slot}Out"] = self._get_accumulator(state.name, param)
        return block.append_op(
            type=self.type,
            inputs={slot: [var] for slot, var in inputs.items()},
            outputs={slot: [var] for slot, var in outputs.items()},
            attrs=self._attributes(),
            stop_gradient=True,
        )


class SGDOptimizer(UpdateOperator):
    """param -= learning_rate * grad."""

    type = "sgd"


class MomentumOptimizer(UpdateOperator):
    """velocity = momentum * velocity + grad; param -= learning_rate * velocity.

    Args:
        use_nesterov: param -= learning_rate * (grad + momentum * velocity) instead.
    """

    type = "momentum"
    states = (State("Velocity", "velocity"),)

    def __init__(
        self,
        learning_rate: Any,
        momentum: float,
        parameter_list: Any = None,
        use_nesterov: bool = False,
        regularization: Any = None,
        grad_clip: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, parameter_list, regularization, grad_clip, name)
        self._momentum = momentum
        self._use_nesterov = bool(use_nesterov)

    def _attributes(self) -> dict[str, Any]:
        return {"mu": self._momentum, "use_nesterov": self._use_nesterov}


class AdamOptimizer(UpdateOperator):
    """Adaptive moments (Kingma and Ba, arXiv:1412.6980).

    Args:
        lazy_mode: update only the rows of a sparse gradient.
    """

    type = "adam"
    states = (
        State("Moment1", "moment1"),
        State("Moment2", "moment2"),
        State("Beta1Pow", "beta1_pow_acc", fill="_beta1_start", is_scalar=True),
        State("Beta2Pow", "beta2_pow_acc", fill="_beta2_start", is_scalar=True),
    )

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: float = 1e-08,
        parameter_list: Any = None,
        regularization: Any = None,
        grad_clip: Any = None,
        name: str | None = None,
        lazy_mode: bool = False,
    ) -> None:
        super().__init__(learning_rate, parameter_list, regularization, grad_clip, name)
        self._beta1, self._beta2, self._epsilon, self._lazy_mode = beta1, beta2, epsilon, lazy_mode

    # A decay rate may be a Variable, whose powers then start from its usual value.
    _beta1_start = property(lambda self: self._beta1 if isinstance(self._beta1, float) else 0.9)
    _beta2_start = property(lambda self: self._beta2 if isinstance(self._beta2, float) else 0.999)

    def _attributes(self) -> dict[str, Any]:
        return {
            "beta1": self._beta1,
            "beta2": self._beta2,
            "epsilon": self._epsilon,
            "lazy_mode": self._lazy_mode,
            "min_row_size_to_use_multithread": 1000,
        }


SGD = SGDOptimizer
Momentum = MomentumOptimizer
Adam = AdamOptimizer
