"""The learning rate over the steps of a training."""

from __future__ import annotations

import itertools

import pytest

from pipeline.decays import DECAYS, factor


@pytest.mark.parametrize("decay", DECAYS)
def test_a_decay_begins_at_one_and_never_rises(decay: str) -> None:
    factors = [factor(decay, 0.0, step, 100) for step in range(100)]
    assert factors[0] == 1
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] > 0


@pytest.mark.parametrize(
    ("decay", "half"),
    [("constant", 1), ("linear", 0.5), ("quadratic", 0.25), ("cosine", 0.5), ("exponential", 0.1), ("steps", 0.1)],
)
def test_a_decay_is_where_its_name_says_when_half_is_done(decay: str, half: float) -> None:
    assert factor(decay, 0.0, 50, 100) == pytest.approx(half)


def test_a_warmup_rises_evenly_and_leaves_the_rest_to_the_decay() -> None:
    factors = [factor("linear", 0.1, step, 100) for step in range(100)]
    rises = [after - before for before, after in itertools.pairwise(factors[:11])]
    assert rises == pytest.approx([1 / 11] * 10)
    assert factors[10] == 1
    assert factors[55] == pytest.approx(0.5)
