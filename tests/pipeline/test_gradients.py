"""Penalties and limits on gradients: one step of fluid's SGD, with NumPy as the judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from regression import BIAS, RATE, WEIGHT, Array, Program, gradients, norm

from fluidline.errors import UsageError
from pipeline.config import TrainConfig


def moved(**options: Any) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the parameters before a step of SGD and the gradients that it must have seen."""
    program = Program(optimizer="sgd", **options)
    before = program.parameters()
    program.step()
    return before, {name: (before[name] - value) / RATE for name, value in program.parameters().items()}


@pytest.mark.parametrize(
    ("options", "weight", "bias"),
    [
        ({"l2": 0.1}, {"l2": 0.1}, {"l2": 0.1}),
        ({"l1": 0.2}, {"l1": 0.2}, {"l1": 0.2}),
        ({"l1": 0.2, "l2": 0.1}, {"l1": 0.2, "l2": 0.1}, {"l1": 0.2, "l2": 0.1}),
        ({"penalty": "fc_0.w_0:l2=0.3"}, {"l2": 0.3}, {}),
        ({"penalty": "*.b_0:l1=0.3", "l2": 0.1}, {"l2": 0.1}, {"l1": 0.3}),
        ({"penalty": "fc_0.b_0:l2=0", "l2": 0.1}, {"l2": 0.1}, {}),
        ({"penalty": "fc_*:l2=0.3,fc_0.b_?:l2=0.4,*.b_0:l1=0.2"}, {"l2": 0.3}, {"l2": 0.4, "l1": 0.2}),
    ],
)
def test_a_penalty_is_added_to_the_gradients_it_is_for(
    options: dict[str, Any], weight: dict[str, float], bias: dict[str, float]
) -> None:
    before, seen = moved(**options)
    plain = gradients(before)
    for name, penalty in ((WEIGHT, weight), (BIAS, bias)):
        p = before[name]
        expected = plain[name] + penalty.get("l1", 0) * np.sign(p) + penalty.get("l2", 0) * p
        np.testing.assert_allclose(seen[name], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["value", "norm", "global_norm"])
@pytest.mark.parametrize(("limit", "reached"), [(0.5, True), (100.0, False)])
def test_gradients_are_limited_before_the_penalty_comes(kind: str, limit: float, reached: bool) -> None:
    before, seen = moved(clip=f"{kind}={limit}", l2=0.1)
    plain = gradients(before)
    of_all = norm(np.concatenate([gradient.ravel() for gradient in plain.values()]))
    limited = {
        "value": lambda g: np.clip(g, -limit, limit),
        "norm": lambda g: g * limit / max(limit, norm(g)),
        "global_norm": lambda g: g * limit / max(limit, of_all),
    }[kind]
    for name, gradient in plain.items():
        np.testing.assert_allclose(seen[name], limited(gradient) + 0.1 * before[name], rtol=1e-5, atol=1e-6)
    assert any(not np.allclose(limited(gradient), gradient) for gradient in plain.values()) == reached


def test_a_penalty_on_a_name_that_no_parameter_has_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"penalty 'conv_\*' matches no parameter \(there are: fc_0.w_0, fc_0.b_0\)"):
        Program(penalty="fc_0.w_0:l2=0.1,conv_*:l2=0.1")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"clip": "norn=1"}, "no such clip: 'norn' (did you mean 'norm'?)"),
        ({"clip": "norm=0"}, "clip's norm is 0.0, and must be above 0"),
        ({"clip": "norm"}, "clip's norm is '', which is not a number"),
        ({"penalty": "fc_0.w_0=0.1"}, "penalty 'fc_0.w_0=0.1' is neither l1 nor l2 (as in fc_0.w_0:l2=0.001)"),
        ({"penalty": "fc_0.w_0:l2=-1"}, "penalty of fc_0.w_0 is -1.0, and must be at least 0"),
        ({"l1": -1.0}, "l1 is -1.0, and must be at least 0"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_mend(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as error:
        TrainConfig(**options)
    assert words in str(error.value)
