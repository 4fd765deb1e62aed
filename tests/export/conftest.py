"""Fixtures of the export's tests."""

from __future__ import annotations

import csv
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from fluidline.runs import RunFolder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A LeNet trained for two epochs on images of noise with a bright bar; read it, and copy it to write to it."""
    from pipeline.config import load_config
    from pipeline.train import train

    root = tmp_path_factory.mktemp("trained")
    data = write_bars(root / "data")
    train(load_config(model="lenet", data=str(data), epochs=2, batch_size=50, run="bars", runs_dir=str(root / "runs")))
    return RunFolder(root / "runs" / "bars")


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the trained run, to write to."""
    shutil.copytree(trained.path, tmp_path / "runs" / "bars")
    return RunFolder(tmp_path / "runs" / "bars")


@pytest.fixture(scope="session")
def exported_once(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The trained run with its inference models and its ONNX file; read it, and copy it to write to it."""
    from export.inference import export_inference
    from export.onnx import export_onnx

    copy = RunFolder(tmp_path_factory.mktemp("exported") / "bars")
    shutil.copytree(trained.path, copy.path)
    export_inference(copy)
    export_onnx(copy)
    return copy


@pytest.fixture
def exported(exported_once: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the exported run, to write to."""
    shutil.copytree(exported_once.path, tmp_path / "runs" / "bars")
    return RunFolder(tmp_path / "runs" / "bars")


@pytest.fixture(scope="session")
def houses(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A linear model of prices, trained on houses.csv beside its runs, with its inference models and ONNX file; read it."""
    from export.inference import export_inference
    from export.onnx import export_onnx
    from pipeline.config import load_config
    from pipeline.train import train

    root = tmp_path_factory.mktemp("houses")
    rows = np.random.default_rng(0).uniform([1, 0, 100], [9, 80, 700], (60, 3))
    prices = 5 * rows[:, 0] - 0.1 * rows[:, 1] + 20
    with open(root / "houses.csv", "w", newline="") as file:
        names = ["rooms", "age", "tax", "price"]
        csv.writer(file).writerows([names, *np.column_stack([rows, prices]).round(3).tolist()])
    options = {"epochs": 3, "batch_size": 10, "run": "houses", "runs_dir": str(root / "runs")}
    train(load_config(model="linear", data=str(root / "houses.csv"), **options))
    run = RunFolder(root / "runs" / "houses")
    export_inference(run)
    export_onnx(run)
    return run


def write_bars(folder: Path) -> Path:
    """Write IDX files of 200 and 100 images, each class a bar at a height of its own."""
    random = np.random.default_rng(0)
    folder.mkdir()
    for prefix, count in (("train", 200), ("t10k", 100)):
        labels = np.arange(count) % 10
        images = random.integers(0, 120, (count, 28, 28))
        for image, label in zip(images, labels, strict=True):
            image[2 * label + 4 : 2 * label + 8] += 110
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            (folder / f"{prefix}-{name}-ubyte").write_bytes(header + array.astype(np.uint8).tobytes())
    return folder
