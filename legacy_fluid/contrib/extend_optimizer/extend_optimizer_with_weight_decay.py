"""Weight decay that is no part of the gradient (arXiv:1711.05101), for any optimizer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ... import framework, layers
from ...optimizer import Optimizer

__all__ = ["extend_with_decoupled_weight_decay"]


class DecoupledWeightDecay:
    """Takes `coeff` times its value from each parameter before the optimizer's step.

    Args:
        coeff: float or Variable.
        apply_decay_param_fun: says by a parameter's name whether it decays; all do where None.
        kwargs: the optimizer's.
    """

    def __init__(self, coeff: Any = 0.0, apply_decay_param_fun: Any = None, **kwargs: Any) -> None:
        if not isinstance(coeff, float | framework.Variable):
            raise TypeError(f"the coefficient of weight decay is a float or a Variable, not {coeff!r}")
        self._params_name: set[str] = set()
        self._apply_decay_param_fun = apply_decay_param_fun
        self._coeff = coeff
        super().__init__(**kwargs)

    def minimize(
        self, loss: Any, startup_program: Any = None, parameter_list: Any = None, no_grad_set: Any = None
    ) -> tuple[Any, Any]:
        """Return the optimizer's operators, and the parameters with their gradients."""
        params_grads = self.backward(
            loss=loss, startup_program=startup_program, parameter_list=parameter_list, no_grad_set=no_grad_set
        )
        for param, grad, part in self._scale_parameters(params_grads):
            with _optimizing(param, grad):
                layers.assign(input=layers.elementwise_sub(x=param, y=part), output=param)
        optimize_ops = self.apply_optimize(loss=loss, params_grads=params_grads, startup_program=startup_program)
        return optimize_ops, params_grads

    def _scale_parameters(self, params_and_grads: Any) -> list[tuple[Any, Any, Any]]:
        """What each parameter loses."""
        if isinstance(self._coeff, float) and self._coeff == 0.0:
            return []
        scaled = []
        for param, grad in params_and_grads:
            if grad is None or (self._apply_decay_param_fun and not self._apply_decay_param_fun(param.name)):
                continue
            is_number = isinstance(self._coeff, float)
            assert is_number or self._coeff.dtype == param.dtype, f"the coefficient has not the dtype of {param.name}"
            with _optimizing(param, grad):
                assert param.name not in self._params_name, f"{param.name} is minimized twice"
                scaled.append((param, grad, param * self._coeff))
                self._params_name.add(param.name)
        return scaled

    def __str__(self) -> str:
        return f"Weight Decay, params: {','.join(self._params_name)}"


@contextlib.contextmanager
def _optimizing(param: Any, grad: Any) -> Iterator[None]:
    """Mark the operators inside as the optimizer's."""
    with param.block.program._optimized_guard([param, grad]), framework.name_scope("weight decay"):
        yield


def extend_with_decoupled_weight_decay(base_optimizer: type) -> type:
    """Return a subclass of an optimizer whose first argument is `weight_decay`, a float or a Variable.

    Raises:
        TypeError: `base_optimizer` is no class of optimizers.
    """
    if not issubclass(base_optimizer, Optimizer):
        raise TypeError(f"extend_with_decoupled_weight_decay takes a class of optimizers, not {base_optimizer!r}")

    class OptimizerWithDecoupledWeightDecay(DecoupledWeightDecay, base_optimizer):
        def __init__(self, weight_decay: Any, apply_decay_param_fun: Any = None, **kwargs: Any) -> None:
            super().__init__(weight_decay, apply_decay_param_fun, **kwargs)

    return OptimizerWithDecoupledWeightDecay
