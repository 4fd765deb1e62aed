"""What an optimizer offers in dygraph mode alone: its state, its current learning rate, and fresh gradients."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import layers
from ..framework import _current_expected_place, _dygraph_tracer, dygraph_only, in_dygraph_mode


def is_decay(learning_rate: Any) -> bool:
    """Whether a learning rate is one of the decays of fluid.dygraph."""
    from ..dygraph.learning_rate_scheduler import LearningRateDecay  # dygraph imports the optimizers

    return isinstance(learning_rate, LearningRateDecay)


def _counts_epochs(learning_rate: Any) -> bool:
    from ..dygraph.learning_rate_scheduler import _LearningRateEpochDecay

    return isinstance(learning_rate, _LearningRateEpochDecay)


def finds_parameters_itself() -> bool:
    """Whether a layer was made as in 1.5 and 1.6, when optimizers updated all parameters that there were."""
    return getattr(_dygraph_tracer(), "made_of_old", False)


def with_grad_clip_of_1_6(minimize: Callable[..., Any]) -> Callable[..., Any]:
    """Let `minimize` also take the grad_clip that 1.5 to 1.7 gave to it."""

    @functools.wraps(minimize)
    def minimize_clipped(self: Any, *args: Any, grad_clip: Any = None, **kwargs: Any) -> Any:
        if grad_clip is None:
            return minimize(self, *args, **kwargs)
        before, self._grad_clip = self._grad_clip, grad_clip
        try:
            return minimize(self, *args, **kwargs)
        finally:
            self._grad_clip = before

    return minimize_clipped


class DygraphState:
    """The part of an Optimizer that works on its `_accumulators`, `_learning_rate` and `_parameter_list` in dygraph."""

    @dygraph_only
    def state_dict(self) -> dict[str, Any]:
        """Return the accumulators by name, with the decay's state where the learning rate is one."""
        state = {var.name: var for by_param in self._accumulators.values() for var in by_param.values()}
        if is_decay(self._learning_rate):
            state["LR_Scheduler"] = self._learning_rate.state_dict()
            if not _counts_epochs(self._learning_rate):
                state["global_step"] = layers.fill_constant([1], "int32", self._learning_rate.step_num)
        return state

    @dygraph_only
    def set_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; accumulators that do not exist yet start from it.

        Raises:
            AssertionError: an accumulator is missing in `state_dict`, or has another shape or dtype there.
        """
        if is_decay(self._learning_rate):
            self._learning_rate.set_dict(state_dict["LR_Scheduler"])
            if not _counts_epochs(self._learning_rate):
                self._learning_rate.step_num = int(_array(state_dict["global_step"]).item())
        self._accumulators_holder = state_dict
        for by_param in self._accumulators.values():
            for var in by_param.values():
                assert var.name in state_dict, f"optimizer variable {var.name} not found"
                value = _array(state_dict[var.name])
                now = var.numpy()
                assert (now.shape, now.dtype) == (value.shape, value.dtype), (
                    f"optimizer variable {var.name} is {now.dtype} {now.shape}, "
                    f"and {value.dtype} {value.shape} in the state"
                )
                var.value().get_tensor().set(value, _current_expected_place())

    set_state_dict = set_dict

    @dygraph_only
    def current_step_lr(self) -> Any:
        """Return the learning rate that the last step used, or that the first one will."""
        rate = self._global_learning_rate()
        if rate is None:
            rate = self._learning_rate
        if _counts_epochs(rate):
            rate = rate()
        elif is_decay(rate):
            rate = rate.step()
        return rate if isinstance(rate, float | int) else rate.numpy()[0]

    @dygraph_only
    def clear_gradients(self) -> None:
        """Forget the gradients of all parameters."""
        for param in self._parameters():
            if param.trainable:
                param.clear_gradient()

    def _parameters(self) -> list[Any]:
        return _dygraph_tracer().all_parameters() if self._parameter_list is None else self._parameter_list

    def _restore_accumulator(self, var: Any) -> None:
        """Give a new accumulator the value that `set_dict` brought."""
        if in_dygraph_mode() and self._accumulators_holder:
            assert var.name in self._accumulators_holder, f"optimizer variable {var.name} not found in the state"
            var.set_value(self._accumulators_holder[var.name])


def _array(value: Any) -> np.ndarray:
    return value if isinstance(value, np.ndarray) else np.asarray(value.numpy())
