"""Settings beside a model: written by the benchmark, taken where they fit, and passed over where they do not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from classifiers import bar, write_classifier

from export.model import load
from export.settings import FILE, Setting, read_settings, write_settings

PLAIN = Setting("model.onnx", "extended", threads=2, calls=1, batch=8)
OTHER = Setting("variants/other.onnx", "basic", threads=1, calls=3, batch=4)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A classifier with a variant whose graph goes by another name, and settings."""
    path = write_classifier(tmp_path / "model.onnx")
    other = onnx.load(path)
    other.graph.name = "other"
    (tmp_path / "variants").mkdir()
    onnx.save(other, tmp_path / "variants" / "other.onnx")
    write_settings(path, {"latency": PLAIN, "throughput": OTHER}, {"latency": OTHER, "throughput": PLAIN})
    return path


def test_settings_are_read_back_by_purpose(model):
    assert read_settings(model, "latency") == PLAIN
    assert read_settings(model, "throughput") == OTHER
    assert read_settings(model, "latency", approximate=True) == OTHER
    assert read_settings(model, "another purpose") is None


def test_a_model_is_opened_as_its_settings_say(model):
    opened = load(model, "cpu", "throughput")
    assert opened.setting == OTHER
    assert opened.session.get_modelmeta().graph_name == "other"
    assert opened.path == model
    options = load(model, "cpu", "latency").session.get_session_options()
    assert options.intra_op_num_threads == 2
    assert options.graph_optimization_level.name == "ORT_ENABLE_EXTENDED"
    assert load(model, "cpu").session.get_modelmeta().graph_name == "small"


def test_more_images_than_a_call_takes_are_answered_in_order(model):
    labels = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]
    probabilities = load(model, "cpu", "throughput").classify(np.stack([bar(label) for label in labels]))
    assert probabilities.argmax(1).tolist() == labels


@pytest.mark.parametrize(
    "change",
    [{"cpu_model": "another processor"}, {"cpu_cores": 4096}, {"model_sha256": "0" * 64}, {"schema_version": 0}],
)
def test_settings_of_another_machine_or_model_do_not_count(model, change):
    path = model.with_name(FILE)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert read_settings(model, "latency") is None
    assert load(model, "cpu", "latency").setting.file == "model.onnx"


@pytest.mark.parametrize("text", ["", "[]", '{"latency": {"file": 3}}', '{"latency": {"speed": 1}}'])
def test_settings_that_are_none_do_not_count(model, text):
    model.with_name(FILE).write_text(text)
    assert read_settings(model, "latency") is None


def test_settings_whose_file_is_gone_do_not_count(model):
    (model.parent / "variants" / "other.onnx").unlink()
    assert read_settings(model, "throughput") is None
    assert read_settings(model, "latency") == PLAIN
