from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from classifiers import CLASSES, bar, write_classifier, write_value

from export.kind import Images
from export.model import load, locate
from fluidline.errors import DataError, RunError, UsageError
from fluidline.runs import RunFolder, point_latest

ROOT = Path(__file__).parents[2]
LABELS = [f"bar {label}" for label in range(CLASSES)]
PREPROCESSING = {"size": [28, 28], "scale": 0.5, "shift": -3.0, "ink": "light"}


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    return write_classifier(tmp_path / "bars.onnx")


@pytest.fixture
def finished(tmp_path: Path) -> RunFolder:
    """A run folder whose stage `onnx` has run."""
    run = RunFolder(tmp_path / "runs" / "bars")
    run.onnx.parent.mkdir(parents=True)
    write_classifier(run.onnx)
    run.write_stage("onnx", [run.onnx], {}, parent="inference")
    point_latest(run)
    return run


def test_a_model_without_metadata_gets_numbers_as_labels_and_pixels_from_minus_one_to_one(classifier):
    model = load(classifier)
    assert model.labels == tuple("0123456789")
    assert model.name == "bars"
    assert model.images == Images((28, 28), (1, 28, 28), 2 / 255, -1.0, "light")
    images = model.images.normalise(np.array([[[0, 255] * 14] * 28], np.uint8))
    assert (images.shape, images.dtype) == ((1, 1, 28, 28), np.float32)
    np.testing.assert_allclose(images[0, 0, 0, :2], [-1, 1], atol=1e-7)


def test_labels_name_and_preprocessing_come_from_the_metadata(tmp_path):
    metadata = {"labels": json.dumps(LABELS), "preprocessing": json.dumps(PREPROCESSING), "model": "strokes"}
    model = load(write_classifier(tmp_path / "model.onnx", metadata))
    assert model.labels == tuple(LABELS)
    assert model.name == "strokes"
    np.testing.assert_array_equal(
        model.images.normalise(np.full((2, 28, 28), 10, np.uint8)), np.full((2, 1, 28, 28), 2.0)
    )


def test_a_model_of_dark_ink_gets_the_images_inverted(tmp_path):
    metadata = {"preprocessing": json.dumps({"size": [28, 28], "scale": 1, "shift": 0, "ink": "dark"})}
    model = load(write_classifier(tmp_path / "model.onnx", metadata))
    assert model.images.normalise(np.full((1, 28, 28), 5, np.uint8)).max() == 250


def test_images_are_classified_in_batches_of_any_size(classifier):
    model = load(classifier)
    for count in (1, 7, 10):
        probabilities = model.classify(np.stack([bar(label) for label in range(count)]))
        assert probabilities.shape == (count, CLASSES)
        assert probabilities.argmax(axis=1).tolist() == list(range(count))


def test_no_images_are_no_answers(classifier):
    assert load(classifier).classify(np.zeros((0, 28, 28), np.uint8)).shape == (0, CLASSES)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metadata": {"labels": '["a", "b"]'}}, "10 probabilities"),
        ({"metadata": {"labels": "[a"}}, "no readable labels"),
        ({"metadata": {"preprocessing": "{}"}}, "no readable preprocessing"),
        ({"metadata": {"preprocessing": json.dumps({**PREPROCESSING, "size": [32, 32]})}}, r"\[32, 32\]"),
        ({"metadata": {"preprocessing": "[1]"}}, "no object"),
        ({"metadata": {"preprocessing": json.dumps({"features": ["a"], "offset": [0], "scale": [1]})}}, "1 features"),
        ({"metadata": {"task": "guessing"}}, "the task 'guessing'"),
        ({"metadata": {"labels": "7"}}, "not a list"),
        ({"metadata": {"preprocessing": json.dumps({**PREPROCESSING, "ink": "red"})}}, "red ink"),
    ],
)
def test_metadata_that_contradict_the_model_are_an_error_that_names_it_and_why(tmp_path, changes, reason):
    path = write_classifier(tmp_path / "odd.onnx", **changes)
    with pytest.raises(DataError, match=reason) as raised:
        load(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size": (3, 28, 28)}, "neither gray images"),
        ({"batch": 4}, "not any number of images"),
        ({"softmax": False}, "no probabilities .*--softmax"),
        ({"metadata": {"task": "regression"}}, "10 values at a time"),
    ],
)
def test_a_model_of_something_else_opens_and_says_why_it_is_for_tensors_alone(tmp_path, changes, reason):
    model = load(write_classifier(tmp_path / "odd.onnx", **changes))
    assert model.kind.takes is None
    assert model.kind.task is None
    with pytest.raises(DataError, match=f"odd.onnx does not take images: .*{reason}"):
        _ = model.images


def test_images_of_another_size_are_told_by_the_input(tmp_path):
    model = load(write_classifier(tmp_path / "model.onnx", size=(1, 32, 30)))
    assert model.images == Images((32, 30), (1, 32, 30))
    assert model.classify(np.zeros((3, 32, 30), np.uint8)).shape == (3, CLASSES)


