"""What a step of each optimizer does to the parameters: fluid's programs, with NumPy as the judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from regression import BIAS, RATE, WEIGHT, Array, Program, gradients, norm

from fluidline.errors import UsageError
from pipeline.config import TrainConfig
from pipeline.optimizers import NOISE, OPTIMIZERS

State = dict[str, Any]

STEPS = 4


def sgd(p: Array, g: Array, s: State) -> Array:
    return p - RATE * g


def momentum(p: Array, g: Array, s: State) -> Array:
    s["v"] = 0.8 * s.get("v", 0) + g
    return p - RATE * s["v"]


def nesterov(p: Array, g: Array, s: State) -> Array:
    s["v"] = 0.9 * s.get("v", 0) + g
    return p - RATE * (g + 0.9 * s["v"])


def lars_momentum(p: Array, g: Array, s: State) -> Array:
    rate = RATE * 0.01 * norm(p) / (norm(g) + 0.1 * norm(p))
    s["v"] = 0.9 * s.get("v", 0) + rate * (g + 0.1 * p)
    return p - s["v"]


def adagrad(p: Array, g: Array, s: State) -> Array:
    s["m"] = s.get("m", 0.5) + g**2
    return p - RATE * g / (np.sqrt(s["m"]) + 1e-6)


def decayed_adagrad(p: Array, g: Array, s: State) -> Array:
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g**2
    return p - RATE * g / (np.sqrt(s["m"]) + 0.01)


def adadelta(p: Array, g: Array, s: State) -> Array:
    s["g"] = 0.9 * s.get("g", 0) + 0.1 * g**2
    update = g * np.sqrt((s.get("u", 0) + 0.001) / (s["g"] + 0.001))
    s["u"] = 0.9 * s.get("u", 0) + 0.1 * update**2
    return p - g * np.sqrt((s["u"] + 0.001) / (s["g"] + 0.001))  # fluid's step sees the mean with this step in it


def rmsprop(p: Array, g: Array, s: State) -> Array:
    s["m"] = 0.95 * s.get("m", 0) + 0.05 * g**2
    s["v"] = 0.5 * s.get("v", 0) + RATE * g / np.sqrt(s["m"] + 1e-6)
    return p - s["v"]


def centered_rmsprop(p: Array, g: Array, s: State) -> Array:
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g**2
    s["g"] = 0.9 * s.get("g", 0) + 0.1 * g
    return p - RATE * g / np.sqrt(s["m"] - s["g"] ** 2 + 0.001)


def adam_moments(g: Array, s: State, beta1: float, beta2: float) -> tuple[Array, Array]:
    """Return both moments, corrected for their start at zero."""
    s["t"] = s.get("t", 0) + 1
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g**2
    return s["m"] / (1 - beta1 ** s["t"]), s["v"] / (1 - beta2 ** s["t"])


def adam(p: Array, g: Array, s: State) -> Array:
    first, second = adam_moments(g, s, 0.8, 0.99)
    return p - RATE * first / (np.sqrt(second) + 1e-8)


def adamax(p: Array, g: Array, s: State) -> Array:
    first, _ = adam_moments(g, s, 0.9, 0.999)
    s["u"] = np.maximum(np.abs(g), 0.999 * s.get("u", 0))
    return p - RATE * first / s["u"]


def lamb(p: Array, g: Array, s: State) -> Array:
    adam_moments(g, s, 0.9, 0.999)
    update = s["m"] / (np.sqrt(s["v"]) + 1e-6) + 0.1 * p  # fluid's does not correct the moments for their start
    return p - RATE * norm(p) / norm(update) * update


def ftrl(p: Array, g: Array, s: State) -> Array:
    before = s.get("n", 0)
    s["n"] = before + g**2
    s["z"] = s.get("z", 0) + g - (np.sqrt(s["n"]) - np.sqrt(before)) / RATE * p
    shrunk = (0.01 * np.sign(s["z"]) - s["z"]) / (np.sqrt(s["n"]) / RATE + 2 * 0.01)
    return np.where(np.abs(s["z"]) > 0.01, shrunk, 0)


def dpsgd(p: Array, g: Array, s: State) -> Array:
    return p - RATE * g / max(1, norm(g) / 0.5)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"optimizer": "sgd"}, sgd),
        ({"optimizer": "momentum", "momentum": 0.8}, momentum),
        ({"optimizer": "momentum:momentum=0.8"}, momentum),
        ({"optimizer": "momentum:use_nesterov=1"}, nesterov),
        ({"optimizer": "lars_momentum:lars_coeff=0.01,lars_weight_decay=0.1"}, lars_momentum),
        ({"optimizer": "adagrad:initial_accumulator_value=0.5"}, adagrad),
        ({"optimizer": "decayed_adagrad:decay=0.9,epsilon=0.01"}, decayed_adagrad),
        ({"optimizer": "adadelta:rho=0.9,epsilon=0.001"}, adadelta),
        ({"optimizer": "rmsprop", "momentum": 0.5}, rmsprop),
        ({"optimizer": "rmsprop:rho=0.9,epsilon=0.001,centered=1"}, centered_rmsprop),
        ({"optimizer": "adam:beta1=0.8,beta2=0.99"}, adam),
        ({"optimizer": "adamax"}, adamax),
        ({"optimizer": "lamb:lamb_weight_decay=0.1"}, lamb),
        ({"optimizer": "ftrl:l1=0.01"}, ftrl),
        ({"optimizer": "dpsgd:clip=0.5,sigma=0"}, dpsgd),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_step_is_what_the_formula_says(options: dict[str, Any], rule: Callable[[Array, Array, State], Array]) -> None:
    program = Program(**options)
    expected = program.parameters()
    states: dict[str, State] = {name: {} for name in expected}
    for _ in range(STEPS):
        gradient = gradients(expected)
        expected = {name: rule(value, gradient[name], states[name]) for name, value in expected.items()}
        program.step()
    for name, value in program.parameters().items():
        np.testing.assert_allclose(value, expected[name], rtol=2e-5, atol=1e-6)


def test_the_noise_of_dpsgd_is_the_one_fed_a_number_for_each_parameter() -> None:
    program = Program(optimizer="dpsgd:clip=0.5,sigma=2,batch_size=4")
    before, drawn = program.parameters(), {WEIGHT: -0.5, BIAS: 1.5}
    assert program.noise == len(before)
    program.step(**{NOISE: np.array([drawn[WEIGHT], drawn[BIAS]], np.float32)})
    gradient, after = gradients(before), program.parameters()
    for name, noise in drawn.items():
        np.testing.assert_allclose(
            after[name], dpsgd(before[name], gradient[name], {}) - RATE * noise * 2 / 4, rtol=2e-5
        )


def test_every_optimizer_of_the_table_is_judged_above() -> None:
    judged = {rule.__name__ for rule in (
        sgd, momentum, lars_momentum, adagrad, decayed_adagrad, adadelta, rmsprop, adam, adamax, lamb, ftrl, dpsgd,
    )}  # fmt: skip
    assert set(OPTIMIZERS) == judged


def test_lookahead_goes_back_part_of_the_way_every_k_steps() -> None:
    plain, program = Program(optimizer="sgd"), Program(optimizer="sgd", lookahead="k=2,alpha=0.25")
    slow = program.parameters()
    for _ in range(2):
        plain.step()
        program.step()
    for name, fast in plain.parameters().items():
        np.testing.assert_allclose(program.parameters()[name], 0.25 * fast + 0.75 * slow[name], rtol=1e-5)


def test_an_optimizer_that_is_not_the_recipes_brings_its_own_learning_rate() -> None:
    assert TrainConfig(model="mlp").learning_rate == TrainConfig(model="mlp", optimizer="adam").learning_rate == 0.002
    assert TrainConfig(model="mlp", optimizer="sgd").learning_rate == OPTIMIZERS["sgd"].learning_rate
    assert TrainConfig(model="mlp", optimizer="sgd", learning_rate=0.5).learning_rate == 0.5


def test_ftrl_keeps_its_rate_unless_told_as_its_parameters_fall_with_it() -> None:
    assert TrainConfig(model="mlp", optimizer="ftrl").decay == "constant"
    assert TrainConfig(model="mlp", optimizer="ftrl", decay="cosine").decay == "cosine"
    assert TrainConfig(model="mlp", optimizer="sgd").decay == TrainConfig(model="mlp").decay


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"optimizer": "sdg"}, "no such optimizer: 'sdg' (did you mean 'sgd'?)"),
        ({"optimizer": "sgd:momentum=0.9"}, "sgd has no setting 'momentum' (it has none)"),
        ({"optimizer": "adam:beta_1=0.9"}, "adam has no setting 'beta_1' (did you mean 'beta1'?)"),
        ({"optimizer": "adam:beta1=1"}, "adam's beta1 is 1.0, and must be below 1"),
        ({"optimizer": "momentum:use_nesterov=yes"}, "momentum's use_nesterov is 'yes', which is not 0 or 1"),
        ({"optimizer": "momentum", "momentum": 1.0}, "momentum is 1.0, and must be below 1"),
        (
            {"optimizer": "adam", "momentum": 0.9},
            "momentum is 0.9, and the optimizer adam has none (those with: momentum, lars_momentum, rmsprop)",
        ),
        ({"optimizer": 5}, "optimizer is 5, which is not a text"),
        ({"lookahead": "k=0"}, "lookahead's k is 0, and must be at least 1"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_mend(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as error:
        TrainConfig(**options)
    assert words in str(error.value)
