from __future__ import annotations

from pathlib import Path

import pytest

from export.reading.table import Row, read_rows
from fluidline.errors import DataError


@pytest.fixture
def table(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(text.encode())
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4\n",
        "1;2\n3;4\n",
        "1\t2\n3\t4",
        " 1  2 \n\n3 4\n",
        "1,2,9\r\n3,4,9\r\n",
        "\ufeffa,b\n1,2\n3,4\n",
        'a,b\n"1", 2\n3,4\n\n',
        "b,note,a,target\n2,x,1,9\n4,,3,9\n",
    ],
)
def test_a_table_may_be_cut_and_headed_in_any_usual_way(table, text):
    assert list(read_rows(table(text), 2, ("a", "b"))) == [Row(1, [1, 2]), Row(2, [3, 4])]


def test_without_names_on_either_side_columns_go_by_their_order(table):
    assert [row.values for row in read_rows(table("one,two\n1,2\n"), 2)] == [[1, 2]]


def test_a_row_that_cannot_be_read_says_so_and_the_rest_goes_on(table):
    rows = list(read_rows(table("a,b\n1,2\nx,2\n1,\n1\n1,nan\n5,6\n"), 2, ("a", "b")))
    assert [row.error for row in rows] == [
        *(
            "",
            "a is 'x', not a number",
            "b is empty",
            "1 cells, and the first row has 2",
            "b is 'nan', not a number",
            "",
        )
    ]
    assert rows[-1] == Row(6, [5, 6])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("a,c\n1,2\n", r"lacks columns that the model was trained on: b \(it has: a, c\)"),
        ("1,2,3,4\n", "has 4 columns, and the model takes 2"),
        ("1\n", "has 1 columns"),
    ],
)
def test_a_file_that_is_no_such_table_is_an_error_that_names_it(table, text, reason):
    path = table(text)
    with pytest.raises(DataError, match=reason) as caught:
        list(read_rows(path, 2, ("a", "b")))
    assert str(path) in str(caught.value)


def test_a_file_that_is_no_text_is_an_error_that_names_it(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(DataError, match=r"photo\.png is no table of numbers"):
        list(read_rows(tmp_path / "photo.png", 2))
    with pytest.raises(DataError, match=r"gone\.csv: no such file"):
        list(read_rows(tmp_path / "gone.csv", 2))
