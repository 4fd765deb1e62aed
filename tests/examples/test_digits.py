"""The drawn digits of the guide: the same ones in three forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from click.testing import CliRunner

from examples.digits.draw import PARTS, command
from pipeline.data import load


def test_the_three_forms_hold_the_same_digits(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    assert "2,000 to train" in CliRunner().invoke(command, [str(folder)], catch_exceptions=False).stdout
    as_json, as_idx = load(str(folder / "mnist.json.gz")), load(str(folder / "mnist"))
    assert as_json.valid is not None
    assert {"train": len(as_json.train), "valid": len(as_json.valid), "test": len(as_json.test)} == PARTS
    for part in ("train", "test"):
        np.testing.assert_array_equal(getattr(as_json, part).images, getattr(as_idx, part).images)
        np.testing.assert_array_equal(getattr(as_json, part).labels, getattr(as_idx, part).labels)
    as_images = load(str(folder / "images"))
    assert len(as_images.train) + len(as_images.test) == PARTS["test"]
    found = np.bincount(np.concatenate([as_images.train.labels, as_images.test.labels]))
    np.testing.assert_array_equal(found, np.bincount(as_json.test.labels))
