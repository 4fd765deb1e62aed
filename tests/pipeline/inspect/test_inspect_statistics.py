"""Statistics of parameters and activations, and the tables that show them."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from pipeline.inspect.network import Network, Operator, Parameter, Tensor
from pipeline.inspect.statistics import Activations, parameter_table
from pipeline.inspect.tables import Table, count

LAYERS = {
    "conv": Tensor("conv.tmp_0", ("N", 3, 4, 4)),
    "fc": Tensor("fc.tmp_0", ("N", 5)),
    "shape": Tensor("shape.tmp_0", (2,), "int32"),
}


@pytest.fixture
def outputs() -> tuple[np.ndarray, np.ndarray]:
    """What the layers gave to 10 images: channel 1 and number 4 are dead, number 2 is always 0.5."""
    random = np.random.default_rng(0)
    conv, fc = (random.normal(size=size).astype(np.float32) for size in ((10, 3, 4, 4), (10, 5)))
    conv = np.maximum(conv, 0)
    conv[:, 1] = fc[:, 4] = 0
    fc[:, 2] = 0.5
    return conv, fc


def test_units_that_never_give_anything_are_counted_and_named(outputs: tuple[np.ndarray, np.ndarray]) -> None:
    activations = Activations(LAYERS)
    activations.add(outputs)
    table = activations.table("images")
    conv, fc = table.rows
    assert (conv["units"], conv["dead"], conv["dead_units"]) == (3, 1, [1])
    assert (fc["dead_units"], fc["constant_units"]) == ([4], [2])
    assert table.notes == [
        "conv: always zero in unit 1",
        "fc: always zero in unit 4",
        "fc: always the same in unit 2",
    ]


def test_batches_come_to_the_same_as_all_images_at_once(outputs: tuple[np.ndarray, np.ndarray]) -> None:
    at_once, in_batches = Activations(LAYERS), Activations(LAYERS)
    at_once.add(outputs)
    for part in (slice(0, 7), slice(7, 10)):
        in_batches.add([array[part] for array in outputs])
    for row, other, values in zip(at_once.table("").rows, in_batches.table("").rows, outputs, strict=True):
        for name in ("mean", "std", "min", "max", "zeros"):
            assert other[name] == pytest.approx(row[name])
        assert row["std"] == pytest.approx(values.std(dtype=np.float64))
        assert row["zeros"] == pytest.approx((values == 0).mean())
        assert (row["min"], row["max"]) == (values.min(), values.max())


def test_a_unit_that_is_zero_in_some_batches_alone_is_alive() -> None:
    activations = Activations({"fc": Tensor("fc.tmp_0", ("N", 1))})
    activations.add([np.zeros((4, 1), np.float32)])
    activations.add([np.ones((4, 1), np.float32)])
    [row] = activations.table("").rows
    assert (row["dead"], row["constant"]) == (0, 0)


def test_a_parameter_s_row_has_numpy_s_numbers() -> None:
    values = np.array([[3.0, 0.0], [-4.0, 0.0]], np.float32)
    used = Operator("mul", (), (Tensor("out"),), (Parameter("w", (2, 2)),))
    [row] = parameter_table(Network("", (), (used, used), ()), {"w": values}).rows
    assert row == {
        "parameter": "w", "shape": [2, 2], "count": 4, "learnt": True, "mean": -0.25, "std": pytest.approx(values.std()),
        "min": -4.0, "max": 3.0, "zeros": 0.5, "norm": 5.0,
    }  # fmt: skip


def test_a_table_is_text_to_read_and_csv_to_compute_with() -> None:
    rows = [{"name": "a", "shapes": [["N", 2], [3]], "set": {"kernel": [5, 5]}, "n": 1234, "more": 1}] * 3
    table = Table("Things", {"name": str, "shapes": str, "set": str, "n": count}, rows, ["a note"])
    assert table.as_text(2).splitlines()[2].split() == ["name", "shapes", "set", "n"]
    assert table.as_text(2).splitlines()[3].endswith(" 1,234")
    assert table.as_text(2).splitlines()[-2:] == ["a note", "and 1 more"]
    read = list(csv.DictReader(io.StringIO(table.as_csv())))
    assert read == [{"name": "a", "shapes": "Nx2; 3", "set": "kernel=5x5", "n": "1234"}] * 3
    assert table.as_json()[0]["more"] == 1
