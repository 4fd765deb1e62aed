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
from pipeline.augment import augment, parse
from pipeline.data.dataset import Dataset, Split
from pipeline.data.sheets import draw_augmented, draw_samples
from pipeline.data.show import as_text, write_samples
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
    assert lines[0] == f"IDX files in {tmp_path}: 28x28 uint8, 10 classes"
    assert ["7", "3", "2"] in [line.split() for line in lines]
    assert ["all", "30", "20"] in [line.split() for line in lines]
    assert ["pixels", "0..255", "0..255"] in [line.split() for line in lines]
    assert any(line.startswith("ok    every class is in every split") for line in lines)
    assert any(line.startswith("LOOK  ink is light on dark: train has ") for line in lines)


def test_the_command_prints_json_alone_to_stdout(tmp_path):
    folder = write_idx_set(tmp_path, train=30, test=20)
    done = run("--data", folder, "--json", "--show", tmp_path / "samples.png")
    assert done.stderr.splitlines()[1:] == [f"drawn: {tmp_path / 'samples.png'}"]
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


def test_images_of_dark_ink_are_counted():
    data = dataset()
    data.test.images[4:] = ~data.test.images[4:]
    assert failed(data) == {"ink is light on dark": "test has 16 on light paper, the first is image 4"}


def test_mean_and_deviation_are_those_of_all_pixels():
    data = dataset(train=1500)
    train = describe(data)["splits"]["train"]
    assert train["mean"] == pytest.approx(data.train.images.mean(), abs=0.006)
    assert train["std"] == pytest.approx(data.train.images.std(), abs=0.006)
    assert train["range"] == [0, 85]


def test_images_to_test_with_that_were_trained_with_are_counted():
    data = dataset()
    data.test.images[3] = data.train.images[5]
    assert failed(data) == {"no image to test with is one to train with": "test shares 1"}


def test_the_table_shows_a_validation_split_between_the_others():
    data = dataset()
    with_valid = Dataset(data.source, data.train, data.test, data.test, data.labels)
    assert ["label", "train", "valid", "test"] in [line.split() for line in as_text(describe(with_valid)).splitlines()]


def places(sheet, image):
    """Where in a sheet an image is, drawn twice as large."""
    wanted = np.kron(image, np.ones((2, 2), np.uint8))
    height, width = wanted.shape
    return [
        (row, column)
        for row in range(sheet.shape[0] - height + 1)
        for column in np.flatnonzero(sheet[row, : sheet.shape[1] - width + 1] == wanted[0, 0])
        if np.array_equal(sheet[row : row + height, column : column + width], wanted)
    ]


def test_the_picture_has_a_row_of_samples_for_each_class(tmp_path):
    data = dataset(train=50)
    draw_samples(data, tmp_path / "samples.png")
    sheet = np.asarray(Image.open(tmp_path / "samples.png"))
    found = [places(sheet, data.train.images[index]) for index in (3, 13, 4)]
    assert [len(each) for each in found] == [1, 1, 1]
    (first, second, other) = (each[0] for each in found)
    assert 3 * sheet.shape[0] / 10 <= first[0] < 4 * sheet.shape[0] / 10
    assert first[0] == second[0] < other[0]
    assert first[1] == other[1] < second[1]


def test_the_sheet_of_an_augmented_sample_has_a_row_for_each_transform_and_one_for_all(tmp_path):
    data = dataset()
    amounts = parse("brightness=0.5,rotate=14")
    draw_augmented(data, amounts, tmp_path / "sheet.png", seed=3)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    same = data.train.images[:1].repeat(12, axis=0)
    tops = [places(sheet, same[0])[0][0]]
    for each in ({"rotate": 14.0}, {"brightness": 0.5}, amounts):
        values = augment(same, each, np.random.default_rng(3))[11]
        tops.append(places(sheet, np.rint(values).astype(np.uint8))[0][0])
    assert tops == sorted(tops)
    assert len(set(tops)) == 4
    draw_augmented(data, amounts, tmp_path / "again.png", seed=3)
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "sheet.png").read_bytes()


def test_pictures_have_names_of_their_own_unless_named(tmp_path):
    folder = write_idx_set(tmp_path / "data")
    for flags, name in ((["--show"], "samples.png"), (["--augment", "rotation=14", "--show"], "augmented.png")):
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", "data", "--data", str(folder), *flags],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.stderr.endswith(f"drawn: {name}\n")
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


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


def test_a_label_that_cannot_be_a_files_name_is_written_otherwise(tmp_path):
    data = dataset()
    named = Dataset(data.source, data.train, data.test, None, ("T-shirt/top", "../up", "靴", *"3456789"))
    write_samples(named, tmp_path / "samples", count=3)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    assert files == ["samples/00000_T-shirt-top.png", "samples/00001_..-up.png", "samples/00002_靴.png"]


def test_names_in_chinese_do_not_move_the_columns():
    data = dataset()
    named = Dataset(data.source, data.train, data.test, None, ("鞋子", "bags", *"23456789"))
    lines = as_text(describe(named)).splitlines()
    assert lines[3:5] == ["鞋子        3      2", "bags        3      2"]
