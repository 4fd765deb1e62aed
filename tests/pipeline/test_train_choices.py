"""What the options of a training do to the whole of it: validation images, averages, augmentation, prefetch."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fluidline.errors import UsageError
from fluidline.runs import RunFolder
from pipeline.config import TrainConfig
from pipeline.data import load
from pipeline.evaluate import evaluate
from pipeline.events import EndEpochEvent, Event, PrintHandler
from pipeline.feeding import batches
from pipeline.metrics import read_rows
from pipeline.models import PRESETS
from pipeline.train import train


def config(squares: Path, runs: Path, **options: Any) -> TrainConfig:
    given = {"model": "softmax", "epochs": 3, "batch_size": 32, "learning_rate": 0.01, **options}
    return TrainConfig(data=str(squares), runs_dir=str(runs), **given)


def parameters(run: RunFolder) -> str:
    state = json.loads((run.checkpoints / "last" / "state.json").read_text())
    return str(state["files"]["model.pdparams"])


def test_validation_images_choose_the_best_pass_and_the_test_comes_once(
    squares: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events: list[Event] = []
    result = train(config(squares, tmp_path, valid_size=64), [events.append, PrintHandler()])
    passes = [event for event in events if isinstance(event, EndEpochEvent)]
    assert all(event.test_cost is None for event in passes)
    costs = [event.valid_cost for event in passes]
    assert result.best_epoch == costs.index(min(costs))

    run = RunFolder(tmp_path / "softmax")
    rows = [row for row in read_rows(run.metrics) if row["kind"] == "epoch"]
    assert [row["valid_cost"] for row in rows] == costs
    assert not any("test_cost" in row for row in rows)
    best = run.read_stage("train", made_by="train")["best"]
    assert best["valid_cost"] == costs[result.best_epoch]
    assert evaluate(run).scores.cost == pytest.approx(result.test_cost, rel=1e-5)
    printed = capsys.readouterr().out
    assert "Validation with Epoch 2, avg_cost: " in printed
    assert f"testing Avgcost is {result.test_cost}" in printed


def test_images_held_out_are_the_same_for_every_seed_and_no_training_images(squares: Path) -> None:
    dataset = load(squares)
    held, again = dataset.hold_out(100), dataset.hold_out(100)
    assert held.valid is not None
    assert again.valid is not None
    assert (len(held.train), len(held.valid)) == (220, 100)
    np.testing.assert_array_equal(held.valid.images, again.valid.images)
    train_images = {image.tobytes() for image in held.train.images}
    assert not any(image.tobytes() in train_images for image in held.valid.images)
    assert np.bincount(held.valid.labels, minlength=10).min() > 0


def test_more_images_held_out_than_there_are_is_refused(squares: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"valid_size is 320, and .* has 320 training samples in all"):
        train(config(squares, tmp_path, valid_size=320), [])


def test_the_average_is_what_is_tested_and_kept(squares: Path, tmp_path: Path) -> None:
    plain = train(config(squares, tmp_path, run="plain", epochs=1), [])
    averaged = train(config(squares, tmp_path, run="averaged", epochs=1, average=0.9), [])
    assert parameters(RunFolder(tmp_path / "plain")) == parameters(RunFolder(tmp_path / "averaged"))
    assert plain.train_cost == averaged.train_cost
    assert plain.test_cost != averaged.test_cost
    assert evaluate(RunFolder(tmp_path / "averaged")).scores.cost == pytest.approx(averaged.test_cost, rel=1e-5)


@pytest.mark.parametrize("average", [0.0, 0.5])
def test_each_pass_is_tested_with_its_own_parameters(average: float, squares: Path, tmp_path: Path) -> None:
    result = train(config(squares, tmp_path, model="lenet", epochs=4, learning_rate=0.001, average=average), [])
    assert result.best_epoch == 3
    assert evaluate(RunFolder(tmp_path / "lenet")).scores.cost == pytest.approx(result.test_cost, rel=1e-4)


@pytest.mark.parametrize("augment", ["none", "rotate=10,shift=1,elastic=1"])
def test_a_thread_that_makes_batches_ahead_changes_none_of_them(augment: str, squares: Path) -> None:
    def read(prefetch: int, first: int = 0) -> list[dict[str, Any]]:
        options = config(squares, Path(), augment=augment, prefetch=prefetch)
        with batches(load(squares).train, options, epoch=3, first=first) as feeds:
            return list(feeds)

    plain, ahead, later = read(0), read(3), read(3, first=4)
    assert len(plain) == 10
    for one, other in [*zip(plain, ahead, strict=True), *zip(plain[4:], later, strict=True)]:
        assert one["img"].tobytes() == other["img"].tobytes()
        assert one["label"].tobytes() == other["label"].tobytes()


def test_what_fails_while_a_batch_is_made_ahead_fails_in_the_training(
    squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no such image")

    monkeypatch.setattr("pipeline.feeding.augment", broken)
    with pytest.raises(ValueError, match="no such image"):
        train(config(squares, tmp_path, augment="shift=1", prefetch=2), [])


def test_the_best_preset_trains(squares: Path, tmp_path: Path) -> None:
    recipe = PRESETS["best"]
    assert recipe is not None
    chosen = {"preset": "best", "epochs": 2, "valid_size": 64, "learning_rate": 0.01}
    options = TrainConfig(model="lenet", data=str(squares), runs_dir=str(tmp_path), **chosen)
    kept = set(dataclasses.asdict(recipe)) - set(chosen)
    assert all(getattr(options, name) == getattr(recipe, name) for name in kept)
    assert train(options, []).epochs == 2
