"""`fluid.contrib.mixed_precision.fp16_utils`: how the scale of a loss is learnt."""

from __future__ import annotations

from typing import Any

from ... import layers


def update_loss_scaling(
    is_overall_finite: Any,
    prev_loss_scaling: Any,
    num_good_steps: Any,
    num_bad_steps: Any,
    incr_every_n_steps: Any,
    decr_every_n_nan_or_inf: Any,
    incr_ratio: float,
    decr_ratio: float,
) -> None:
    """Count steps that were finite and that were not, and change the scale after so many of them.

    Args:
        is_overall_finite: bool Variable, (1,).
        prev_loss_scaling: the scale, float32, (1,); stays finite, and 1 or more.
        num_good_steps, num_bad_steps, incr_every_n_steps, decr_every_n_nan_or_inf: int32 Variables, (1,).
    """
    zero = layers.fill_constant(shape=[1], dtype="int32", value=0)

    def start_again() -> None:
        layers.assign(zero, num_good_steps)
        layers.assign(zero, num_bad_steps)

    with layers.Switch() as switch:
        with switch.case(is_overall_finite):
            grows = layers.less_than(incr_every_n_steps, num_good_steps + 1)
            with layers.Switch() as growing:
                with growing.case(grows):
                    larger = prev_loss_scaling * incr_ratio
                    _assign_where(layers.isfinite(larger), larger, prev_loss_scaling)
                    start_again()
                with growing.default():
                    layers.increment(num_good_steps)
                    layers.assign(zero, num_bad_steps)
        with switch.default():
            shrinks = layers.less_than(decr_every_n_nan_or_inf, num_bad_steps + 1)
            with layers.Switch() as shrinking:
                with shrinking.case(shrinks):
                    smaller = prev_loss_scaling * decr_ratio
                    least = layers.fill_constant(shape=[1], dtype="float32", value=1.0)
                    _assign_where(layers.less_than(smaller, least), least, prev_loss_scaling, otherwise=smaller)
                    start_again()
                with shrinking.default():
                    layers.assign(zero, num_good_steps)
                    layers.increment(num_bad_steps)


def _assign_where(condition: Any, value: Any, output: Any, otherwise: Any = None) -> None:
    with layers.Switch() as switch:
        with switch.case(condition):
            layers.assign(value, output)
        with switch.default():
            if otherwise is not None:
                layers.assign(otherwise, output)
