"""batch_norm's statistics taken anew: by hand on two layers, and in a training that they must not touch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import legacy_fluid as fluid
from fluidline.runs import RunFolder
from pipeline.checkpoint import MODEL
from pipeline.config import TrainConfig
from pipeline.data import load
from pipeline.evaluate import evaluate
from pipeline.models import MODELS, Model
from pipeline.precise_bn import measure, statistics_of
from pipeline.program import build_programs
from pipeline.train import train


def two_norms(img: Any, classes: int) -> Any:
    hidden = fluid.layers.dropout(fluid.layers.batch_norm(img), 0.5, dropout_implementation="upscale_in_train")
    fixed = fluid.layers.batch_norm(hidden, use_global_stats=True)
    hidden = fluid.layers.batch_norm(fluid.layers.fc(fixed, 3, bias_attr=False))
    return fluid.layers.fc(hidden, classes, act="softmax")


@pytest.fixture
def norms(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of three batch_norms, the middle one with statistics that stay, and a dropout before it."""
    monkeypatch.setitem(MODELS, "norms", Model(f"{__name__}:two_norms", MODELS["softmax"].recipe))


def test_each_layer_is_given_the_statistics_of_all_samples_and_scopes_around_keep_theirs(norms: None) -> None:
    programs = build_programs(TrainConfig(model="norms", precise_bn=6), 10)
    assert programs.statistics
    (first, _), (second, _) = programs.statistics.names  # the one with use_global_stats has none to be measured
    outer, place = fluid.Scope(), fluid.CPUPlace()
    executor = fluid.Executor(place)
    executor.run(programs.startup, scope=outer)
    inner = outer.new_scope()
    img = np.random.default_rng(0).normal(2, 3, (6, 1, 28, 28)).astype(np.float32)
    weights = np.array(outer.find_var("fc_0.w_0").get_tensor())

    def values(scope: Any, layer: int) -> list[Any]:
        assert programs.statistics
        return [np.array(scope.find_var(name).get_tensor()) for name in programs.statistics.names[layer]]

    def measured(*sizes: int) -> None:
        parts = np.split(img, np.cumsum(sizes)[:-1])
        feeds = [{"img": part, "label": np.zeros((len(part), 1), np.int64)} for part in parts]
        measure(programs.statistics, executor, feeds, inner, place)  # type: ignore[arg-type]

    measured(6)
    np.testing.assert_allclose(values(inner, 0), [[img.mean()], [img.var()]], rtol=1e-5)
    hidden = ((img - img.mean()) / np.sqrt(img.var() + 1e-5)).reshape(6, -1) / np.sqrt(1 + 1e-5) @ weights
    np.testing.assert_allclose(values(inner, 1), [hidden.mean(0), hidden.var(0)], rtol=1e-3, atol=1e-4)

    measured(4, 2)  # the first layer's are those of all samples, however they are cut
    np.testing.assert_allclose(values(inner, 0), [[img.mean()], [img.var()]], rtol=1e-5)
    assert first != second
    for layer in (0, 1):
        mean, variance = values(outer, layer)
        assert (mean == 0).all()
        assert (variance == 1).all()


def test_a_model_without_batch_norm_has_nothing_to_measure() -> None:
    assert statistics_of(build_programs(TrainConfig(model="softmax"), 10).test) is None
    assert build_programs(TrainConfig(model="lenet"), 10).statistics is None  # where nobody asks for it


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_the_test_uses_them_and_the_training_does_not(average: float, squares: Path, tmp_path: Path) -> None:
    def run(name: str, samples: int) -> Any:
        config = TrainConfig(
            model="lenet", data=str(squares), run=name, runs_dir=str(tmp_path), epochs=2, batch_size=32,
            average=average, augment="zoom=0.5,brightness=1", precise_bn=samples,
        )  # fmt: skip
        return train(config, [])

    def file(name: str, checkpoint: str) -> Path:
        return tmp_path / name / "checkpoints" / checkpoint

    plain, precise = run("plain", 0), run("precise", 50)
    digests = [json.loads((file(name, "last") / "state.json").read_text())["files"] for name in ("plain", "precise")]
    assert digests[0]["model.pdparams"] == digests[1]["model.pdparams"]
    assert plain.train_cost == precise.train_cost
    assert plain.test_cost != precise.test_cost
    assert evaluate(RunFolder(tmp_path / "precise")).scores.cost == pytest.approx(precise.test_cost, rel=1e-5)

    state = fluid.load_program_state(str(file("precise", "best") / MODEL))
    images = load(str(squares)).train
    every = len(images) / 50
    chosen = images.rows(np.array([int(every * number) for number in range(50)]))
    pooled = _first_layer(chosen.input.normalise(chosen.samples), state["conv2d_0.w_0"], state["conv2d_0.b_0"])
    np.testing.assert_allclose(state["batch_norm_0.w_1"], pooled.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(state["batch_norm_0.w_2"], pooled.var((0, 2, 3)), rtol=1e-4, atol=1e-5)


def _first_layer(images: Any, weights: Any, bias: Any) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(images.reshape(-1, 28, 28), (5, 5), (1, 2))
    values = np.maximum(np.einsum("nhwij,cij->nchw", windows, weights[:, 0]) + bias[:, None, None], 0)
    return values.reshape(len(values), -1, 12, 2, 12, 2).max((3, 5))
