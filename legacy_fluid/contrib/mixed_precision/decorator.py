"""`fluid.contrib.mixed_precision.decorator`: an optimizer that scales the loss, and learns by how much.

Everything computes in float32 here: the scale cancels out, and overflowing steps are left out, as they were.
"""

from __future__ import annotations

from typing import Any

from ... import layers, unique_name
from ...framework import default_main_program, default_startup_program
from .fp16_lists import AutoMixedPrecisionLists
from .fp16_utils import update_loss_scaling


def decorate(
    optimizer: Any,
    amp_lists: AutoMixedPrecisionLists | None = None,
    init_loss_scaling: float = 2**15,
    incr_every_n_steps: int = 1000,
    decr_every_n_nan_or_inf: int = 2,
    incr_ratio: float = 2.0,
    decr_ratio: float = 0.8,
    use_dynamic_loss_scaling: bool = True,
) -> OptimizerWithMixedPrecision:
    """Return an optimizer that scales the loss.

    Args:
        init_loss_scaling: the first scale.
        incr_every_n_steps, incr_ratio: it grows by the ratio after so many finite steps in a row.
        decr_every_n_nan_or_inf, decr_ratio: it shrinks by the ratio after so many steps that were not finite.
        use_dynamic_loss_scaling: the scale stays as it is where False.
    """
    return OptimizerWithMixedPrecision(
        optimizer,
        amp_lists or AutoMixedPrecisionLists(),
        init_loss_scaling,
        use_dynamic_loss_scaling,
        incr_every_n_steps,
        decr_every_n_nan_or_inf,
        incr_ratio,
        decr_ratio,
    )


class OptimizerWithMixedPrecision:
    """What `decorate` returns; its arguments are those of `decorate`."""

    def __init__(
        self,
        optimizer: Any,
        amp_lists: AutoMixedPrecisionLists,
        init_loss_scaling: float,
        use_dynamic_loss_scaling: bool,
        incr_every_n_steps: int,
        decr_every_n_nan_or_inf: int,
        incr_ratio: float,
        decr_ratio: float,
    ) -> None:
        self._optimizer = optimizer
        self._amp_lists = amp_lists
        self._train_program = default_main_program()
        self._startup_prog = default_startup_program()
        self._scaled_loss = None
        self._loss_scaling = _state("loss_scaling", init_loss_scaling, "float32")
        self._use_dynamic_loss_scaling = use_dynamic_loss_scaling
        if use_dynamic_loss_scaling:
            self._incr_every_n_steps = layers.fill_constant(shape=[1], dtype="int32", value=incr_every_n_steps)
            self._decr_every_n_nan_or_inf = layers.fill_constant([1], "int32", decr_every_n_nan_or_inf)
            self._incr_ratio = incr_ratio
            self._decr_ratio = decr_ratio
            self._num_good_steps = _state("num_good_steps", 0, "int32")
            self._num_bad_steps = _state("num_bad_steps", 0, "int32")
        if isinstance(optimizer._learning_rate, float):
            rate = _state("learning_rate", optimizer._learning_rate, "float32")
            optimizer._learning_rate_map[default_main_program()] = rate

    def get_loss_scaling(self) -> Any:
        """Return the Variable of the scale."""
        return self._loss_scaling

    def get_scaled_loss(self) -> Any:
        """Return the scaled loss, once there is one."""
        return self._scaled_loss

    def backward(
        self,
        loss: Any,
        startup_program: Any = None,
        parameter_list: Any = None,
        no_grad_set: Any = None,
        callbacks: Any = None,
    ) -> list[list[Any]]:
        """Return [parameter, gradient] of each parameter, divided by the scale again."""
        self._scaled_loss = loss * self._loss_scaling
        self._params_grads = self._optimizer.backward(
            self._scaled_loss, startup_program, parameter_list, no_grad_set, callbacks
        )
        unscaled = []
        for param, grad in self._params_grads:
            with self._train_program._optimized_guard([param, grad]):
                unscaled.append([param, grad / self._loss_scaling])
        return unscaled

    def apply_gradients(self, scaled_params_grads: list[list[Any]]) -> list[Any]:
        """Set gradients to zero where one is not finite, adjust the scale, and return the optimizer's operators."""
        if self._use_dynamic_loss_scaling:
            sums = layers.concat([layers.reduce_sum(grad) for _, grad in scaled_params_grads])
            is_finite = layers.isfinite(layers.reduce_sum(sums))
            update_loss_scaling(
                is_finite,
                self._loss_scaling,
                self._num_good_steps,
                self._num_bad_steps,
                self._incr_every_n_steps,
                self._decr_every_n_nan_or_inf,
                self._incr_ratio,
                self._decr_ratio,
            )
            with layers.Switch() as switch:
                with switch.case(is_finite):
                    pass
                with switch.default():
                    for _, grad in scaled_params_grads:
                        layers.assign(layers.zeros_like(grad), grad)
        return self._optimizer.apply_gradients(scaled_params_grads)

    def minimize(
        self, loss: Any, startup_program: Any = None, parameter_list: Any = None, no_grad_set: Any = None
    ) -> tuple[list[Any], list[list[Any]]]:
        """Return the optimizer's operators, and what `backward` returned."""
        params_grads = self.backward(
            loss, startup_program=startup_program, parameter_list=parameter_list, no_grad_set=no_grad_set
        )
        return self.apply_gradients(params_grads), params_grads


def _state(stem: str, value: float, dtype: str) -> Any:
    return layers.create_global_var(
        name=unique_name.generate(stem), shape=[1], value=value, dtype=dtype, persistable=True
    )
