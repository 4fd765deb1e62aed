"""`python -m pipeline data`: the summary, its checks and its picture."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from data_files import digits, write_idx_set
from PIL import Image

from fluidline.errors import UsageError
from pipeline.data.dataset import Dataset, Split
from pipeline.data.show import as_text, draw_samples, write_samples
from pipeline.data.summary import CHECKS, describe

ROOT = Path(__file__).parents[2]


def run(*arguments):
    command = [sys.executable, "-m", "pipeline", "data", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def dataset(train=30, test=20):
    """A set in which every check passes."""
    splits = [Split(digits(count, seed)[0] // 3, digits(count, seed)[1]) for seed, count in enumerate((train, test))]
    return Dataset("a test", *splits, None, tuple("0123456789"))


def failed(data):
    return {check["check"]: check["found"] for check in describe(data)["checks"] if not check["passed"]}


def test_the_command_prints_a_table_and_says_the_source_on_stderr(tmp_path):
    done = run("--data", write_idx_set(tmp_path, train=30, test=20))
    assert done.returncode == 0
    assert done.stderr == f"data: IDX files in {tmp_path} (30 train, 20 test)\n"
    lines = done.stdout.splitlines()
    assert lines[0] == f"IDX files in {tmp_path}: 28x28 uint8"
    assert ["7", "3", "2"] in [line.split() for line in lines]
    assert ["all", "30", "20"] in [line.split() for line in lines]
    assert ["pixels", "0..255", "0..255"] in [line.split() for line in lines]
    assert any(line.startswith("ok    every class is in every split") for line in lines)
    assert any(line.startswith("LOOK  ink is light on dark: train is light on average") for line in lines)


def test_the_command_prints_json_alone_to_stdout(tmp_path):
    done = run("--data", write_idx_set(tmp_path, train=30, test=20), "--json", "--show", tmp_path / "samples.png")
    summary = json.loads(done.stdout)
    assert summary["source"] == f"IDX files in {tmp_path}"
    assert summary["splits"]["train"]["images"] == 30
    assert summary["splits"]["test"]["histogram"] == {str(label): 2 for label in range(10)}
    assert summary["splits"]["train"]["range"] == [0, 255]
    assert {check["check"] for check in summary["checks"]} == set(CHECKS)
    assert (tmp_path / "samples.png").read_bytes().startswith(b"\x89PNG")


def test_a_wrong_folder_is_an_error_in_one_line(tmp_path):
    done = run("--data", tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: no data: {tmp_path / 'nowhere'} is not there")
    assert done.stderr.count("\n") == 1


def test_a_good_set_passes_every_check():
    assert failed(dataset()) == {}


def test_classes_without_images_are_named():
    data = dataset(test=9)
    assert failed(data) == {"every class is in every split": "test has none of 9"}


def test_a_rare_class_is_named():
    images, labels = digits(40)
    labels[labels == 3] = 4
    labels[3] = 3
    train = Split(np.concatenate([images, images]) // 3, np.concatenate([labels, np.where(labels == 3, 4, labels)]))
    found = failed(Dataset("a test", train, dataset().test, None, tuple("0123456789")))
    assert found == {"no class is ten times rarer than another": "3 has 1, 4 has 15"}


def test_blank_images_are_counted():
    data = dataset()
    data.train.images[[4, 7]] = 9
    assert failed(data) == {"no image is blank": "train has 2, the first is image 4"}


def test_dark_ink_is_seen():
    data = dataset()
    data.test.images[:] = ~data.test.images
    assert failed(data) == {"ink is light on dark": "test is light on average (212 of 255)"}


def test_images_to_test_with_that_were_trained_with_are_counted():
    data = dataset()
    data.test.images[3] = data.train.images[5]
    assert failed(data) == {"no image to test with is one to train with": "test shares 1"}


def test_the_table_shows_a_validation_split_between_the_others():
    data = dataset()
    with_valid = Dataset(data.source, data.train, data.test, data.test, data.labels)
    assert ["label", "train", "valid", "test"] in [line.split() for line in as_text(describe(with_valid)).splitlines()]


def test_the_picture_has_a_row_of_samples_for_each_class(tmp_path):
    data = dataset(train=50)
    draw_samples(data, tmp_path / "samples.png")
    sheet = np.asarray(Image.open(tmp_path / "samples.png"))
    first_of_class_3 = np.kron(data.train.images[3], np.ones((2, 2), np.uint8))
    height, width = first_of_class_3.shape
    corners = [
        (row, column)
        for row in range(sheet.shape[0] - height + 1)
        for column in np.flatnonzero(sheet[row, : sheet.shape[1] - width + 1] == first_of_class_3[0, 0])
        if np.array_equal(sheet[row : row + height, column : column + width], first_of_class_3)
    ]
    assert len(corners) == 1
    assert 3 * sheet.shape[0] / 10 <= corners[0][0] < 4 * sheet.shape[0] / 10


def test_a_picture_of_an_unknown_kind_is_wrong_usage_and_writes_nothing(tmp_path):
    with pytest.raises(UsageError, match=r"'.xyz' is no picture's suffix \(use .png\)"):
        draw_samples(dataset(), tmp_path / "samples.xyz")
    assert os.listdir(tmp_path) == []


def test_looking_at_data_does_not_bring_paddle(tmp_path):
    script = """
import sys
import pipeline.data.show, pipeline.readers
pipeline.data.load(sys.argv[1])
sys.exit("paddle" in sys.modules)
"""
    command = [sys.executable, "-c", script, str(write_idx_set(tmp_path))]
    assert subprocess.run(command, cwd=ROOT, timeout=60).returncode == 0


def test_samples_are_the_first_test_images_named_by_their_labels(tmp_path):
    data = dataset()
    write_samples(data, tmp_path / "samples", count=5)
    files = sorted((tmp_path / "samples").iterdir())
    assert [file.name for file in files] == [f"{i:05d}_{label}.png" for i, label in enumerate(data.test.labels[:5])]
    for file, image in zip(files, data.test.images, strict=False):
        assert np.array_equal(np.asarray(Image.open(file)), image)
