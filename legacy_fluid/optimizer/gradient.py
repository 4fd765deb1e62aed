"""Optimizers that are one update operator a parameter: its state is a table, its arguments are attributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import core
from ..framework import Variable, in_dygraph_mode, name_scope
from .base import Optimizer

__all__ = [
    "SGD",
    "Adadelta",
    "AdadeltaOptimizer",
    "Adagrad",
    "AdagradOptimizer",
    "Adam",
    "AdamOptimizer",
    "Adamax",
    "AdamaxOptimizer",
    "DecayedAdagrad",
    "DecayedAdagradOptimizer",
    "Dpsgd",
    "DpsgdOptimizer",
    "Ftrl",
    "FtrlOptimizer",
    "LambOptimizer",
    "LarsMomentum",
    "LarsMomentumOptimizer",
    "Momentum",
    "MomentumOptimizer",
    "RMSPropOptimizer",
    "SGDOptimizer",
]


@dataclass(frozen=True)
class State:
    """A variable that goes with each parameter.

    Args:
        slot: the operator's input.
        name: in the variable's name.
        fill: its start value, from the optimizer; zero where None.
        is_scalar: of shape (1,) rather than the parameter's.
        out: the operator's output; the input's name and "Out" where None, and "" where the operator does not write it.
    """

    slot: str
    name: str
    fill: Callable[[Any], float] | None = None
    is_scalar: bool = False
    out: str | None = None


class UpdateOperator(Optimizer):
    """An optimizer whose update is the operator `type` with `states`, and with `_attributes` as its attributes."""

    states: tuple[State, ...] = ()

    def _attributes(self, param: Any) -> dict[str, Any]:
        """Return the operator's attributes; one that is a Variable becomes an input."""
        return {}

    def _create_accumulators(self, block: Any, parameters: list[Any]) -> None:
        for param in parameters:
            for state in self.states:
                self._add_accumulator(
                    state.name,
                    param,
                    fill_value=state.fill(self) if state.fill else 0.0,
                    shape=[1] if state.is_scalar else None,
                    type=core.VarDesc.VarType.LOD_TENSOR if state.is_scalar else None,
                )

    def _append_optimize_op(self, block: Any, param_and_grad: Any) -> Any:
        param, grad = param_and_grad
        inputs = {"Param": param, "Grad": grad, "LearningRate": self._create_param_lr(param_and_grad)}
        outputs = {"ParamOut": param}
        for state in self.states:
            var = self._get_accumulator(state.name, param)
            inputs[state.slot] = var
            if state.out != "":
                outputs[state.out or f"{state.slot}Out"] = var
        attrs = self._attributes(param)
        for name in [name for name, value in attrs.items() if isinstance(value, Variable)]:
            if in_dygraph_mode():
                attrs[name] = attrs[name].numpy().item()
            else:
                inputs[f"{name.capitalize()}Tensor"] = attrs.pop(name)
        return block.append_op(
            type=self.type,
            inputs={slot: [var] for slot, var in inputs.items()},
            outputs={slot: [var] for slot, var in outputs.items()},
            attrs=attrs,
            stop_gradient=True,
        )


def _require(**values: Any) -> None:
    for name, value in values.items():
        if value is None:
            raise ValueError(f"{name} is not set.")


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

    def _attributes(self, param: Any) -> dict[str, Any]:
        return {"mu": self._momentum, "use_nesterov": self._use_nesterov}


class LarsMomentumOptimizer(UpdateOperator):
    """Momentum with a learning rate for each layer, from the norms of weights and gradients (arXiv:1708.03888)."""

    type = "lars_momentum"
    states = (State("Velocity", "velocity"),)

    def __init__(
        self,
        learning_rate: Any,
        momentum: float,
        lars_coeff: float = 0.001,
        lars_weight_decay: float = 0.0005,
        parameter_list: Any = None,
        regularization: Any = None,
        grad_clip: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, parameter_list, regularization, grad_clip, name)
        self._momentum = momentum
        self._lars_coeff = float(lars_coeff)
        self._lars_weight_decay = float(lars_weight_decay)

    def _attributes(self, param: Any) -> dict[str, Any]:
        # A list since 2.1, one for each parameter that the operator updates.
        decay = [self._lars_weight_decay]
        return {"mu": self._momentum, "lars_coeff": self._lars_coeff, "lars_weight_decay": decay}


