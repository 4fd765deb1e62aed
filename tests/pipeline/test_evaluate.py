"""The best pass of a run, scored again from its checkpoint alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from fluidline.errors import DataError, RunError
from fluidline.runs import RunFolder, find_run
from pipeline.config import TrainConfig
from pipeline.evaluate import command, evaluate
from pipeline.train import TrainResult, train


@pytest.fixture(scope="module")
def trained(squares: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, TrainResult]:
    runs = tmp_path_factory.mktemp("runs")
    options = TrainConfig(
        model="lenet", data=str(squares), runs_dir=str(runs), epochs=2, batch_size=32, learning_rate=0.0003
    )
    result = train(options, [])
    return find_run("lenet", runs), result


def test_the_scores_are_those_of_the_training(trained: tuple[RunFolder, TrainResult]) -> None:
    run, result = trained
    evaluation = evaluate(run)
    assert (evaluation.model, evaluation.epoch) == ("lenet", result.best_epoch)
    assert evaluation.scores.accuracy == result.test_accuracy
    assert evaluation.scores.cost == pytest.approx(result.test_cost, rel=1e-5)
    assert evaluation.scores.confusion.sum() == 100


def test_the_command_prints_text_or_json_and_draws_the_confusion_matrix(
    trained: tuple[RunFolder, TrainResult], tmp_path: Path
) -> None:
    run, result = trained
    where = ["--run", run.name, "--runs-dir", str(run.path.parent)]
    text = CliRunner().invoke(command, where, catch_exceptions=False).stdout
    assert f"accuracy {result.test_accuracy:.2%} of 100 images" in text

    picture = tmp_path / "confusion.png"
    answer = json.loads(CliRunner().invoke(command, [*where, "--json", "--plot", str(picture)]).stdout)
    assert answer["accuracy"] == result.test_accuracy
    assert [each["images"] for each in answer["classes"]] == [10] * 10
    assert [sum(row) for row in answer["confusion"]] == [10] * 10
    with Image.open(picture) as image:
        assert image.width > 500


def test_a_damaged_checkpoint_is_named(squares: Path, tmp_path: Path) -> None:
    train(TrainConfig(model="softmax", data=str(squares), runs_dir=str(tmp_path), epochs=1), [])
    run = find_run("softmax", tmp_path)
    with (run.checkpoints / "best" / "model.pdparams").open("ab") as file:
        file.write(b"x")
    with pytest.raises(DataError, match=r"checkpoints/best cannot be used: model\.pdparams is torn or was altered"):
        evaluate(run)


def test_data_of_other_classes_are_refused(trained: tuple[RunFolder, TrainResult], tmp_path: Path) -> None:
    run, _ = trained
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(3):
                Image.new("L", (28, 28), 80 * number).save(tmp_path / split / name / f"{number}.png")
    with pytest.raises(DataError, match=r"has the classes cat, dog, and run .* was trained on 0, 1, 2"):
        evaluate(run, str(tmp_path))


def test_a_run_without_a_finished_pass_is_refused(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    with pytest.raises(RunError, match="has no finished pass to evaluate"):
        evaluate(find_run("new", tmp_path))
