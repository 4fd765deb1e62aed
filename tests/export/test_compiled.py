"""The twin of a model that the cache keeps for this processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from classifiers import write_classifier

from export import compiled as module
from export.compiled import compiled
from export.conversion.for_processor import rewrite
from export.model import load


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fluidline" / "onnx"


def test_a_lenet_is_rewritten_once_and_answers_alike(exported_once, cache):
    twin = compiled(exported_once.onnx)
    assert list(cache.iterdir()) == [twin]
    made = twin.stat().st_mtime_ns
    assert compiled(exported_once.onnx) == twin
    assert twin.stat().st_mtime_ns == made
    plain, opened = load(exported_once.onnx, "cpu"), load(exported_once.onnx, "cpu", "throughput")
    assert opened.path == exported_once.onnx
    assert (opened.kind, opened.name, opened.inputs) == (plain.kind, plain.name, plain.inputs)
    images = np.random.default_rng(1).integers(0, 256, (20, 28, 28), np.uint8)
    np.testing.assert_allclose(opened.classify(images), plain.classify(images), atol=1e-6)


def test_a_model_of_paddles_converter_loses_what_computes_nothing(exported_once, tmp_path):
    model = onnx.load(exported_once.onnx)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "DynamicDimension.0"
    model.graph.node.insert(0, onnx.helper.make_node("Identity", ["img"], ["same"]))
    for node in model.graph.node[1:]:
        node.input[:] = ["same" if name == "img" else name for name in node.input]
    onnx.save(model, tmp_path / "plain.onnx")
    rewritten = onnx.load_from_string(rewrite(tmp_path / "plain.onnx", 16))
    kinds = [node.op_type for node in rewritten.graph.node]
    assert "Identity" not in kinds
    shapes = [list(tensor.dims) for tensor in rewritten.graph.initializer if len(tensor.dims) == 4]
    assert shapes == [[16, 1, 5, 5], [64, 16, 5, 5], [16, 1, 6, 6], [64, 4, 5, 5]]


def test_answers_that_change_leave_the_plain_model(exported_once, cache, monkeypatch):
    monkeypatch.setattr(module, "_TOLERANCE", -1.0)
    assert compiled(exported_once.onnx) == exported_once.onnx
    assert list(cache.iterdir()) == []


def test_a_file_that_is_no_model_is_left_to_whoever_opens_it(tmp_path):
    path = tmp_path / "torn.onnx"
    path.write_bytes(b"torn")
    assert compiled(path) == path


def test_where_nothing_can_be_kept_the_plain_model_does(exported_once, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert compiled(exported_once.onnx) == exported_once.onnx


def test_only_so_many_twins_are_kept(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(module, "_KEPT", 2)
    for index in range(3):
        write_classifier(tmp_path / "model.onnx", {"model": str(index)})
        last = compiled(tmp_path / "model.onnx")
    assert len(list(cache.iterdir())) == 2
    assert last.exists()
