"""`python -m pipeline inspect`, from a run folder to tables and pictures."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fluidline.errors import DataError, RunError, UsageError
from fluidline.runs import RunFolder
from pipeline.config import TrainConfig
from pipeline.evaluate import evaluate
from pipeline.inspect.command import Inspection, command, inspect_run
from pipeline.train import train


def test_everything_that_is_named_is_there(inspected: Inspection) -> None:
    assert inspected.skipped == {} or set(inspected.skipped) == {"mistakes.png"}
    assert sorted(file.name for file in inspected.folder.iterdir()) == sorted(inspected.files)
    assert {
        "activations.csv", "confusion.csv", "confusion.png", "feature_maps.png", "filters_conv2d_0.w_0.png", "graph.png",
        "graph.svg", "inspect.json", "inspect.txt", "layers.csv", "onnx.dot", "parameters.csv", "program.txt", "surest.png",
    } <= set(inspected.files)  # fmt: skip
    for file in inspected.folder.glob("*.png"):
        with Image.open(file) as picture:
            assert picture.width > 150


def test_the_scores_are_those_of_evaluate(trained: RunFolder, inspected: Inspection) -> None:
    found = json.loads((inspected.folder / "inspect.json").read_text())
    scores = evaluate(trained).scores.as_dict()
    assert found["scores"]["confusion"] == scores["confusion"]
    assert found["scores"]["cost"] == pytest.approx(scores["cost"], rel=1e-5)
    assert len(found["mistakes"]) == scores["images"] - np.trace(scores["confusion"])
    rows = list(csv.reader((inspected.folder / "confusion.csv").read_text().splitlines()))
    assert rows[0] == ["label", *"0123456789"]
    assert [[int(cell) for cell in row[1:]] for row in rows[1:]] == scores["confusion"]


def test_the_statistics_are_those_of_the_checkpoint(trained: RunFolder, inspected: Inspection) -> None:
    import legacy_fluid as fluid

    state = fluid.load_program_state(str(trained.checkpoints / "best" / "model"))
    rows = {row["parameter"]: row for row in inspected.tables["parameters"].rows}
    assert set(rows) == set(state)
    assert rows["conv2d_1.w_0"]["std"] == pytest.approx(state["conv2d_1.w_0"].std(dtype=np.float64))
    assert not rows["batch_norm_0.w_1"]["learnt"]
    activations = {row["layer"]: row for row in inspected.tables["activations"].rows}
    assert activations["conv2d_0"]["min"] == 0  # after relu
    assert activations["fc_0"]["mean"] == pytest.approx(0.1)  # probabilities of ten classes


def test_what_is_not_there_is_left_out_and_said(trained: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "moved")
    shutil.copytree(trained.path / "checkpoints", run.checkpoints)
    config = json.loads(trained.config.read_text())
    run.config.write_text(json.dumps({**config, "data": str(tmp_path / "gone")}))
    found = inspect_run(run)
    assert found.folder == tmp_path / "moved" / "inspect"
    assert set(found.skipped) == {"the ONNX graph", "activations, feature maps, scores and examples"}
    assert "filters_conv2d_1.w_0.png" in found.files
    assert "left out the ONNX graph: the run has no ONNX file" in (found.folder / "inspect.txt").read_text()


def test_the_last_checkpoint_and_an_image_file_will_do(trained: RunFolder, tmp_path: Path) -> None:
    Image.new("L", (60, 40), 200).save(tmp_path / "photo.png")
    where = ["--run", trained.name, "--runs-dir", str(trained.path.parent), "--out", str(tmp_path / "found")]
    more = ["--checkpoint", "last", "--image", str(tmp_path / "photo.png")]
    answer = json.loads(CliRunner().invoke(command, [*where, *more, "--json"], catch_exceptions=False).stdout)
    assert (answer["checkpoint"], answer["epoch"]) == ("last", 1)
    assert answer["layers"][0]["settings"]["kernel"] == [5, 5]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"image": "100"}, UsageError, "--image is 100, and the last test image of .* is 99"),
        ({"image": "nowhere.png"}, DataError, "--image nowhere.png is no readable image: no such file"),
        ({"data": "nowhere"}, DataError, "nowhere is not there"),
        ({"checkpoint": "previous"}, RunError, "has no checkpoint 'previous'"),
    ],
)
def test_what_cannot_be_had_is_an_error_and_nothing_is_written(
    trained: RunFolder, tmp_path: Path, options: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        inspect_run(trained, out=tmp_path / "found", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things_is_not_replaced(trained: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("kept")
    with pytest.raises(UsageError, match="exists and holds something else"):
        inspect_run(trained, out=tmp_path)
    assert (tmp_path / "precious.txt").read_text() == "kept"


def test_a_graph_of_the_user_s_own_that_foretells_numbers_is_looked_into(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import legacy_fluid as fluid\n\n\ndef price(x, outputs):\n    return fluid.layers.fc(x, outputs)\n"
    )
    numbers = np.random.default_rng(0).normal(size=(50, 4))
    np.savetxt(tmp_path / "prices.data", numbers)
    train(
        TrainConfig(
            model=f"{tmp_path / 'own.py'}:price", data=str(tmp_path / "prices.data"), loss="mse", epochs=1, batch_size=10,
            runs_dir=str(tmp_path / "runs"),
        ),
        [],
    )  # fmt: skip
    where = ["--runs-dir", str(tmp_path / "runs")]
    for _ in range(2):  # the second takes the place of the first
        text = CliRunner().invoke(command, where, catch_exceptions=False).stdout
    assert "4 parameters in all" in text
    assert "left out feature maps: the model does not look at images" in text
    assert "left out confusion matrix: target is a number, not a class" in text
    files = {file.name for file in (tmp_path / "runs" / "price" / "inspect").iterdir()}
    assert {"fit.png", "graph.png", "activations.csv"} <= files
