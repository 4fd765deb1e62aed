"""docs/training.md names every optimizer and decay, with the settings that it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.decays import DECAYS
from pipeline.optimizers import OPTIMIZERS
from pipeline.settings import Setting

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]


def shown(key: str, setting: Setting) -> str:
    """Return a setting as the page writes it."""
    if setting.default is None:
        return f"`{key}`"
    return f"`{key}={int(setting.default) if setting.kind is bool else format(setting.default, 'g')}`"


@pytest.mark.parametrize("name", [*OPTIMIZERS, *DECAYS])
def test_the_page_has_a_row_with_the_settings(name: str) -> None:
    (row,) = [row for row in ROWS if f"`{name}`" in row.split("|")[1]]
    settings = (OPTIMIZERS.get(name) or DECAYS[name]).settings
    assert all(shown(key, setting) in row for key, setting in settings.items())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_page_has_the_learning_rate_that_comes_with_an_optimizer(name: str) -> None:
    (row,) = [row for row in ROWS if row.startswith(f"| `{name}`")]
    assert row.split("|")[3].split(",")[0].strip() == format(OPTIMIZERS[name].learning_rate, "g")