class AdagradOptimizer(UpdateOperator):
    """Steps divided by the root of the sum of squared gradients (Duchi et al., JMLR 12, 2011)."""

    type = "adagrad"
    states = (State("Moment", "moment", fill=lambda self: self.initial_accumulator_value),)

    def __init__(
        self,
        learning_rate: Any,
        epsilon: float = 1e-06,
        parameter_list: Any = None,
        regularization: Any = None,
        grad_clip: Any = None,
        name: str | None = None,
        initial_accumulator_value: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, parameter_list, regularization, grad_clip, name)
        self._epsilon = epsilon
        self.initial_accumulator_value = initial_accumulator_value

    def _attributes(self, param: Any) -> dict[str, Any]:
        return {"epsilon": self._epsilon}


class DecayedAdagradOptimizer(UpdateOperator):
    """Adagrad that forgets: the sum of squares decays."""

    type = "decayed_adagrad"
    states = (State("Moment", "moment"),)

    def __init__(
        self,
        learning_rate: Any,
        decay: float = 0.95,
        epsilon: float = 1e-06,
        parameter_list: Any = None,
        regularization: Any = None,
        grad_clip: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, parameter_list, regularization, grad_clip, name)
        self._decay, self._epsilon = decay, epsilon

    def _attributes(self, param: Any) -> dict[str, Any]:
        return {"epsilon": self._epsilon, "decay": self._decay}


class AdamOptimizer(UpdateOperator):
    """Adaptive moments (Kingma and Ba, arXiv:1412.6980).

    Args:
        beta1, beta2: float, or a Variable of shape (1,).
        lazy_mode: of a sparse gradient, update only the rows it has.
    """

    type = "adam"
    # Where a beta is a Variable, its powers start from its usual value.
    states = (
        State("Moment1", "moment1"),
        State("Moment2", "moment2"),
        State(
            "Beta1Pow", "beta1_pow_acc", lambda self: 0.9 if isinstance(self._beta1, Variable) else self._beta1, True
        ),
        State(
            "Beta2Pow", "beta2_pow_acc", lambda self: 0.999 if isinstance(self._beta2, Variable) else self._beta2, True
        ),
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

    def _attributes(self, param: Any) -> dict[str, Any]:
        return {
            "beta1": self._beta1,
            "beta2": self._beta2,
            "epsilon": self._epsilon,
            "lazy_mode": self._lazy_mode,
            "min_row_size_to_use_multithread": 1000,
        }


class LambOptimizer(AdamOptimizer):
    """Adam with steps as long as the parameter's norm allows, for large batches (You et al., arXiv:1904.00962).

    Args:
        exclude_from_weight_decay_fn: called with a parameter, True where it is not to decay.
    """

    type = "lamb"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        lamb_weight_decay: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-06,
        parameter_list: Any = None,
        regularization: Any = None,
        grad_clip: Any = None,
        exclude_from_weight_decay_fn: Callable[[Any], bool] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon, parameter_list, regularization, grad_clip, name)
        self._weight_decay = lamb_weight_decay
        self._exclude_from_weight_decay_fn = exclude_from_weight_decay_fn

    def _attributes(self, param: Any) -> dict[str, Any]:
        excluded = self._exclude_from_weight_decay_fn is not None and self._exclude_from_weight_decay_fn(param)
        return {
            "beta1": self._beta1,
            "beta2": self._beta2,
            "epsilon": self._epsilon,
            "weight_decay": 0.0 if excluded else self._weight_decay,
        }


class AdamaxOptimizer(UpdateOperator):
    """Adam with the infinity norm (Kingma and Ba, arXiv:1412.6980, section 7.1)."""

    type = "adamax"
    states = (
        State("Moment", "moment"),
        State("InfNorm", "inf_norm"),
        State("Beta1Pow", "beta1_pow_acc", lambda self: self._beta1, is_scalar=True, out=""),
    )

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        parameter_list: Any = None,
        regularization: Any = None,
        grad_clip: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, parameter_list, regularization, grad_clip, name)
        self._beta1, self._beta2, self._epsilon = beta1, beta2, epsilon

    def _attributes(self, param: Any) -> dict[str, Any]:
        return {"beta1": self._beta1, "beta2": self._beta2, "epsilon": self._epsilon}

    def _finish_update(self, block: Any, parameters_and_grads: list[Any]) -> None:
        for param, grad in parameters_and_grads:
            if grad is None or not param.trainable:
                continue
            with self._update_guard(param, grad), name_scope("adamx"):
                power = self._get_accumulator("beta1_pow_acc", param)
                block.append_op(
                    type="scale",
                    inputs={"X": [power]},
                    outputs={"Out": [power]},
                    attrs={"scale": self._beta1},
                    stop_gradient=True,
                )


