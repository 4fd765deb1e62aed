"""The learning rate over the steps of a training; fluid's own layers are the judge of those under its names."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import legacy_fluid as fluid
from fluidline.errors import UsageError
from pipeline.config import TrainConfig
from pipeline.decays import DECAYS, schedule

OWN = [name for name, row in DECAYS.items() if not row.settings]
RATE, PASSES, STEPS = 0.1, 4, 60
OF_PASS = STEPS // PASSES


def rates(decay: str, steps: int = 100, **options: Any) -> list[float]:
    """Return the learning rate of each step of a training of 4 passes."""
    config = TrainConfig(epochs=PASSES, decay=decay, **{"learning_rate": 1.0, **options})
    return list(map(schedule(config, steps), range(steps)))


@pytest.mark.parametrize("decay", OWN)
def test_a_decay_begins_at_the_rate_given_and_never_rises(decay: str) -> None:
    falling = rates(decay, learning_rate=0.3)
    assert falling[0] == 0.3
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] > 0


@pytest.mark.parametrize(
    ("decay", "half"),
    [("constant", 1), ("linear", 0.5), ("quadratic", 0.25), ("cosine", 0.5), ("exponential", 0.1), ("steps", 0.1)],
)
def test_a_decay_is_where_its_name_says_when_half_is_done(decay: str, half: float) -> None:
    assert rates(decay)[50] == pytest.approx(half)


@pytest.mark.parametrize("decay", ["linear", "polynomial_decay:end_learning_rate=0"])
def test_a_warmup_rises_evenly_and_leaves_the_rest_to_the_decay(decay: str) -> None:
    rising = rates(decay, warmup=0.1)
    assert [after - before for before, after in itertools.pairwise(rising[:11])] == pytest.approx([1 / 11] * 10)
    assert rising[10] == 1
    assert rising[55] == pytest.approx(0.5)


def run_in_a_program(make: Any, steps: int = STEPS) -> list[float]:
    """Return what the learning rate that `make()` builds of fluid.layers is in each of the first runs."""
    with fluid.program_guard(fluid.Program(), fluid.Program()), fluid.scope_guard(fluid.Scope()):
        rate = make()
        executor = fluid.Executor(fluid.CPUPlace())
        executor.run(fluid.default_startup_program())
        return [float(executor.run(fetch_list=[rate])[0][0]) for _ in range(steps)]


@pytest.mark.parametrize(
    ("text", "make"),
    [
        ("noam_decay:d_model=64,warmup_steps=20", lambda f: f.noam_decay(64, 20, RATE)),
        ("exponential_decay:decay_steps=7,decay_rate=0.5", lambda f: f.exponential_decay(RATE, 7, 0.5)),
        (
            "exponential_decay:decay_steps=7,decay_rate=0.5,staircase=1",
            lambda f: f.exponential_decay(RATE, 7, 0.5, staircase=True),
        ),
        ("exponential_decay:decay_rate=0.5", lambda f: f.exponential_decay(RATE, STEPS, 0.5)),
        ("natural_exp_decay:decay_steps=9,decay_rate=1.5", lambda f: f.natural_exp_decay(RATE, 9, 1.5)),
        (
            "natural_exp_decay:decay_steps=9,decay_rate=0.5,staircase=true",
            lambda f: f.natural_exp_decay(RATE, 9, 0.5, staircase=True),
        ),
        ("inverse_time_decay:decay_steps=9,decay_rate=2", lambda f: f.inverse_time_decay(RATE, 9, 2)),
        (
            "inverse_time_decay:decay_steps=9,decay_rate=2,staircase=1",
            lambda f: f.inverse_time_decay(RATE, 9, 2, staircase=True),
        ),
        ("polynomial_decay", lambda f: f.polynomial_decay(RATE, STEPS)),
        (
            "polynomial_decay:decay_steps=20,end_learning_rate=0.01,power=2",
            lambda f: f.polynomial_decay(RATE, 20, 0.01, 2.0),
        ),
        (
            "polynomial_decay:decay_steps=20,end_learning_rate=0.01,power=2,cycle=1",
            lambda f: f.polynomial_decay(RATE, 20, 0.01, 2.0, cycle=True),
        ),
        (
            "piecewise_decay:boundaries=10/20/40,values=0.1/0.05/0.2/0.01",
            lambda f: f.piecewise_decay([10, 20, 40], [0.1, 0.05, 0.2, 0.01]),
        ),
        ("cosine_decay", lambda f: f.cosine_decay(RATE, OF_PASS, PASSES)),
        ("cosine_decay:step_each_epoch=8,epochs=5", lambda f: f.cosine_decay(RATE, 8, 5)),
    ],
)
def test_each_step_has_the_rate_that_fluids_own_decay_has(text: str, make: Any) -> None:
    expected = run_in_a_program(lambda: make(fluid.layers))
    np.testing.assert_allclose(rates(text, STEPS, learning_rate=RATE), expected, rtol=1e-6, atol=1e-7 * RATE)


@pytest.mark.parametrize(
    ("decay", "warmup", "make"),
    [
        (
            "constant", "warmup_steps=25,start_lr=0.02",
            lambda f: f.linear_lr_warmup(RATE, 25, 0.02, RATE),
        ),
        (
            "polynomial_decay:decay_steps=50,power=2", "warmup_steps=25,start_lr=0,end_lr=0.3",
            lambda f: f.linear_lr_warmup(f.polynomial_decay(RATE, 50, power=2.0), 25, 0.0, 0.3),
        ),
    ],
)  # fmt: skip
def test_a_linear_lr_warmup_has_fluids_rates_with_the_decay_behind_it(decay: str, warmup: str, make: Any) -> None:
    expected = run_in_a_program(lambda: make(fluid.layers))
    actual = rates(decay, STEPS, learning_rate=RATE, linear_lr_warmup=warmup)
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-7 * RATE)


@pytest.mark.parametrize(
    ("text", "make"),
    [
        ("step_decay:step_size=2,decay_rate=0.3", lambda f: f.StepDecay(RATE, 2, 0.3)),
        ("multi_step_decay:milestones=1/3", lambda f: f.MultiStepDecay(RATE, [1, 3])),
    ],
)
def test_what_decays_with_the_passes_has_the_rates_of_fluids_dygraph(text: str, make: Any) -> None:
    with fluid.dygraph.guard():
        decay = make(fluid.dygraph)
        expected = []
        for _ in range(PASSES):
            expected += [float(np.asarray(decay().numpy()).item())] * OF_PASS
            decay.epoch()
    np.testing.assert_allclose(rates(text, STEPS, learning_rate=RATE), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"decay": "polynomial"}, "no such decay: 'polynomial' (did you mean 'polynomial_decay'?)"),
        ({"decay": "linear:power=2"}, "linear has no setting 'power' (it has none)"),
        ({"decay": "polynomial_decay:powr=2"}, "polynomial_decay has no setting 'powr' (did you mean 'power'?)"),
        ({"decay": "polynomial_decay:power=two"}, "polynomial_decay's power is 'two', which is not a number"),
        ({"decay": "polynomial_decay:cycle=2"}, "polynomial_decay's cycle is '2', which is not 0 or 1"),
        ({"decay": "polynomial_decay:decay_steps=0"}, "polynomial_decay's decay_steps is 0, and must be at least 1"),
        ({"decay": "noam_decay:d_model=64"}, "noam_decay needs warmup_steps (as in warmup_steps=...)"),
        ({"decay": "piecewise_decay:boundaries=5,values=1"}, "piecewise_decay wants a value more than boundaries"),
        (
            {"decay": "piecewise_decay:boundaries=9/5,values=1/2/3"},
            "piecewise_decay's boundaries are 9/5, and must grow",
        ),
        ({"linear_lr_warmup": "start_lr=0"}, "linear_lr_warmup needs warmup_steps"),
        (
            {"linear_lr_warmup": "warmup_steps=5", "warmup": 0.1},
            "warmup is 0.1, and a linear_lr_warmup comes in its stead (--warmup 0)",
        ),
    ],
)
def test_what_makes_no_sense_is_named_with_its_mend(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as error:
        TrainConfig(**options)
    assert words in str(error.value)
