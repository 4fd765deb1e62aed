"""`fluid.layers.learning_rate_scheduler`: learning rates computed in the program from a counter of its runs.

In dygraph mode each returns the object of fluid.dygraph that does the same.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

from ..data_feeder import check_type
from ..framework import Variable, default_main_program, in_dygraph_mode
from . import control_flow, nn, ops, tensor

__all__ = [
    "cosine_decay",
    "exponential_decay",
    "inverse_time_decay",
    "linear_lr_warmup",
    "natural_exp_decay",
    "noam_decay",
    "piecewise_decay",
    "polynomial_decay",
]


def _decay(eager_class: str, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function's operators as those of the learning rate; in dygraph mode, make `eager_class` instead."""

    def decorate(in_program: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(in_program)

        @functools.wraps(in_program)
        def decay(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            if in_dygraph_mode():
                from ..dygraph import learning_rate_scheduler as eager  # dygraph is built of layers

                return getattr(eager, eager_class)(**bound.arguments, **more)
            with default_main_program()._lr_schedule_guard():
                return in_program(*bound.args, **bound.kwargs)

        return decay

    return decorate


def _decay_step_counter(begin: int = 0) -> Any:
    step = nn.autoincreased_step_counter(counter_name="@LR_DECAY_COUNTER@", begin=begin, step=1)
    return tensor.cast(step, "float32")


def _periods(decay_steps: Any, staircase: bool) -> Any:
    """Return the steps so far in units of `decay_steps`, whole ones only for a staircase."""
    periods = _decay_step_counter() / decay_steps
    return ops.floor(periods) if staircase else periods


@_decay("NoamDecay")
def noam_decay(d_model: int, warmup_steps: int, learning_rate: float = 1.0) -> Any:
    """Return learning_rate d_model^-0.5 min(step^-0.5, step warmup_steps^-1.5) (Vaswani et al., arXiv:1706.03762)."""
    step = _decay_step_counter(1)
    after = step**-0.5
    before = (warmup_steps**-1.5) * step
    return learning_rate * (d_model**-0.5) * nn.elementwise_min(after, before)


@_decay("ExponentialDecay")
def exponential_decay(learning_rate: Any, decay_steps: int, decay_rate: float, staircase: bool = False) -> Any:
    """Return learning_rate decay_rate^(step / decay_steps)."""
    return learning_rate * (decay_rate ** _periods(decay_steps, staircase))


@_decay("NaturalExpDecay")
def natural_exp_decay(learning_rate: Any, decay_steps: int, decay_rate: float, staircase: bool = False) -> Any:
    """Return learning_rate exp(-decay_rate step / decay_steps)."""
    return learning_rate * ops.exp(-1 * decay_rate * _periods(decay_steps, staircase))


@_decay("InverseTimeDecay")
def inverse_time_decay(learning_rate: Any, decay_steps: int, decay_rate: float, staircase: bool = False) -> Any:
    """Return learning_rate / (1 + decay_rate step / decay_steps)."""
    return learning_rate / (1 + decay_rate * _periods(decay_steps, staircase))


@_decay("PolynomialDecay")
def polynomial_decay(
    learning_rate: Any, decay_steps: int, end_learning_rate: float = 0.0001, power: float = 1.0, cycle: bool = False
) -> Any:
    """Return (learning_rate - end) (1 - step / decay_steps)^power + end.

    Args:
        cycle: go back up at each multiple of decay_steps; the end rate stays from decay_steps on otherwise.
    """
    step = _decay_step_counter()
    if cycle:
        periods = ops.ceil(step / decay_steps)
        zero = tensor.fill_constant(shape=[1], dtype="float32", value=0.0)
        one = tensor.fill_constant(shape=[1], dtype="float32", value=1.0)
        with control_flow.Switch() as switch, switch.case(step == zero):
            tensor.assign(input=one, output=periods)
        decay_steps = decay_steps * periods
    else:
        last = tensor.fill_constant(shape=[1], dtype="float32", value=float(decay_steps))
        step = nn.elementwise_min(x=step, y=last)
    return (learning_rate - end_learning_rate) * ((1 - step / decay_steps) ** power) + end_learning_rate


@_decay("PiecewiseDecay", begin=0)
def piecewise_decay(boundaries: list[int], values: list[float]) -> Any:
    """Return values[i] as long as the step is below boundaries[i], and the last value after them all.

    Raises:
        ValueError: there is not one value more than boundaries.
    """
    if len(values) - len(boundaries) != 1:
        raise ValueError(f"piecewise_decay takes a value more than boundaries, not {len(values)} and {len(boundaries)}")
    step = _decay_step_counter()
    rate = tensor.create_global_var(shape=[1], value=0.0, dtype="float32", persistable=True, name="learning_rate")
    with control_flow.Switch() as switch:
        for boundary, value in zip(boundaries, values, strict=False):
            limit = tensor.fill_constant(shape=[1], dtype="float32", value=float(boundary), force_cpu=True)
            current = tensor.fill_constant(shape=[1], dtype="float32", value=float(value))
            with switch.case(step < limit):
                tensor.assign(current, rate)
        last = tensor.fill_constant(shape=[1], dtype="float32", value=float(values[-1]))
        with switch.default():
            tensor.assign(last, rate)
    return rate


@_decay("CosineDecay")
def cosine_decay(learning_rate: Any, step_each_epoch: int, epochs: int) -> Any:
    """Return learning_rate / 2 (cos(pi epoch / epochs) + 1), with epoch = step // step_each_epoch."""
    check_type(learning_rate, "learning_rate", (float, Variable), "cosine_decay")
    epoch = ops.floor(_decay_step_counter() / step_each_epoch)
    return learning_rate * 0.5 * (ops.cos(epoch * math.pi / epochs) + 1)


@_decay("LinearLrWarmup")
def linear_lr_warmup(learning_rate: Any, warmup_steps: int, start_lr: float, end_lr: float) -> Any:
    """Return a rate that rises from start_lr to end_lr in the first warmup_steps, and is `learning_rate` after them.

    Args:
        learning_rate: float, or another decay's Variable.
    """
    dtype = learning_rate.dtype if isinstance(learning_rate, Variable) else "float32"
    rise = float(end_lr) - float(start_lr)
    rate = tensor.create_global_var(shape=[1], value=0.0, dtype=dtype, persistable=True, name="learning_rate_warmup")
    step = _decay_step_counter()
    with control_flow.Switch() as switch:
        with switch.case(step < warmup_steps):
            tensor.assign(start_lr + rise * (step / float(warmup_steps)), rate)
        with switch.default():
            if not isinstance(learning_rate, Variable):
                learning_rate = tensor.fill_constant(shape=[1], dtype=dtype, value=float(learning_rate))
            tensor.assign(learning_rate, rate)
    return rate