def test_images_may_go_in_flat_where_the_metadata_say_their_size(tmp_path):
    metadata = {"preprocessing": json.dumps(PREPROCESSING)}
    model = load(write_classifier(tmp_path / "model.onnx", metadata, size=(784,)))
    assert (model.images.size, model.shape) == ((28, 28), (784,))
    assert model.classify(bar(4)).argmax() == 4


def test_rows_of_numbers_are_a_table_as_they_are_or_as_the_metadata_say(tmp_path):
    plain = load(write_classifier(tmp_path / "plain.onnx", size=(3,))).table
    assert (plain.count, plain.features) == (3, ())
    np.testing.assert_array_equal(plain.normalise(np.array([[1, 2, 3.0]])), [[1, 2, 3]])
    preprocessing = {"features": ["a", "b", "c"], "offset": [1, 2, 3], "scale": [1, 0.5, 2]}
    metadata = {"preprocessing": json.dumps(preprocessing)}
    table = load(write_classifier(tmp_path / "model.onnx", metadata, size=(3,))).table
    assert table.features == ("a", "b", "c")
    np.testing.assert_array_equal(table.normalise(np.array([[1.0, 4, 5]])), [[0, 1, 4]])


def test_one_output_is_a_value_and_several_are_labels(tmp_path):
    assert load(write_value(tmp_path / "value.onnx")).kind.task == "regression"
    assert load(write_classifier(tmp_path / "bars.onnx")).kind.task == "classification"
    labels = {"task": "classification", "labels": '["it"]'}
    assert load(write_value(tmp_path / "it.onnx", labels)).kind.why.startswith("its answers are no probabilities")


def test_a_file_that_is_no_model_is_an_error_in_a_line(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_text("not a model")
    with pytest.raises(DataError, match=r"model\.onnx cannot be used: onnxruntime refuses it") as raised:
        load(path)
    assert "\n" not in str(raised.value)


def test_a_gpu_that_is_not_there_is_an_error_when_asked_for_and_nothing_when_not(classifier):
    code = f"from export.model import load; print(load({str(classifier)!r}, %r).provider)"
    asked, auto = (
        subprocess.run(
            [sys.executable, "-c", code % device], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        for device in ("gpu", "auto")
    )
    if "CUDA" in auto.stdout:
        pytest.skip("there is a GPU")
    assert (auto.stdout, auto.stderr) == ("CPUExecutionProvider\n", "")
    assert "FluidlineError: onnxruntime cannot use a GPU here (--device cpu does without" in asked.stderr
    assert "libcu" not in asked.stderr  # what onnxruntime itself would print


@pytest.mark.gpu
def test_a_gpu_gives_the_answers_of_the_cpu(classifier):
    if load(classifier).provider == "CPUExecutionProvider":
        pytest.skip("needs a GPU that onnxruntime can use")
    images = np.stack([bar(label) for label in range(CLASSES)])
    model = load(classifier, "gpu")
    assert model.provider == "CUDAExecutionProvider"
    np.testing.assert_allclose(model.classify(images), load(classifier, "cpu").classify(images), atol=1e-5)


def test_only_the_provider_that_was_asked_for_is_in_use(classifier):
    model = load(classifier, "cpu")
    assert model.provider == "CPUExecutionProvider"
    assert model.session.get_providers() == ["CPUExecutionProvider"]
    assert isinstance(model.session, onnxruntime.InferenceSession)


def test_a_run_is_found_by_name_by_folder_by_file_and_as_the_latest(finished):
    root = finished.path.parent
    expected = finished.onnx.resolve()
    for found in (
        locate("bars", root=root),
        locate(root=root),
        locate(model=finished.path),
        locate(model=root / "latest"),
        locate(model=root / "latest" / "onnx" / "model.onnx"),
    ):
        assert found.resolve() == expected


def test_a_file_outside_of_runs_is_taken_as_it_is(classifier):
    assert locate(model=str(classifier)) == classifier


@pytest.mark.parametrize("how", ["run", "folder", "file"])
def test_a_model_changed_after_the_manifest_was_written_is_an_error(finished, how):
    write_classifier(finished.onnx, {"labels": json.dumps(LABELS)})
    arguments = {
        "run": {"run": "bars", "root": finished.path.parent},
        "folder": {"model": finished.path},
        "file": {"model": finished.onnx},
    }
    with pytest.raises(
        DataError, match=r"model\.onnx was changed after the manifest was written .*make export RUN=bars"
    ):
        locate(**arguments[how])


def test_a_run_without_the_stage_says_how_to_make_it(tmp_path):
    (tmp_path / "mlp").mkdir()
    with pytest.raises(RunError, match=r"no stage 'onnx' yet \(make it first: make export RUN=mlp\)"):
        locate("mlp", root=tmp_path)


def test_a_file_that_is_not_there_is_an_error_with_the_mend(tmp_path):
    with pytest.raises(DataError, match=r"no such model: .*gone\.onnx .*make export"):
        locate(model=tmp_path / "gone.onnx")


def test_a_run_and_a_model_together_are_wrong_usage(classifier):
    with pytest.raises(UsageError, match="leave one out"):
        locate("lenet", classifier)
