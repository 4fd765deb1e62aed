from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from classifiers import CLASSES, bar, write_classifier
from PIL import Image
from processes import are_gone, children, wait_for

from export.__main__ import export
from export.compiled import compiled
from export.predict import predict_folder
from fluidline.cli import main
from fluidline.errors import DataError
from fluidline.runs import RunFolder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_classifier(tmp_path / "bars.onnx")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten images, in two folders, of the ten classes."""
    (tmp_path / "images" / "high").mkdir(parents=True)
    for label in range(CLASSES):
        Image.fromarray(bar(label)).save(tmp_path / "images" / ("high" if label < 5 else "") / f"{label}.png")
    return tmp_path / "images"


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file))


def predict(*arguments: object) -> int:
    return main(export, ["predict", *map(str, arguments)])


def process(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "export", "predict", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False, **options)


def test_a_row_for_each_image_in_the_order_of_their_names(folder, model, tmp_path):
    out = tmp_path / "out.csv"
    summary = predict_folder(folder, out, model=model, batch_size=3, workers=2)
    rows = rows_of(out)
    assert [row["file"] for row in rows] == [*(f"{n}.png" for n in range(5, 10)), *(f"high/{n}.png" for n in range(5))]
    assert all(row["label"] == Path(row["file"]).stem for row in rows)
    assert (summary.count, summary.failures, summary.provider) == (10, 0, "CPUExecutionProvider")
    assert summary.labels == {str(label): 1 for label in range(CLASSES)}
    assert summary.confidence == pytest.approx(np.mean([float(row["probability"]) for row in rows]), abs=1e-6)


def test_png_files_give_the_same_probabilities_as_the_arrays(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (100, 28, 28)).astype(np.uint8)
    images[:, [0, -1]] = 0
    images[:, :, [0, -1]] = 0
    (tmp_path / "images").mkdir()
    for index, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "images" / f"{index:03d}.png")
    model = write_classifier(tmp_path / "model.onnx")
    predict_folder(tmp_path / "images", tmp_path / "out.csv", model=model, batch_size=7)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"img": (images / 255 * 2 - 1).astype(np.float32)[:, None]})[0]
    rows = rows_of(tmp_path / "out.csv")
    assert [int(row["label"]) for row in rows] == expected.argmax(axis=1).tolist()
    np.testing.assert_allclose([float(row["probability"]) for row in rows], expected.max(axis=1), atol=2e-6)


def test_files_that_cannot_be_read_are_rows_with_the_reason_and_the_rest_goes_on(folder, model, tmp_path):
    (folder / "a empty.png").touch()
    (folder / "b text.png").write_text("no image")
    (folder / "c cut.png").write_bytes((folder / "5.png").read_bytes()[:60])
    (folder / "d folder.png").mkdir()
    os.symlink("gone", folder / "e link.png")
    Image.new("1", (300, 300)).save(folder / "f large.png")
    os.mkfifo(folder / "g pipe.png")
    assert predict(folder, "--model", model, "--out", tmp_path / "out.csv", "--max-pixels", 80_000) == 0
    rows = rows_of(tmp_path / "out.csv")
    assert len(rows) == 17
    assert {row["file"]: row["error"] for row in rows if row["error"]} == {
        "a empty.png": "empty file",
        "b text.png": "not an image of a known format",
        "c cut.png": rows[7]["error"],
        "d folder.png": "a folder",
        "e link.png": "broken link",
        "f large.png": "300 x 300 pixels are over the limit of 80000",
        "g pipe.png": "no regular file",
    }
    assert "truncated" in rows[7]["error"].lower()
    assert all(bool(row["label"]) != bool(row["error"]) for row in rows)


def test_failures_are_an_exit_code_only_when_asked_for(folder, model, tmp_path, capsys):
    (folder / "empty.png").touch()
    assert predict(folder, "--model", model, "--out", tmp_path / "a.csv") == 0
    assert predict(folder, "--model", model, "--out", tmp_path / "b.csv", "--strict") == 1
    assert "1 of 11 images could not be read" in capsys.readouterr().err
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_the_summary_says_what_happened(folder, model, tmp_path):
    (folder / "empty.png").touch()
    found = process(folder, "--model", model, "--out", tmp_path / "out.csv", "--device", "cpu")
    assert found.returncode == 0
    assert found.stdout == ""
    assert "11 images in" in found.stderr
    assert "images/s (bars on CPUExecutionProvider)" in found.stderr
    assert "1 could not be read; mean confidence 0." in found.stderr
    assert "labels 0: 1, 1: 1, 2: 1" in found.stderr
    assert "\r" not in found.stderr  # no progress bar where there is no terminal


def test_rows_go_to_stdout_and_the_summary_beside_them(folder, model):
    found = process(folder, "--model", model, "--out", "-", "--format", "jsonl", "--top", 2)
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert [row["label"] for row in rows] == ["5", "6", "7", "8", "9", "0", "1", "2", "3", "4"]
    assert list(rows[0]) == ["file", "label", "probability", "label_2", "probability_2", "error"]
    assert all(row["probability"] > row["probability_2"] for row in rows)
    assert "10 images" in found.stderr


def test_a_reader_of_the_rows_that_leaves_early_is_no_error(folder, model):
    command = f"{sys.executable} -m export predict {folder} --model {model} --out - | head -n 2"
    found = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=100, check=True)
    assert found.stdout.startswith("file,label,probability,error\n5.png,5,")
    assert "Traceback" not in found.stderr
    assert "Error" not in found.stderr


def test_as_many_labels_as_there_are_at_most(folder, model, tmp_path):
    predict_folder(folder, tmp_path / "out.csv", model=model, top=99)
    (first, *_) = rows_of(tmp_path / "out.csv")
    assert list(first)[-3:] == ["label_10", "probability_10", "error"]
    assert sum(float(value) for name, value in first.items() if "prob" in name) == pytest.approx(1, abs=1e-5)


def test_the_polarity_is_the_users_to_say(folder, model, tmp_path):
    for path in folder.rglob("*.png"):
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    for polarity, right in (("auto", 10), ("dark", 10), ("light", 0)):
        predict_folder(folder, tmp_path / "out.csv", model=model, polarity=polarity)
        assert sum(row["label"] == Path(row["file"]).stem for row in rows_of(tmp_path / "out.csv")) == pytest.approx(
            right, abs=3 if polarity == "light" else 0
        )


def test_odd_file_names_come_back(tmp_path, model):
    names = ["a,b.png", 'say "x".png', "two\nlines.png", "\udcff.png", "back\rspace.png"]
    (tmp_path / "images").mkdir()
    for name in names:
        Image.fromarray(bar(3)).save(os.fsencode(tmp_path / "images" / name).decode("utf-8", "surrogateescape"))
    predict_folder(tmp_path / "images", tmp_path / "out.csv", model=model)
    assert sorted(row["file"] for row in rows_of(tmp_path / "out.csv")) == sorted(names)


def test_the_contact_sheet_is_written_beside(folder, model, tmp_path):
    (folder / "empty.png").touch()
    assert predict(folder, "--model", model, "--out", tmp_path / "out.csv", "--html", tmp_path / "sheet.html") == 0
    page = (tmp_path / "sheet.html").read_text()
    assert page.count("<figure>") == 10
    assert "empty.png: empty file" in page


def test_a_run_is_predicted_with_by_its_name_and_its_labels(exported, tmp_path):
    (tmp_path / "images").mkdir()
    noise = np.random.default_rng(4)
    for label in range(CLASSES):
        image = noise.integers(0, 120, (28, 28))
        image[2 * label + 4 : 2 * label + 8] += 110
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / "images" / f"{label}.png")
    arguments = ("--runs-dir", exported.path.parent, "--out", tmp_path / "out.csv", "--polarity", "light")
    assert predict(tmp_path / "images", "--run", exported.name, *arguments) == 0
    assert [row["label"] for row in rows_of(tmp_path / "out.csv")] == list("0123456789")


def test_a_model_changed_in_its_run_is_refused(tmp_path, folder, capsys):
    run = RunFolder(tmp_path / "runs" / "bars")
    run.onnx.parent.mkdir(parents=True)
    run.write_stage("onnx", [write_classifier(run.onnx)], {}, parent="inference")
    write_classifier(run.onnx, {"model": "another"})
    out = tmp_path / "out.csv"
    assert predict(folder, "--run", "bars", "--runs-dir", run.path.parent, "--out", out) == 1
    assert predict(folder, "--model", run.onnx, "--out", out) == 1
    assert capsys.readouterr().err.count("was changed after the manifest was written") == 2
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["gone"], 1, "gone: no such folder (name the folder that holds the images)"),
        (["empty"], 1, "empty holds no images: no file ends in .png, .jpg or the like (--all tries every file)"),
        (["empty", "--out", "out.xlsx"], 2, "the ending names no format"),
        (["empty", "--polarity", "drak"], 2, "did you mean 'dark'?"),
        (["images", "--model", "gone.onnx"], 1, "no such model: gone.onnx"),
        (["images", "--model", "images/5.png"], 1, "images/5.png cannot be used: onnxruntime refuses it"),
        (["images", "--run", "lenet"], 1, "no such run: runs/lenet"),
        (["images", "--run", "lenet", "--model", "bars.onnx"], 2, "leave one out"),
        (
            ["images", "--model", "bars.onnx", "--out", "images", "--format", "csv"],
            1,
            "cannot write images: it is a folder",
        ),
        (["images", "--model", "bars.onnx", "--batch-size", "0"], 2, "--batch-size"),
        ([], 2, "Missing argument 'DIR|TABLE'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_and_leaves_nothing(
    folder, model, tmp_path, monkeypatch, capsys, arguments, code, message
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    (tmp_path / "empty" / ".hidden.png").touch()
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert predict(*arguments) == code
    assert message in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_all_files_are_tried_when_asked_for(folder, model, tmp_path):
    (folder / "5.png").rename(folder / "5")
    (folder / "notes.txt").write_text("no image")
    summary = predict_folder(folder, tmp_path / "out.csv", model=model, every=True)
    assert (summary.count, summary.failures) == (11, 1)
    assert predict_folder(folder, tmp_path / "out.csv", model=model).count == 9


def test_the_python_call_names_the_same_errors(tmp_path, model):
    with pytest.raises(DataError, match="holds no images"):
        predict_folder(tmp_path / ".", tmp_path / "out.csv", model=model)


def test_after_ctrl_c_no_process_is_left_and_resume_goes_on(folder, model, tmp_path):
    for index in range(3000):  # enough to be in the middle of it
        os.link(folder / "5.png", folder / f"x{index}.png")
    out = tmp_path / "place" / "out.csv"
    out.parent.mkdir()
    command = [sys.executable, "-m", "export", "predict", folder, "--model", model, "--out", out, "--batch-size", "1"]
    running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: any(part.stat().st_size > 100 for part in out.parent.iterdir()), interval=0.01)  # rows, too
    workers = children(running.pid)
    running.send_signal(signal.SIGINT)
    _, messages = running.communicate(timeout=60)
    assert running.returncode == 130
    assert messages.startswith("stopped; --resume goes on with the rows that are there\n")
    assert messages.endswith("interrupted\n")
    assert [file.name for file in out.parent.iterdir()] == ["out.csv.partial"]
    assert workers
    assert are_gone(workers)
    summary = predict_folder(folder, out, model=model, resume=True)
    assert 0 < summary.count < 3009
    assert [file.name for file in out.parent.iterdir()] == ["out.csv"]
    predict_folder(folder, tmp_path / "whole.csv", model=model)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert predict_folder(folder, out, model=model, resume=True).count == 0


def test_paddle_is_never_imported_nor_onnx_once_the_model_is_known(folder, model, tmp_path):
    compiled(model)
    code = (
        "import sys; from export.__main__ import export; from fluidline.cli import main\n"
        f"code = main(export, ['predict', {str(folder)!r}, '--model', {str(model)!r}, '--fit', '--out',"
        f" {str(tmp_path / 'out.csv')!r}, '--html', {str(tmp_path / 'sheet.html')!r}])\n"
        "print(code, sorted(name for name in sys.modules if name.split('.')[0] in ('paddle', 'legacy_fluid', 'onnx')))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=100, check=True
    )
    assert found.stdout == "0 []\n"


def test_help_and_the_reading_of_plain_files_do_without_numpy(folder):
    for code in (
        "import export.predict",
        "from export.reading.process import read_batch; from export.reading.messages import Settings;"
        f" assert not read_batch(['5.png'], Settings({str(folder)!r}, 'auto', False, 1000)).failures",
    ):
        check = f"{code}\nimport sys; print([name for name in ('numpy', 'onnxruntime') if name in sys.modules])"
        found = subprocess.run(
            [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
        )
        assert found.stdout == "[]\n"


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_files(folder, model, tmp_path):
    def peak() -> float:
        code = (
            "import resource; from export.predict import predict_folder\n"
            f"predict_folder({str(folder)!r}, {str(tmp_path / 'out.csv')!r}, model={str(model)!r},"
            f" html={str(tmp_path / 'sheet.html')!r})\n"
            "print(sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))"
        )
        found = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=110, check=True
        )
        return int(found.stdout) / 1024

    def fill(first: int, last: int) -> None:
        for number in range(first, last):
            (folder / str(number)).mkdir()
            for index in range(500):
                os.link(folder / "5.png", folder / str(number) / f"{index}.png")

    fill(0, 20)
    few = peak()
    fill(20, 80)
    assert peak() - few < 10  # MiB; 30,000 images more would take 22 as pixels, 90 as the model's input


@pytest.mark.slow
def test_the_test_images_of_mnist_are_recognised_as_well_from_files(shared, tmp_path):
    def read(name: str, offset: int) -> np.ndarray:
        return np.frombuffer(gzip.open(shared / "mnist" / f"t10k-{name}.gz").read(), np.uint8, offset=offset)

    images, labels = read("images-idx3-ubyte", 16).reshape(-1, 28, 28), read("labels-idx1-ubyte", 8)
    (tmp_path / "images").mkdir()
    for index, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "images" / f"{index:05d}.png")
    summary = predict_folder(tmp_path / "images", tmp_path / "out.csv", model=shared / "bench" / "lenet.onnx")
    rows = rows_of(tmp_path / "out.csv")
    assert summary.failures == 0
    assert np.mean([int(row["label"]) == label for row, label in zip(rows, labels, strict=True)]) == 0.9855


def test_a_photo_of_a_digit_and_the_tutorials_image_are_recognised(shared, tmp_path):
    model = shared / "bench" / "lenet.onnx"
    predict_folder(shared / "mnist", tmp_path / "out.csv", model=model)
    assert [row["label"] for row in rows_of(tmp_path / "out.csv")] == ["3"]
    predict_folder(shared / "mnist", tmp_path / "out.csv", model=model, fit=True)
    assert [row["label"] for row in rows_of(tmp_path / "out.csv")] == ["3"]
