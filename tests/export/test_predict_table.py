"""Rows of tables and values: what `predict` writes where it is not a label of an image."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from classifiers import LESS, bar, write_classifier, write_value
from PIL import Image

from export.__main__ import export
from fluidline.cli import main

PREPROCESSING = {"features": ["a", "b", "c"], "offset": [1.0, 0.0, 0.0], "scale": [1.0, 2.0, 0.5]}
ROWS = [[1, 2, 4], [3, 1, 0], [0, 0, 1]]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model whose value is (a - 1) + 2 b + c / 2 - LESS."""
    metadata = {"preprocessing": json.dumps(PREPROCESSING), "labels": "[]", "task": "regression"}
    return write_value(tmp_path / "sums.onnx", metadata, size=(3,))


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    path = tmp_path / "houses.csv"
    path.write_text("name,c,b,a,price\n" + "".join(f"x,{c},{b},{a},7\n" for a, b, c in ROWS))
    return path


def expected(rows: list[list[float]]) -> list[float]:
    return [(a - 1) + 2 * b + c / 2 - LESS for a, b, c in rows]


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def predict(*arguments: object) -> int:
    return main(export, ["predict", *map(str, arguments)])


def test_each_row_of_a_table_gets_its_value(houses, model, tmp_path, capsys):
    assert predict(houses, "--model", model, "--out", tmp_path / "out.csv") == 0
    rows = rows_of(tmp_path / "out.csv")
    assert [list(row) for row in rows] == [["row", "value", "error"]] * 3
    assert [row["row"] for row in rows] == ["1", "2", "3"]
    np.testing.assert_allclose([float(row["value"]) for row in rows], expected(ROWS), atol=1e-6)


def test_a_large_table_goes_through_in_batches_and_a_broken_row_is_one_with_the_reason(model, tmp_path):
    rows = np.random.default_rng(0).uniform(0, 9, (200, 3)).round(3).tolist()
    text = [f"{a},{b},{c}" for a, b, c in rows]
    text[150] = "1,2,three"
    (tmp_path / "many.csv").write_text("\n".join(text))
    assert predict(tmp_path / "many.csv", "--model", model, "--out", tmp_path / "out.jsonl") == 0
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert found[150] == {"row": "151", "value": None, "error": "c is 'three', not a number"}
    del found[150], rows[150]
    np.testing.assert_allclose([row["value"] for row in found], expected(rows), rtol=1e-5)
    assert predict(tmp_path / "many.csv", "--model", model, "--out", tmp_path / "out.csv", "--strict") == 1


def test_rows_that_are_there_already_are_kept(houses, model, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("row,value,error\n1,99,\n")
    assert predict(houses, "--model", model, "--out", out, "--resume") == 0
    assert [row["value"] for row in rows_of(out)] == ["99", *(f"{value:.7g}" for value in expected(ROWS)[1:])]


def test_a_table_may_get_labels_too(houses, tmp_path):
    metadata = {"labels": json.dumps([f"kind {index}" for index in range(10)])}
    model = write_classifier(tmp_path / "kinds.onnx", metadata, size=(3,))
    (tmp_path / "plain.csv").write_text("1,2,3\n")
    assert predict(tmp_path / "plain.csv", "--model", model, "--out", tmp_path / "out.csv", "--top", 2) == 0
    assert list(rows_of(tmp_path / "out.csv")[0]) == [
        "row",
        "label",
        "probability",
        "label_2",
        "probability_2",
        "error",
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for label in range(3):
        Image.fromarray(bar(label)).save(tmp_path / "images" / f"{label}.png")
    (tmp_path / "images" / "empty.png").touch()
    return tmp_path / "images"


def test_images_get_a_value_where_the_model_gives_one(folder, tmp_path, capsys, caplog):
    model = write_value(tmp_path / "ink.onnx")
    with caplog.at_level("INFO", "export"):
        assert predict(folder, "--model", model, "--out", tmp_path / "out.csv") == 0
    first, *_, last = rows_of(tmp_path / "out.csv")
    assert list(first) == ["file", "value", "error"]
    assert float(first["value"]) == pytest.approx((bar(0) / 255 * 2 - 1).sum() - LESS, abs=1e-3)
    assert (last["value"], last["error"]) == ("", "empty file")
    assert "mean value -720.5, from -720.5" in caplog.text
    assert predict(folder, "--model", model, "--html", tmp_path / "x.html") == 2
    assert "--html shows the least certain labels" in capsys.readouterr().err


@pytest.mark.parametrize("fit", [False, True])
def test_images_are_brought_to_the_size_that_the_model_takes(tmp_path, fit):
    from export.prepare import prepare

    paper = Image.new("L", (90, 60), 255)
    paper.paste(0, (40, 10, 50, 50))
    (tmp_path / "images").mkdir()
    paper.save(tmp_path / "images" / "one.png")
    Image.fromarray(bar(1)).save(tmp_path / "images" / "two.png")
    pixels = prepare(tmp_path / "images" / "one.png", fit=fit, size=(20, 40))
    assert pixels.shape == (20, 40)
    assert (pixels.max(), pixels[0, 0]) == (255, 0)
    model = write_value(tmp_path / "ink.onnx", size=(1, 20, 40))
    options = ["--fit"] if fit else []
    assert predict(tmp_path / "images", "--model", model, "--out", tmp_path / "out.csv", *options) == 0
    value = (pixels.astype(np.float64) / 255 * 2 - 1).sum() - LESS
    assert float(rows_of(tmp_path / "out.csv")[0]["value"]) == pytest.approx(value, abs=0.01)


def test_26_labels_on_images_of_another_size_have_a_contact_sheet(tmp_path):
    (tmp_path / "images").mkdir()
    Image.fromarray(bar(3)).save(tmp_path / "images" / "d.png")
    labels = [chr(ord("a") + index) for index in range(26)]
    model = write_classifier(tmp_path / "letters.onnx", {"labels": json.dumps(labels)}, size=(1, 32, 32), classes=26)
    html = tmp_path / "sheet.html"
    assert predict(tmp_path / "images", "--model", model, "--out", tmp_path / "out.csv", "--html", html) == 0
    assert rows_of(tmp_path / "out.csv")[0]["label"] in labels
    assert "the 32 by 32 pixels that the model was given" in html.read_text()


@pytest.mark.parametrize(
    ("source", "takes", "options", "code", "message"),
    [
        ("houses.csv", "images", [], 1, "does not take a table: it takes images of 28x28 to a value"),
        ("images", "table", [], 1, "does not take images: it takes rows of 3 numbers to a value"),
        ("houses.csv", "table", ["--fit", "--all"], 2, "fit, every is for a folder of images"),
        ("gone.csv", "table", [], 1, "no such folder"),
    ],
)
def test_what_does_not_go_together_is_said_in_a_line(
    folder, houses, model, tmp_path, capsys, source, takes, options, code, message
):
    file = model if takes == "table" else write_value(tmp_path / "ink.onnx")
    assert predict(tmp_path / source, "--model", file, "--out", tmp_path / "out.csv", *options) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()
