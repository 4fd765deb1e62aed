"""Models of one number, tables as data and graphs of a user's file, through training, resuming and evaluating."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fluidline.errors import DataError, UsageError
from fluidline.runs import RunFolder
from pipeline.config import TrainConfig
from pipeline.data.table import read_table
from pipeline.evaluate import answer, command, evaluate
from pipeline.events import EndStepEvent, Event
from pipeline.metrics import read_rows
from pipeline.train import train

NET = """
import paddle.fluid as fluid

def net(img, outputs, dropout=0.0):
    hidden = fluid.layers.fc(img, size=8, act="tanh")
    hidden = fluid.layers.dropout(hidden, dropout)
    return fluid.layers.fc(hidden, size=outputs, act="softmax" if outputs > 1 else None)
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of two features and what they come to: 3a - 0.1b + 5, and a little noise."""
    draw = np.random.default_rng(0)
    features = np.stack([draw.uniform(0, 10, 250), draw.uniform(-100, 300, 250)], axis=1)
    target = features @ [3, -0.1] + 5 + draw.normal(0, 0.1, 250)
    path = tmp_path_factory.mktemp("table") / "table.csv"
    np.savetxt(path, np.column_stack([features, target]), delimiter=",", header="a,b,y", comments="")
    return path


def config(data: Path, runs: Path, **options: Any) -> TrainConfig:
    given = {"epochs": 2, "batch_size": 32, "log_every": 1, "learning_rate": 0.01, **options}
    return TrainConfig(data=str(data), runs_dir=str(runs), **given)


def quiet(event: Event) -> None:
    """A handler that shows nothing."""


def test_a_single_number_is_trained_as_regression_and_told_as_the_nearest_digit(squares: Path, tmp_path: Path) -> None:
    result = train(config(squares, tmp_path, model="linear", epochs=8), [quiet])
    run = RunFolder(tmp_path / "linear")
    entry = run.read_stage("train", "train")
    assert (entry["task"], entry["labels"], entry["output"]["shape"]) == ("regression", [], [1])
    assert (entry["input"]["name"], entry["input"]["shape"]) == ("img", [1, 28, 28])
    assert "target" not in entry
    costs = [row["train_cost"] for row in read_rows(run.metrics) if row["kind"] == "epoch"]
    assert costs[-1] < costs[0] / 2

    evaluation = evaluate(run)
    assert evaluation.scores.cost == pytest.approx(result.test_cost, rel=1e-5)
    assert evaluation.scores.accuracy == result.test_accuracy
    given = answer(run)
    nearest = np.rint(given.values[:, 0]).clip(0, 9)
    assert result.test_accuracy == (nearest == given.dataset.test.truth).mean()


def test_any_graph_may_be_trained_to_one_number(squares: Path, tmp_path: Path) -> None:
    for model in ("cnn20", "sigmoid_mlp"):
        train(config(squares, tmp_path, model=model, loss="mse", epochs=1), [quiet])
        entry = RunFolder(tmp_path / model).read_stage("train", "train")
        assert (entry["task"], entry["output"]["shape"]) == ("regression", [1])
        assert answer(RunFolder(tmp_path / model)).values.shape == (100, 1)


def test_a_table_is_learnt_and_its_scaling_goes_with_the_run(table: Path, tmp_path: Path) -> None:
    result = train(config(table, tmp_path, model="linear", epochs=10, batch_size=10, learning_rate=1.0), [quiet])
    assert result.test_cost < 0.1
    assert result.test_accuracy is None
    run = RunFolder(tmp_path / "linear")
    entry = run.read_stage("train", "train")
    assert (entry["task"], entry["labels"], entry["target"]) == ("regression", [], "y")
    assert entry["input"] == {"name": "x", "shape": [2], "dtype": "float32"}
    assert entry["output"]["shape"] == [1]
    assert entry["preprocessing"] == read_table(table).input.preprocessing()
    assert set(entry["best"]) == {"epoch", "test_cost"}
    assert set(entry["metrics"]) == {"train_cost", "epochs", "seconds"}

    # Other rows of the same columns are scaled as those were with which it was trained, not by their own.
    other = tmp_path / "other.csv"
    rows = np.random.default_rng(1).uniform(0, 3, (50, 2))
    np.savetxt(other, np.column_stack([rows, rows @ [3, -0.1] + 5]), delimiter=",", header="a,b,y", comments="")
    assert evaluate(run, str(other)).scores.cost < 0.1


def test_the_errors_of_a_table_are_printed_and_drawn(table: Path, tmp_path: Path) -> None:
    result = train(config(table, tmp_path, model="linear", learning_rate=1.0), [quiet])
    where = ["--run", "linear", "--runs-dir", str(tmp_path)]
    picture = tmp_path / "fit.png"
    answered = CliRunner().invoke(command, [*where, "--json", "--plot", str(picture)], catch_exceptions=False)
    facts = json.loads(answered.stdout)
    given = answer(RunFolder(tmp_path / "linear"))
    off = given.values[:, 0] - given.dataset.test.truth
    assert (facts["target"], facts["rows"]) == ("y", 50)
    assert facts["cost"] == pytest.approx(result.test_cost, rel=1e-5) == pytest.approx(np.mean(off**2), rel=1e-5)
    assert facts["mean_absolute"] == pytest.approx(np.abs(off).mean(), rel=1e-5)
    assert facts["explained"] == pytest.approx(1 - np.mean(off**2) / given.dataset.test.truth.var(), rel=1e-4)
    with Image.open(picture) as image:
        assert image.width > 500
    text = CliRunner().invoke(command, where, catch_exceptions=False).stdout
    assert f"y of 50 rows: mean squared error {facts['cost']:.6g}" in text


def interrupted(step: int) -> Callable[[Event], None]:
    """Return a handler that stops the training after a step."""

    def handler(event: Event) -> None:
        if isinstance(event, EndStepEvent) and event.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return handler


def outcome(run: RunFolder) -> list[Any]:
    states = [json.loads((run.checkpoints / name / "state.json").read_text())["files"] for name in ("last", "best")]
    files = [{name: state[name] for name in ("model.pdparams", "model.pdopt")} for state in states]
    return [files, [{**row, "seconds": None} for row in read_rows(run.metrics)]]


@pytest.mark.parametrize(
    ("data", "options"),
    [
        pytest.param("squares", {"model": "linear"}, id="linear"),
        pytest.param("squares", {"model": "sigmoid_mlp"}, id="sigmoid_mlp"),
        pytest.param("squares", {"model": "cnn20", "dropout": 0.3, "dropout_mode": "downgrade_in_infer"}, id="cnn20"),
        pytest.param("table", {"model": "mlp", "loss": "mse", "dropout": 0.1, "valid_size": 20}, id="table"),
    ],
)
def test_the_models_go_on_as_if_never_stopped(
    data: str, options: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(data)
    train(config(path, tmp_path, run="whole", **options), [quiet])
    with pytest.raises(KeyboardInterrupt):
        train(config(path, tmp_path, run="stopped", **options), [interrupted(8)])
    train(config(path, tmp_path, run="stopped", **options), [quiet], resume=True)
    assert outcome(RunFolder(tmp_path / "stopped")) == outcome(RunFolder(tmp_path / "whole"))


def test_a_users_graph_is_kept_with_the_run_and_its_file_no_longer_needed(squares: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(NET)
    options = {"model": f"{file}:net", "dropout": 0.2}
    train(config(squares, tmp_path, run="whole", **options), [quiet])
    with pytest.raises(KeyboardInterrupt):
        train(config(squares, tmp_path, **options), [interrupted(8)])
    file.write_text("raise ValueError('changed')")
    result = train(config(squares, tmp_path, **options), [quiet], resume=True)
    file.unlink()
    run = RunFolder(tmp_path / "net")
    assert outcome(run) == outcome(RunFolder(tmp_path / "whole"))
    assert run.graph.read_text() == NET
    assert (result.model, run.read_stage("train", "train")["model"]) == ("net", "net")
    assert evaluate(run).scores.cost == pytest.approx(result.test_cost, rel=1e-5)

    run.graph.write_text(NET.replace("size=8", "size=9"))
    with pytest.raises(DataError, match=r"net was begun with another graph.py \(put it back, or --overwrite\)"):
        train(config(squares, tmp_path, **options, epochs=3), [quiet], resume=True)


def test_a_graph_that_fails_leaves_the_run_that_it_was_to_replace(squares: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(NET)
    train(config(squares, tmp_path, model=f"{file}:net", epochs=1), [quiet])
    before = outcome(RunFolder(tmp_path / "net"))
    file.write_text(NET.replace("img,", "", 1))
    with pytest.raises(DataError, match="fails on"):
        train(config(squares, tmp_path, model=f"{file}:net", epochs=1), [quiet], overwrite=True)
    assert outcome(RunFolder(tmp_path / "net")) == before
    assert evaluate(RunFolder(tmp_path / "net")).scores.confusion.sum() == 100


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"model": "mlp"}, UsageError, r"table.csv has no classes, which the loss cross_entropy is for .--loss mse."),
        ({"model": "linear", "augment": "shift=1"}, UsageError, r"table.csv has no images that could be changed"),
        ({"model": "lenet", "loss": "mse"}, DataError, r"model lenet fails on \[-1, 2\] of float32: .* 4-D or 5-D"),
    ],
)
def test_what_a_table_is_no_use_for_is_refused_before_anything_is_written(
    options: dict[str, Any], error: type[Exception], words: str, table: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        train(config(table, tmp_path, **options), [quiet])
    assert not RunFolder(tmp_path / options["model"]).config.exists()


def test_labels_of_one_number_cannot_be_smoothed() -> None:
    with pytest.raises(UsageError, match=r"label_smoothing is 0.1, and mse has no labels"):
        TrainConfig(model="linear", label_smoothing=0.1)


def test_a_run_of_a_table_is_not_evaluated_on_images_nor_on_other_columns(
    squares: Path, table: Path, tmp_path: Path
) -> None:
    train(config(table, tmp_path, model="linear", epochs=1), [quiet])
    run = RunFolder(tmp_path / "linear")
    with pytest.raises(DataError, match=r"has the classes 0, 1, .* was trained on a table of numbers"):
        evaluate(run, str(squares))
    other = tmp_path / "other.csv"
    other.write_text(table.read_text().replace("a,b,y", "a,c,y"))
    with pytest.raises(DataError, match=r"has the columns a, c, and the model was trained on a, b"):
        evaluate(run, str(other))
