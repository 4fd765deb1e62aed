"""`fluid.dygraph.learning_rate_scheduler`: learning rates that change from step to step, or from epoch to epoch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from .. import layers, unique_name
from ..data_feeder import check_type
from ..framework import Variable

__all__ = [
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LambdaDecay",
    "LinearLrWarmup",
    "MultiStepDecay",
    "NaturalExpDecay",
    "NoamDecay",
    "PiecewiseDecay",
    "PolynomialDecay",
    "ReduceLROnPlateau",
    "StepDecay",
]


class LearningRateDecay:
    """Base: a call returns the learning rate of this step, and moves on to the next.

    Args:
        begin: number of the first step.
        step: by how much the number grows.
        dtype: of the learning rate.
    """

    keys = ("step_num",)

    def __init__(self, begin: int = 0, step: int = 1, dtype: str = "float32") -> None:
        self.step_num = begin
        self.step_size = step
        self.dtype = dtype

    def __call__(self) -> Any:
        rate = self.step()
        if isinstance(rate, float):
            rate = self.create_lr_var(rate)
        self.step_num += self.step_size
        return rate

    def step(self) -> Any:
        """Return the learning rate of this step, a number or a Variable."""
        raise NotImplementedError

    def create_lr_var(self, lr: Any) -> Any:
        """Return a number as a Variable of shape (1,)."""
        return layers.create_global_var(
            name=unique_name.generate("learning_rate"),
            shape=[1],
            value=float(lr),
            dtype=self.dtype,
            persistable=False,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return where the decay stands, in numbers."""
        self._state_keys()
        state = {}
        for key in self.keys:
            if key not in self.__dict__:
                continue
            value = self.__dict__[key]
            if isinstance(value, Variable):
                assert value.shape == [1], f"{key} has the shape {value.shape}, and a state only (1,)"
                value = value.numpy()[0]
            state[key] = value
        return state

    def set_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from where `state_dict` says.

        Raises:
            RuntimeError: it is the state of another decay.
        """
        self._state_keys()
        for key in self.keys:
            if key not in state_dict:
                raise RuntimeError(f"there is no {key} in the state: it is not that of a {type(self).__name__}")
            self.__dict__[key] = state_dict[key]
        if len(state_dict) > len(self.keys):
            warnings.warn(f"the state is of another decay than {type(self).__name__}: not all is used", stacklevel=2)

    set_state_dict = set_dict

    def _state_keys(self) -> None:
        """Set `keys`, the attributes that `state_dict` returns."""


# --- from step to step ------------------------------------------------------------------------------------------------


class PiecewiseDecay(LearningRateDecay):
    """values[i] until step boundaries[i], and the last one from then on."""

    def __init__(
        self, boundaries: list[int], values: list[float], begin: int, step: int = 1, dtype: str = "float32"
    ) -> None:
        super().__init__(begin, step, dtype)
        self.boundaries = boundaries
        self.values = values
        self.vars = list(values)

    def step(self) -> Any:
        for boundary, rate in zip(self.boundaries, self.vars, strict=False):
            if self.step_num < boundary:
                return rate
        return self.create_lr_var(self.vars[len(self.values) - 1])


class _RateDecay(LearningRateDecay):
    """A decay by `decay_rate` over `decay_steps`; with `staircase`, in whole steps of them."""

    def __init__(
        self,
        learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        begin: int = 0,
        step: int = 1,
        dtype: str = "float32",
    ) -> None:
        super().__init__(begin, step, dtype)
        self.learning_rate = learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase

    def step(self) -> Any:
        passed = self.create_lr_var(self.step_num / self.decay_steps)
        return self._decayed(layers.floor(passed) if self.staircase else passed)

    def _decayed(self, passed: Any) -> Any:
        """Return the learning rate after `passed` times decay_steps."""
        raise NotImplementedError


class NaturalExpDecay(_RateDecay):
    """learning_rate * e^(-decay_rate * step / decay_steps)."""

    def _decayed(self, passed: Any) -> Any:
        return self.learning_rate * layers.exp(-1 * self.decay_rate * passed)


class ExponentialDecay(_RateDecay):
    """learning_rate * decay_rate^(step / decay_steps)."""

    def _decayed(self, passed: Any) -> Any:
        return self.learning_rate * self.decay_rate**passed


class InverseTimeDecay(_RateDecay):
    """learning_rate / (1 + decay_rate * step / decay_steps)."""

    def _decayed(self, passed: Any) -> Any:
        return self.learning_rate / (1 + self.decay_rate * passed)


class PolynomialDecay(LearningRateDecay):
    """From learning_rate to end_learning_rate along a polynomial, within decay_steps.

    Args:
        cycle: begin again, over as many more steps, whenever they are over.
    """

    def __init__(
        self,
        learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        begin: int = 0,
        step: int = 1,
        dtype: str = "float32",
    ) -> None:
        super().__init__(begin, step, dtype)
        self.learning_rate = learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle

    def step(self) -> Any:
        step, steps = self.step_num, self.decay_steps
        if self.cycle:
            rounds = layers.ceil(self.create_lr_var(step / float(steps)))
            steps = steps * (rounds if step else self.create_lr_var(1.0))
        else:
            step = self.create_lr_var(min(step, steps))
        span = self.learning_rate - self.end_learning_rate
        return span * (1 - step / steps) ** self.power + self.end_learning_rate


class CosineDecay(LearningRateDecay):
    """learning_rate / 2 * (1 + cos(pi * epoch / epochs)), where an epoch is step_each_epoch steps."""

    def __init__(
        self,
        learning_rate: float,
        step_each_epoch: int,
        epochs: int,
        begin: int = 0,
        step: int = 1,
        dtype: str = "float32",
    ) -> None:
        super().__init__(begin, step, dtype)
        self.learning_rate = learning_rate
        self.step_each_epoch = step_each_epoch
        self.epochs = epochs

    def step(self) -> Any:
        epoch = layers.floor(self.create_lr_var(self.step_num / self.step_each_epoch))
        return self.learning_rate * 0.5 * (layers.cos(epoch * math.pi / self.epochs) + 1)


class NoamDecay(LearningRateDecay):
    """learning_rate / sqrt(d_model) * min(1 / sqrt(step), step / warmup_steps^1.5) (Vaswani et al., arXiv:1706.03762)."""

    def __init__(
        self,
        d_model: int,
        warmup_steps: int,
        begin: int = 1,
        step: int = 1,
        dtype: str = "float32",
        learning_rate: float = 1.0,
    ) -> None:
        super().__init__(begin, step, dtype)
        self.learning_rate = learning_rate
        self.d_model = d_model
        self.warmup_steps = warmup_steps

    def step(self) -> Any:
        falling = self.create_lr_var(self.step_num**-0.5)
        rising = self.create_lr_var(self.warmup_steps**-1.5 * self.step_num)
        return self.learning_rate * self.d_model**-0.5 * layers.elementwise_min(falling, rising)


class LinearLrWarmup(LearningRateDecay):
    """(end_lr - start_lr) * step / warmup_steps until warmup_steps, then `learning_rate`.

    As in 1.8, the warm-up starts at zero, whatever start_lr is.

    Args:
        learning_rate: a number, or another decay.

    Raises:
        TypeError: it is neither.
        AssertionError: end_lr is not above start_lr.
    """

    def __init__(
        self,
        learning_rate: Any,
        warmup_steps: int,
        start_lr: float,
        end_lr: float,
        begin: int = 1,
        step: int = 1,
        dtype: str = "float32",
    ) -> None:
        super().__init__(begin, step, dtype)
        if not isinstance(learning_rate, float | int | LearningRateDecay):
            raise TypeError(f"learning_rate is a number or a LearningRateDecay, not {learning_rate!r}")
        assert end_lr > start_lr, f"end_lr is above start_lr, which {end_lr} and {start_lr} are not"
        self.learning_rate = learning_rate
        self.warmup_steps = warmup_steps
        self.lr_ratio_before_warmup = (float(end_lr) - float(start_lr)) / float(warmup_steps)

    def step(self) -> Any:
        # The decay that comes after moves on from the first step, as it did in 1.8.
        rate = self.learning_rate() if isinstance(self.learning_rate, LearningRateDecay) else self.learning_rate
        return self.lr_ratio_before_warmup * self.step_num if self.step_num < self.warmup_steps else rate


# --- from epoch to epoch ----------------------------------------------------------------------------------------------


class ReduceLROnPlateau(LearningRateDecay):
    """Times decay_rate whenever `step(loss)` saw no better loss for more than `patience` epochs.

    Args:
        mode: "min" or "max" is better.
        threshold: by how much better.
        threshold_mode: "rel" takes it as a part of the best loss, "abs" as it is.
        cooldown: epochs that do not count after a change.
        min_lr: the lowest learning rate.
        eps: a change by no more is not made.

    Raises:
        ValueError: another mode, or a decay_rate of 1 or more.
        TypeError: a learning_rate that is no number.
    """

    keys = ("cooldown_counter", "best_loss", "num_bad_epochs", "epoch_num", "learning_rate")

    def __init__(
        self,
        learning_rate: Any,
        mode: str = "min",
        decay_rate: float = 0.1,
        patience: int = 10,
        verbose: bool = False,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0,
        eps: float = 1e-8,
        dtype: str = "float32",
    ) -> None:
        super().__init__(dtype=dtype)
        self.mode, self.threshold_mode = mode.lower(), threshold_mode.lower()
        if self.mode not in ("min", "max"):
            raise ValueError(f"mode is 'min' or 'max', not {mode!r}")
        if decay_rate >= 1.0:
            raise ValueError(f"decay_rate is below 1, not {decay_rate}")
        if self.threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode is 'rel' or 'abs', not {threshold_mode!r}")
        if not isinstance(learning_rate, float | int | Variable):
            raise TypeError(f"learning_rate is a number or a Variable, not {learning_rate!r}")
        self.decay_rate = self.create_lr_var(decay_rate)
        self.min_lr = self.create_lr_var(min_lr)
        self.learning_rate = learning_rate
        self.verbose = verbose
        self.patience = patience
        self.threshold = threshold
        self.cooldown = cooldown
        self.eps = eps
        self.cooldown_counter = 0
        self.best_loss: Any = None
        self.num_bad_epochs = 0
        self.epoch_num = 0

    def __call__(self) -> Any:
        if not isinstance(self.learning_rate, Variable):
            self.learning_rate = self.create_lr_var(self.learning_rate)
        return self.learning_rate

    def step(self, loss: Any) -> None:
        """Take notice of the loss of an epoch, of shape (1,)."""
        check_type(loss, "loss", Variable, "ReduceLROnPlateau.step")
        assert list(loss.shape) == [1], f"the loss has the shape (1,), not {tuple(loss.shape)}: average it first"
        self.epoch_num += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            return
        if self.best_loss is None or self._is_better(loss, self.best_loss):
            self.best_loss = loss
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
            self._reduce()

    def _reduce(self) -> None:
        old = self()
        new = layers.elementwise_max(old * self.decay_rate, self.min_lr)
        if old - new > self.eps:
            if self.verbose:
                print(f"Epoch {self.epoch_num}: reducing learning rate from {old.numpy()[0]} to {new.numpy()[0]}.")
            self.learning_rate = new

    def _is_better(self, current: Any, best: Any) -> Any:
        margin = best * self.threshold if self.threshold_mode == "rel" else self.threshold
        return current < best - margin if self.mode == "min" else current > best + margin


class _LearningRateEpochDecay(LearningRateDecay):
    """Base of those that move on when `epoch()` is called, at the end of each.

    Raises:
        TypeError: a learning_rate that is no number.
        ValueError: a negative one.
    """

    keys = ("epoch_num", "learning_rate")

    def __init__(self, learning_rate: float, dtype: str | None = None) -> None:
        if not isinstance(learning_rate, float | int):
            raise TypeError(f"learning_rate is a number, not {learning_rate!r}")
        if learning_rate < 0:
            raise ValueError(f"learning_rate is not negative, and {learning_rate} is")
        self.base_lr = float(learning_rate)
        self.epoch_num = -1
        self.dtype = dtype or "float32"
        self.learning_rate = self.create_lr_var(self.base_lr)
        self.epoch()

    def __call__(self) -> Any:
        if not isinstance(self.learning_rate, Variable):
            self.learning_rate = self.create_lr_var(self.learning_rate)
        return self.learning_rate

    def epoch(self, epoch: int | None = None) -> None:
        """Go on to the next epoch, or to the one given."""
        self.epoch_num = self.epoch_num + 1 if epoch is None else epoch
        self.learning_rate = self.get_lr()

    def get_lr(self) -> Any:
        """Return the learning rate of epoch `epoch_num`, a number or a Variable."""
        raise NotImplementedError


class StepDecay(_LearningRateEpochDecay):
    """Times decay_rate every step_size epochs."""

    def __init__(self, learning_rate: float, step_size: int, decay_rate: float = 0.1) -> None:
        if not isinstance(step_size, int):
            raise TypeError(f"step_size is an integer, not {step_size!r}")
        _check_below_one(decay_rate)
        self.step_size = step_size
        self.decay_rate = decay_rate
        super().__init__(learning_rate)

    def get_lr(self) -> Any:
        return self.base_lr * self.create_lr_var(self.decay_rate) ** (self.epoch_num // self.step_size)


class MultiStepDecay(_LearningRateEpochDecay):
    """Times decay_rate at each epoch in `milestones`, which grow."""

    def __init__(self, learning_rate: float, milestones: list[int], decay_rate: float = 0.1) -> None:
        if not isinstance(milestones, tuple | list):
            raise TypeError(f"milestones is a list, not {milestones!r}")
        if any(one >= next_one for one, next_one in pairwise(milestones)):
            raise ValueError(f"milestones grow from one to the next, which {milestones} do not")
        _check_below_one(decay_rate)
        self.milestones = milestones
        self.decay_rate = decay_rate
        super().__init__(learning_rate)

    def get_lr(self) -> Any:
        passed = sum(self.epoch_num >= milestone for milestone in self.milestones)
        return self.base_lr * self.create_lr_var(self.decay_rate) ** passed


class LambdaDecay(_LearningRateEpochDecay):
    """learning_rate times what `lr_lambda` returns for the epoch."""

    def __init__(self, learning_rate: float, lr_lambda: Callable[[int], float]) -> None:
        if not callable(lr_lambda):
            raise TypeError(f"lr_lambda is a function of the epoch, not {lr_lambda!r}")
        self.lr_lambda = lr_lambda
        super().__init__(learning_rate)

    def get_lr(self) -> Any:
        return self.base_lr * self.lr_lambda(self.epoch_num)


def _check_below_one(decay_rate: float) -> None:
    if decay_rate >= 1.0:
        raise ValueError(f"decay_rate is below 1, not {decay_rate}")
