"""Tables of numbers: what is read from them, how it is scaled, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fluidline.errors import DataError
from pipeline.data import load
from pipeline.data.dataset import Split
from pipeline.data.table import TableInput, read_table

ROWS = [[1.0, 10.0, 100.0], [2.0, 30.0, 200.0], [3.0, 20.0, 300.0], [6.0, 20.0, 400.0], [50.0, 60.0, 500.0]]


def write(path: Path, rows: list[list[float]] = ROWS, head: str = "", separator: str = " ") -> Path:
    path.write_text(head + "".join(separator.join(map(str, row)) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("name", "separator", "head", "columns"),
    [
        ("a.data", "   ", "", ("x1", "x2", "target")),
        ("a.data", "\t", "rooms  age  price\n", ("rooms", "age", "price")),
        ("a.csv", ",", "", ("x1", "x2", "target")),
        ("a.csv", ", ", '\ufeff"rooms, all",age,price\n\n', ("rooms, all", "age", "price")),
    ],
)
def test_a_table_is_read_with_blanks_or_commas_with_names_or_without(
    name: str, separator: str, head: str, columns: tuple[str, ...], tmp_path: Path
) -> None:
    dataset = load(write(tmp_path / name, head=head, separator=separator))
    assert dataset.source == f"the table {tmp_path / name}"
    assert isinstance(dataset.input, TableInput)
    assert (*dataset.input.features, dataset.target) == columns
    assert (dataset.labels, dataset.valid) == ((), None)
    np.testing.assert_array_equal(dataset.train.samples, np.array(ROWS)[:4, :2])
    np.testing.assert_array_equal(dataset.test.truth, np.array([500.0], np.float32))


def test_features_are_scaled_by_mean_least_and_largest_of_the_rows_to_train_with(tmp_path: Path) -> None:
    dataset = read_table(write(tmp_path / "a.data"))
    assert dataset.input.preprocessing() == {
        "features": ["x1", "x2"],
        "offset": [3.0, 20.0],
        "scale": [pytest.approx(1 / 5), pytest.approx(1 / 20)],
    }
    expected = (np.array(ROWS)[:, :2] - [3, 20]) / [5, 20]
    for split, rows in ((dataset.train, slice(4)), (dataset.test, slice(4, None))):
        fed = dataset.input.normalise(split.samples)
        assert fed.dtype == np.float32
        np.testing.assert_allclose(fed, expected[rows], rtol=1e-6)
    first = next(dataset.test.reader()())
    np.testing.assert_allclose(first[0], expected[4], rtol=1e-6)
    assert first[1] == 500.0


def test_a_column_of_one_value_counts_for_nothing(tmp_path: Path) -> None:
    rows = [[7.0, x, y] for _, x, y in ROWS[:4]] + [[1e6, 60.0, 500.0]]
    dataset = read_table(write(tmp_path / "a.data", rows))
    for split in (dataset.train, dataset.test):
        np.testing.assert_array_equal(dataset.input.normalise(split.samples)[:, 0], 0)


def test_rows_held_out_and_a_model_that_was_trained_elsewhere_keep_their_scale(tmp_path: Path) -> None:
    dataset = read_table(write(tmp_path / "a.data"))
    held = dataset.hold_out(1)
    assert held.valid is not None
    assert (len(held.train), len(held.valid), held.input) == (3, 1, dataset.input)

    other = read_table(write(tmp_path / "b.data", [[row[0], -row[1], row[2]] for row in ROWS]))
    assert other.input != dataset.input
    again = other.as_trained(dataset.input.preprocessing())
    assert again.train.input == again.test.input == dataset.input
    named = read_table(write(tmp_path / "c.data", head="rooms age price\n"))
    with pytest.raises(DataError, match=r"has the columns rooms, age, and the model was trained on x1, x2"):
        named.as_trained(dataset.input.preprocessing())


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.data", "", "a.data is empty"),
        ("a.data", " \n\n", "a.data is empty"),
        ("a.data", "1 2 3\n4 5\n", "a.data, line 2: 2 cells, and the first line has 3"),
        ("a.csv", "a,b\n\n1,2\n3,4,5\n", "a.csv, line 4: 3 cells, and the first line has 2"),
        ("a.csv", "rooms,age\n1,2\n3,many\n", "a.csv, line 3, column 2 (age): 'many' is no number"),
        ("a.csv", "1,2\n3,\n", "a.csv, line 2, column 2: '' is no number"),
        ("a.data", "1 2\nNaN 4\n", "a.data, line 2, column 1: 'NaN' is no number"),
        ("a.data", "1 2\n3 1e999\n", "a.data, line 2, column 2: '1e999' is no number"),
        ("a.data", "1 two\n3 4\n", "a.data, line 1, column 2: 'two' is no number"),
        ("a.csv", "age,age,price\n1,2,3\n", "a.csv does not name each column once: 'age'"),
        ("a.csv", "age,,price\n1,2,3\n", "a.csv does not name each column once: ''"),
        ("a.data", "1 2 3\n", "a.data has 1 rows of 3 numbers, and at least 2 of 2 are needed"),
        ("a.data", "a b c\n", "a.data has 0 rows of 3 numbers"),
        ("a.data", "1\n2\n3\n", "a.data has 3 rows of 1 numbers"),
    ],
)
def test_a_wrong_table_is_named_with_the_line(name: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as error:
        load(tmp_path / name)
    assert words in str(error.value)


def test_a_table_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"1,2\n\xff\xfe,3\n")
    with pytest.raises(DataError, match=r"a.csv is no text: byte 4 is not UTF-8"):
        load(tmp_path / "a.csv")


def test_a_split_of_a_table_refuses_other_types_and_shapes() -> None:
    form = TableInput(("a", "b"), (0.0, 0.0), (1.0, 1.0))
    with pytest.raises(TypeError, match=r"rows are float32 \(3, 2\), not float64 \[N, 2\]"):
        Split(np.zeros((3, 2), np.float32), np.zeros(3, np.float32), form)
    with pytest.raises(TypeError, match=r"targets are float64 \(3,\), not float32 \[3\]"):
        Split(np.zeros((3, 2)), np.zeros(3), form)
