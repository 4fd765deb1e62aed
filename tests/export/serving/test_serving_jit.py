"""A layer of Paddle 2 from its training to an answer over HTTP: to_static, jit.save, ONNX, predict, serve."""

from __future__ import annotations

import csv
from pathlib import Path

import jit_models
import numpy as np
import pytest
from bodies import png
from classifiers import CLASSES, bar
from PIL import Image
from running import serving

from export.conversion.from_saved import convert_jit
from export.predict import predict_folder
from export.said import Said

LABELS = tuple(f"bar {label}" for label in range(CLASSES))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of bars that a script for Paddle 2 trained and saved, as ONNX."""
    import paddle

    folder = tmp_path_factory.mktemp("jit")
    random = np.random.default_rng(0)
    with jit_models.dynamic_mode():
        paddle.seed(1)
        layer = jit_models.LeNet()
        optimizer = paddle.optimizer.Adam(0.01, parameters=layer.parameters())
        for _ in range(30):
            labels = random.integers(0, CLASSES, 40)
            pixels = np.stack([bar(label) for label in labels]) * random.uniform(0.5, 1, (40, 1, 1))
            images = paddle.to_tensor((pixels / 127.5 - 1).astype(np.float32)[:, None])
            loss = paddle.nn.functional.cross_entropy(layer(images), paddle.to_tensor(labels))
            loss.backward()
            optimizer.step()
            optimizer.clear_grad()
        layer.eval()
        jit_models.write(folder / "bars", layer, ([None, 1, 28, 28], "float32", "img"))
    convert_jit(folder / "bars", folder / "bars.onnx", said=Said(LABELS, {}, softmax=True))
    return folder / "bars.onnx"


def test_a_folder_of_images_is_predicted(model, tmp_path):
    (tmp_path / "images").mkdir()
    for label in range(CLASSES):
        Image.fromarray(bar(label)).save(tmp_path / "images" / f"{label}.png")
    summary = predict_folder(tmp_path / "images", tmp_path / "out.csv", model=model)
    assert (summary.count, summary.model) == (CLASSES, "bars")
    with open(tmp_path / "out.csv", newline="") as file:
        assert [row["label"] for row in csv.DictReader(file)] == list(LABELS)


def test_it_is_served_to_images_and_to_clients_of_the_protocol(model):
    with serving("--model", model, "--workers", 1) as server:
        for label in (0, 4, 9):
            assert server.post("/predict", png(bar(label)), "image/png").labels == [f"bar {label}"]
        about = server.get("/v2/models/bars").json
        assert about["inputs"] == [{"name": "img", "datatype": "FP32", "shape": [-1, 1, 28, 28]}]
        assert about["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}]
