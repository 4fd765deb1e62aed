"""How the learning rate falls: the rate of each step, which hangs on the step alone.

Six decays know how long the training is and need no more. The others are fluid's, under its names and with its arguments
as settings; those that count steps or passes take the training's where they are not given. `learning_rate` is the
training's, always.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fluidline.errors import UsageError
from pipeline.settings import NONE, Setting, parse_choice, parse_settings

if TYPE_CHECKING:
    from pipeline.config import TrainConfig


@dataclass(frozen=True)
class Moment:
    """Where a training stands: at `step`, from 0 up to `steps`; a pass has `of_pass` of them."""

    rate: float  # the learning rate at its highest
    step: float
    steps: float
    of_pass: float

    @property
    def done(self) -> float:
        return self.step / self.steps


@dataclass(frozen=True)
class Decay:
    """A row of the table: the learning rate at a moment, given the settings by name."""

    rate: Callable[..., float]
    settings: Mapping[str, Setting] = field(default_factory=dict)


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """Return the decay in `name:key=value,...` and its settings. Raises UsageError that names what is wrong."""
    name, settings = parse_choice("decay", text, {name: row.settings for name, row in DECAYS.items()})
    if "values" in settings and len(settings["values"]) != len(settings["boundaries"]) + 1:
        raise UsageError(
            f"{name} wants a value more than boundaries, as in {name}:boundaries=100/200,values=1/0.1/0.01"
        )
    for key in ("boundaries", "milestones"):
        if (counts := settings.get(key, ())) != tuple(sorted(counts)):
            raise UsageError(f"{name}'s {key} are {'/'.join(map(str, counts))}, and must grow")
    return name, settings


def parse_warmup(text: str) -> dict[str, Any] | None:
    """Return the settings of a linear_lr_warmup, None for 'none'. Raises UsageError that names what is wrong."""
    return None if text == NONE else parse_settings("linear_lr_warmup", text, _LINEAR_LR_WARMUP)


def schedule(config: TrainConfig, steps: int) -> Callable[[int], float]:
    """Return the function that gives the learning rate of a step, counted from 0, in a training of `steps`.

    In the first share `warmup` of the steps the rate rises evenly to where the decay begins; what remains is the whole
    of the decay. A linear_lr_warmup is fluid's: the decay goes on behind it, and is seen when it ends.
    """
    name, settings = parse(config.decay)
    rising = config.warmup * steps

    def decayed(step: float) -> float:
        moment = Moment(config.learning_rate, step, steps - rising, steps / config.epochs)
        return DECAYS[name].rate(moment, **settings)

    def risen(step: int) -> float:
        return decayed(0) * ((step + 1) / (rising + 1)) if step < rising else decayed(step - rising)

    linear = parse_warmup(config.linear_lr_warmup)
    return _behind_warmup(decayed, config.learning_rate, **linear) if linear else risen


_LINEAR_LR_WARMUP = {
    "warmup_steps": Setting(int, least=1),
    "start_lr": Setting(least=0, default=0.0),
    "end_lr": Setting(least=0, optional=True),
}


def _behind_warmup(
    decayed: Callable[[float], float], rate: float, warmup_steps: int, start_lr: float, end_lr: float | None
) -> Callable[[int], float]:
    rise = (rate if end_lr is None else end_lr) - start_lr
    return lambda step: start_lr + rise * (step / warmup_steps) if step < warmup_steps else decayed(step)


def _noam(now: Moment, d_model: int, warmup_steps: int) -> float:
    step = now.step + 1
    return now.rate * d_model**-0.5 * min(step**-0.5, step * warmup_steps**-1.5)


def _periods(now: Moment, decay_steps: int | None, staircase: bool) -> float:
    periods = now.step / (decay_steps or now.steps)
    return math.floor(periods) if staircase else periods


def _exponential(now: Moment, decay_rate: float, **periods: Any) -> float:
    return now.rate * decay_rate ** _periods(now, **periods)


def _natural_exp(now: Moment, decay_rate: float, **periods: Any) -> float:
    return now.rate * math.exp(-decay_rate * _periods(now, **periods))


def _inverse_time(now: Moment, decay_rate: float, **periods: Any) -> float:
    return now.rate / (1 + decay_rate * _periods(now, **periods))


def _polynomial(now: Moment, decay_steps: int | None, end_learning_rate: float, power: float, cycle: bool) -> float:
    length = decay_steps or now.steps
    if cycle:
        length *= max(1, math.ceil(now.step / length))
    left = 1 - min(now.step, length) / length
    return (now.rate - end_learning_rate) * left**power + end_learning_rate


def _piecewise(now: Moment, boundaries: tuple[int, ...], values: tuple[float, ...]) -> float:
    return values[bisect_right(boundaries, now.step)]


def _cosine(now: Moment, step_each_epoch: int | None, epochs: int | None) -> float:
    epoch = math.floor(now.step / (step_each_epoch or now.of_pass))
    return now.rate * 0.5 * (math.cos(epoch * math.pi / (epochs or now.steps / now.of_pass)) + 1)


def _step(now: Moment, step_size: int, decay_rate: float) -> float:
    return now.rate * decay_rate ** (now.step // now.of_pass // step_size)


def _multi_step(now: Moment, milestones: tuple[int, ...], decay_rate: float) -> float:
    return now.rate * decay_rate ** bisect_right(milestones, now.step // now.of_pass)


def _share_of_highest(factor: Callable[[float], float]) -> Decay:
    """Return the decay that multiplies the rate by a factor of the share of the steps that is done, 0 up to 1."""
    return Decay(lambda now: now.rate * factor(now.done))


_COUNT = Setting(int, least=1)
_COUNTED = Setting(int, least=1, optional=True)  # from the training unless given
_COUNTS = Setting(int, least=0, many=True)
_NO = Setting(bool, default=False)
_PERIODS = {"decay_steps": _COUNTED, "decay_rate": Setting(above=0), "staircase": _NO}
_TENTH = Setting(above=0, below=1, default=0.1)

DECAYS = {
    "constant": _share_of_highest(lambda done: 1.0),
    "linear": _share_of_highest(lambda done: 1.0 - done),
    "quadratic": _share_of_highest(lambda done: (1.0 - done) ** 2),
    "cosine": _share_of_highest(lambda done: (1.0 + math.cos(math.pi * done)) / 2),
    "exponential": _share_of_highest(lambda done: 0.01**done),
    "steps": _share_of_highest(lambda done: 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01),
    "noam_decay": Decay(_noam, {"d_model": _COUNT, "warmup_steps": _COUNT}),
    "exponential_decay": Decay(_exponential, {**_PERIODS, "decay_rate": Setting(above=0, most=1)}),
    "natural_exp_decay": Decay(_natural_exp, _PERIODS),
    "inverse_time_decay": Decay(_inverse_time, _PERIODS),
    "polynomial_decay": Decay(
        _polynomial,
        {
            "decay_steps": _COUNTED,
            "end_learning_rate": Setting(least=0, default=0.0001),
            "power": Setting(above=0, default=1.0),
            "cycle": _NO,
        },
    ),
    "piecewise_decay": Decay(_piecewise, {"boundaries": _COUNTS, "values": Setting(least=0, many=True)}),
    "cosine_decay": Decay(_cosine, {"step_each_epoch": _COUNTED, "epochs": _COUNTED}),
    "step_decay": Decay(_step, {"step_size": _COUNT, "decay_rate": _TENTH}),
    "multi_step_decay": Decay(_multi_step, {"milestones": _COUNTS, "decay_rate": _TENTH}),
}
