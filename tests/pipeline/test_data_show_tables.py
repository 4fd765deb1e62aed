"""`python -m pipeline data` on a table of numbers."""

import json

import numpy as np
import pytest
from PIL import Image

from fluidline.errors import UsageError
from pipeline.data.sheets import draw_augmented, draw_samples
from pipeline.data.show import as_text, write_samples
from pipeline.data.summary import TABLE_CHECKS, describe
from pipeline.data.table import read_table


@pytest.fixture
def table(tmp_path):
    """A table in which one column never varies and the last row is far from those to train with."""
    rows = [[number, 5, number * number] for number in range(9)] + [[100, 5, -1]]
    path = tmp_path / "table.csv"
    path.write_text("rooms,walls,price\n" + "\n".join(",".join(map(str, row)) for row in rows))
    return read_table(path)


def test_a_table_is_summarised_by_its_columns(table):
    summary = describe(table)
    assert (summary["target"], summary["labels"]) == ("price", [])
    assert [split["rows"] for split in summary["splits"].values()] == [8, 2]
    assert summary["splits"]["train"]["columns"]["rooms"] == {"range": [0, 7], "mean": 3.5, "std": np.std(np.arange(8))}
    assert summary["splits"]["test"]["columns"]["price"]["range"] == [-1, 64]
    json.dumps(summary)
    lines = [line.split() for line in as_text(summary).splitlines()]
    assert ["rooms", "0..7", "3.5", "2.291", "8..100", "54", "46"] in lines
    found = {check["check"]: check["found"] for check in summary["checks"] if not check["passed"]}
    assert found == {
        "every column varies": "walls is always 5",
        "no value to test with is outside of those to train with": (
            "rooms in 2 of 2 rows of test; price in 2 of 2 rows of test"
        ),
    }
    assert [check["check"] for check in summary["checks"]] == list(TABLE_CHECKS)


def test_a_tables_picture_shows_its_columns(table, tmp_path):
    draw_samples(table, tmp_path / "columns.png")
    with Image.open(tmp_path / "columns.png") as picture:
        assert picture.width == 1000


def test_a_table_has_no_images_to_augment_or_to_write(table, tmp_path):
    with pytest.raises(UsageError, match=r"table.csv has no images to augment .leave out --augment"):
        draw_augmented(table, {"rotate": 14}, tmp_path / "sheet.png", seed=1)
    with pytest.raises(UsageError, match=r"table.csv has no images to write .leave out --samples"):
        write_samples(table, tmp_path / "samples")
