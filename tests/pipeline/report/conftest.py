"""Runs that the report's tests read: copy one to change it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reported import CLASSES

from fluidline.runs import RunFolder


@pytest.fixture(scope="session")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images of three classes that nobody can tell apart, so that a model makes mistakes."""
    random = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("noise") / "data"
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for number in range(20):
            Image.fromarray(random.integers(0, 256, (28, 28), np.uint8)).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def trained_once(noise: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of two passes; read it only."""
    from pipeline.config import load_config
    from pipeline.train import train

    root = tmp_path_factory.mktemp("trained") / "runs"
    options = {"model": "softmax", "data": str(noise), "epochs": 2, "batch_size": 8, "l2": 0.001}
    train(load_config(**options, run="noise", runs_dir=str(root)), handlers=[])
    return RunFolder(root / "noise")


@pytest.fixture(scope="session")
def whole_once(trained_once: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The run exported and measured; read it only."""
    from export.bench import bench
    from export.bench.backends import BACKENDS
    from export.inference import export_inference
    from export.onnx import export_onnx

    run = RunFolder(tmp_path_factory.mktemp("whole") / "runs" / "noise")
    shutil.copytree(trained_once.path, run.path)
    export_inference(run)
    export_onnx(run)
    backends = [backend for backend in BACKENDS if backend.name in ("onnxruntime CPU", "onnxruntime CUDA")]
    bench(run, batches=(1, 4), seconds=0.5, backends=backends, tuned=False)
    return run


@pytest.fixture
def trained(trained_once: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the trained run, to change."""
    return _copy(trained_once, tmp_path)


@pytest.fixture
def whole(whole_once: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the run with everything, to change."""
    return _copy(whole_once, tmp_path)


def _copy(run: RunFolder, folder: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(run.path, folder / "runs" / run.name)))
