"""The house prices: the drawn houses, and the regression in fluid and in NumPy, which must agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from examples.housing.by_hand import LinearRegression
from examples.housing.compare import command
from examples.housing.draw import COLUMNS, NOISE, houses, write_houses
from pipeline.data.table import TableInput, read_table


def test_drawn_houses_have_the_rows_and_columns_of_the_boston_data(tmp_path: Path) -> None:
    write_houses(tmp_path / "housing.data")
    dataset = read_table(tmp_path / "housing.data")
    assert (len(dataset.train), len(dataset.test)) == (404, 102)
    assert isinstance(dataset.input, TableInput)
    assert dataset.input.features == tuple(COLUMNS)
    assert dataset.target == "MEDV"
    np.testing.assert_array_equal(houses(3), houses(3))
    assert not np.array_equal(houses(3), houses(4))


def test_prices_follow_the_law_but_for_the_noise() -> None:
    table = houses(rows=20_000)
    design = np.column_stack([table[:, :-1], np.ones(len(table))])
    found, *_ = np.linalg.lstsq(design, table[:, -1], rcond=None)
    spread = design.std(axis=0)[:-1]
    laws = [column.law for column in COLUMNS.values()]
    np.testing.assert_allclose(found[:-1] * spread, laws * spread, atol=4 * NOISE / len(table) ** 0.5)


def test_the_gradient_by_hand_is_that_of_the_cost() -> None:
    draw = np.random.default_rng(0)
    x, prices = draw.normal(size=(5, 3)), draw.normal(size=(5, 1))
    weight, bias = draw.normal(size=(3, 1)), draw.normal(size=1)
    model = LinearRegression(weight, bias)
    model.step(x, prices, learning_rate=1.0)
    for index in range(3):
        near = np.zeros((3, 1))
        near[index] = 1e-6
        up, down = (LinearRegression(weight + side * near, bias).cost(x, prices) for side in (1, -1))
        assert (weight - model.weight)[index, 0] == pytest.approx((up - down) / 2e-6, rel=1e-5)
    up, down = (LinearRegression(weight, bias + side * 1e-6).cost(x, prices) for side in (1, -1))
    assert (bias - model.bias)[0] == pytest.approx((up - down) / 2e-6, rel=1e-5)


def test_fluid_and_numpy_agree_on_the_same_batches_from_the_same_start(tmp_path: Path) -> None:
    write_houses(tmp_path / "own.data", seed=5)
    options = ["--epochs", "5", "--data", str(tmp_path / "own.data")]
    lines = CliRunner().invoke(command, options, catch_exceptions=False).stdout.splitlines()
    assert [line.split()[0] for line in lines[1:15]] == [*COLUMNS, "bias"]
    weights = np.array([[float(cell) for cell in line.split()[1:3]] for line in lines[1:15]])
    assert np.abs(weights).max() > 5
    assert float(lines[-1].rpartition(" ")[2]) < 1e-4
    in_fluid, by_hand = (float(word) for word in lines[-2].split() if word[0].isdigit())
    assert in_fluid == pytest.approx(by_hand, rel=1e-4)
    assert in_fluid < 60  # of prices with a variance of about 100
