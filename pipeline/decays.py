"""How the learning rate falls: the factor it has when a share, from 0 up to 1, of the training's steps is done."""

from __future__ import annotations

import math
from collections.abc import Callable

DECAYS: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "quadratic": lambda done: (1.0 - done) ** 2,
    "cosine": lambda done: (1.0 + math.cos(math.pi * done)) / 2,
    "exponential": lambda done: 0.01**done,
    "steps": lambda done: 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01,
}


def factor(decay: str, warmup: float, step: int, steps: int) -> float:
    """Return what the learning rate is multiplied by at a step, counted from 0, of `steps`.

    In the first share `warmup` of the steps it rises evenly to 1; what remains is the whole of the decay.
    """
    rising = warmup * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return DECAYS[decay]((step - rising) / (steps - rising))
