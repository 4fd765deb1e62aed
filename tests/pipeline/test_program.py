"""The programs of a training: what each option adds to them, on small batches and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import legacy_fluid as fluid
from pipeline.averaging import copy_averages, rate
from pipeline.config import TrainConfig
from pipeline.feeding import StepFeed
from pipeline.models import MODELS, Model
from pipeline.program import Programs, build_programs


class Run:
    """Programs in a scope of their own, with a batch to learn."""

    def __init__(self, **options: Any) -> None:
        self.config = TrainConfig(**{"model": "softmax", "decay": "constant", **options})
        self.programs: Programs = build_programs(self.config, 10)
        self.scope, self.executor = fluid.Scope(), fluid.Executor(fluid.CPUPlace())
        self.executor.run(self.programs.startup, scope=self.scope)
        draw = np.random.default_rng(0)
        img = draw.uniform(-1, 1, (4, 1, 28, 28)).astype(np.float32)
        self.batch = {"img": img, "label": np.array([[3], [0], [3], [9]])}

    def step(self, step: int = 0, fetch: Any = ()) -> list[Any]:
        feed = {**self.batch, **StepFeed(self.programs, self.config, 10)(step)}
        return self.executor.run(self.programs.train, feed, list(fetch), scope=self.scope)

    def value(self, name: str) -> Any:
        return np.array(self.scope.find_var(name).get_tensor())

    def parameters(self) -> dict[str, Any]:
        return {parameter.name: self.value(parameter.name) for parameter in self.programs.train.all_parameters()}


def two_dropouts(img: Any, classes: int) -> Any:
    hidden = fluid.layers.dropout(fluid.layers.dropout(img, 0.5), 0.5)
    return fluid.layers.fc(hidden, classes, act="softmax")


@pytest.fixture
def dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of two dropouts."""
    monkeypatch.setitem(MODELS, "dropout", Model(f"{__name__}:two_dropouts", MODELS["softmax"].recipe))


@pytest.mark.parametrize("model", ["softmax", "lenet"])
def test_averages_follow_the_parameters_at_the_rate_fed(model: str) -> None:
    run = Run(model=model, average=0.9)
    expected = run.parameters()
    for step in range(4):
        run.step(step)
        share = np.float32(rate(0.9, step))
        expected = {name: old + share * (run.parameters()[name] - old) for name, old in expected.items()}
    inner = run.scope.new_scope()
    copy_averages(run.scope, run.programs.averages, inner, fluid.CPUPlace())
    for name, old in expected.items():
        np.testing.assert_allclose(np.array(inner.find_var(name).get_tensor()), old, atol=1e-6)
        assert not np.array_equal(run.value(name), np.array(inner.find_var(name).get_tensor()))


def test_a_young_average_hangs_little_on_the_beginning_and_an_old_one_keeps_its_share() -> None:
    assert rate(0.999, 0) == pytest.approx(0.9)
    assert rate(0.999, 100_000) == pytest.approx(0.001)


def test_smoothed_labels_cost_what_the_formula_says_and_the_shown_cost_is_the_plain_one() -> None:
    plain, smooth = Run(), Run(label_smoothing=0.2)
    before = plain.parameters()
    (probabilities,) = plain.executor.run(
        plain.programs.test, plain.batch, [plain.programs.prediction], scope=plain.scope
    )
    costs = [run.step(0, run.programs.fetch)[0] for run in (plain, smooth)]
    assert costs[0] == costs[1]

    # Adam's first step goes by the sign of the gradient, which here is the mean of (probability - label).
    target = np.eye(10)[plain.batch["label"][:, 0]] * 0.8 + 0.02
    gradient = (probabilities - target).mean(axis=0)
    name = next(name for name, value in before.items() if value.ndim == 1)
    np.testing.assert_array_equal(np.sign(before[name] - smooth.parameters()[name]), np.sign(gradient))


def test_weight_decay_takes_its_share_of_the_weights_and_leaves_biases() -> None:
    plain, decayed = Run(learning_rate=0.1), Run(learning_rate=0.1, weight_decay=0.5)
    before = plain.parameters()
    for run in (plain, decayed):
        run.step()
    for name, value in before.items():
        share = 0.1 * 0.5 if value.ndim > 1 else 0
        np.testing.assert_allclose(plain.parameters()[name] - decayed.parameters()[name], share * value, atol=1e-6)


@pytest.mark.usefixtures("dropout")
def test_dropout_differs_from_step_to_step_and_within_one_and_comes_again_for_the_same_step() -> None:
    run = Run(model="dropout")
    masks = [op.output("Mask")[0] for op in run.programs.train.global_block().ops if op.type == "dropout"]
    first, second, again = (run.step(step, masks) for step in (1, 2, 1))
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], second[0])
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    other_seed = Run(model="dropout", seed=2)
    assert not np.array_equal(other_seed.step(1, masks)[0], first[0])


@pytest.mark.usefixtures("dropout")
def test_the_test_program_drops_nothing_and_wants_no_seed() -> None:
    run = Run(model="dropout")
    for _ in range(2):
        run.executor.run(run.programs.test, run.batch, [run.programs.prediction], scope=run.scope)
    assert run.programs.dropout_seeds == ["dropout_seed_0", "dropout_seed_1"]
    assert "dropout_seed" not in str(run.programs.test)
