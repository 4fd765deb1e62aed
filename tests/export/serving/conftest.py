"""Servers that more than one test asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from classifiers import write_classifier
from running import Server, serving


@pytest.fixture(scope="session")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that tells bars apart."""
    return write_classifier(tmp_path_factory.mktemp("model") / "bars.onnx")


@pytest.fixture(scope="session")
def server(bars: Path) -> Iterator[Server]:
    """A server of that model, two workers, for tests that leave it as it was."""
    with serving("--model", bars, "--workers", 2, "--max-body", 1, "--max-images", 50, "--timeout", 1) as running:
        yield running