class DpsgdOptimizer(UpdateOperator):
    """SGD on clipped, noisy gradients, for differential privacy (Abadi et al., arXiv:1607.00133)."""

    type = "dpsgd"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        clip: float = 0.9,
        batch_size: float = 0.999,
        sigma: float = 1e-08,
        parameter_list: Any = None,
    ) -> None:
        super().__init__(learning_rate, parameter_list)
        self._clip, self._batch_size, self._sigma = clip, batch_size, sigma
        self._seed: int | None = None  # for tests; the clock seeds the noise otherwise

    def _attributes(self, param: Any) -> dict[str, Any]:
        attrs = {"clip": self._clip, "batch_size": self._batch_size, "sigma": self._sigma}
        return {**attrs, "seed": self._seed or 0}


class AdadeltaOptimizer(UpdateOperator):
    """Steps in proportion to the steps before (Zeiler, arXiv:1212.5701). The learning rate has no influence."""

    type = "adadelta"
    states = (
        State("AvgSquaredGrad", "_avg_squared_grad"),
        State("AvgSquaredUpdate", "_avg_squared_update"),
    )

    def __init__(
        self,
        learning_rate: Any,
        epsilon: float = 1e-06,
        rho: float = 0.95,
        parameter_list: Any = None,
        regularization: Any = None,
        grad_clip: Any = None,
        name: str | None = None,
    ) -> None:
        _require(learning_rate=learning_rate, epsilon=epsilon, rho=rho)
        super().__init__(learning_rate, parameter_list, regularization, grad_clip, name)
        self._epsilon, self._rho = epsilon, rho

    def _attributes(self, param: Any) -> dict[str, Any]:
        return {"epsilon": self._epsilon, "rho": self._rho}


class RMSPropOptimizer(UpdateOperator):
    """Steps divided by the root of the mean squared gradient (Hinton, Coursera lecture 6, 2012).

    Args:
        rho: decay of the mean.
        centered: divide by the variance of the gradient instead.
    """

    type = "rmsprop"
    states = (
        State("Moment", "momentum"),
        State("MeanSquare", "mean_square"),
        State("MeanGrad", "mean_grad"),
    )

    def __init__(
        self,
        learning_rate: Any,
        rho: float = 0.95,
        epsilon: float = 1e-06,
        momentum: float = 0.0,
        centered: bool = False,
        parameter_list: Any = None,
        regularization: Any = None,
        grad_clip: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, parameter_list, regularization, grad_clip, name)
        _require(learning_rate=learning_rate, rho=rho, epsilon=epsilon, momentum=momentum)
        self._rho, self._epsilon, self._momentum, self._centered = rho, epsilon, momentum, centered

    def _attributes(self, param: Any) -> dict[str, Any]:
        return {
            "epsilon": self._epsilon,
            "decay": self._rho,
            "momentum": self._momentum,
            "centered": self._centered,
        }


class FtrlOptimizer(UpdateOperator):
    """Follow the regularised leader (McMahan et al., KDD 2013)."""

    type = "ftrl"
    states = (
        State("SquaredAccumulator", "squared", out="SquaredAccumOut"),
        State("LinearAccumulator", "linear", out="LinearAccumOut"),
    )

    def __init__(
        self,
        learning_rate: Any,
        l1: float = 0.0,
        l2: float = 0.0,
        lr_power: float = -0.5,
        parameter_list: Any = None,
        regularization: Any = None,
        grad_clip: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, parameter_list, regularization, grad_clip, name)
        _require(learning_rate=learning_rate)
        self._l1, self._l2, self._lr_power = l1, l2, lr_power

    def _attributes(self, param: Any) -> dict[str, Any]:
        # 1.8.5 gives the operator l1 in the place of l2, and so trained what was trained with it.
        return {"l1": self._l1, "l2": self._l1, "lr_power": self._lr_power}


SGD = SGDOptimizer
Momentum = MomentumOptimizer
Adagrad = AdagradOptimizer
Adam = AdamOptimizer
Adamax = AdamaxOptimizer
Dpsgd = DpsgdOptimizer
DecayedAdagrad = DecayedAdagradOptimizer
Adadelta = AdadeltaOptimizer
RMSProp = RMSPropOptimizer
Ftrl = FtrlOptimizer
LarsMomentum = LarsMomentumOptimizer
Lamb = LambOptimizer
