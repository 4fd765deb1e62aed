"""How the learning rate falls: the factor it has when a share, from 0 up to 1, of the training's steps is done."""

from __future__ import annotations

from collections.abc import Callable

DECAYS: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
}
