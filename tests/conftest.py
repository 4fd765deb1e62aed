"""Fixtures that more than one package's tests use."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of golden cases, MNIST and seeds beside the project; a test that needs it skips where it is absent."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip("needs ../shared (golden cases, MNIST), which is not part of the repository")
    return path
