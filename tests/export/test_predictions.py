from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from export.predictions import Layout, Prediction, format_of, open_rows, read_done
from fluidline.errors import FluidlineError, UsageError

ODD_NAMES = [
    "a,b.png",
    'say "x".png',
    "two\nlines.png",
    "carriage\rreturn.png",
    "ünïcode.png",
    " spaces .png",
    "é\udcff.png",
]
PAIR = Prediction("a.png", ("seven", "one"), (0.75, 0.25))


def write(path: Path, predictions: list[Prediction], form: str = "csv", top: int = 1) -> bytes:
    with open_rows(str(path), form, Layout(top=top)) as rows:
        rows.write(predictions)
    return path.read_bytes()


def write_and_fail(path: Path, *predictions: Prediction, top: int = 1, resume: bool = False) -> None:
    with open_rows(str(path), "csv", Layout(top=top), resume) as rows:
        rows.write(predictions)
        raise ZeroDivisionError


def test_a_csv_has_a_header_and_a_row_for_each_file(tmp_path):
    found = write(
        tmp_path / "out.csv", [Prediction("a.png", ("7",), (1 / 3,)), Prediction("b.png", error="empty file")]
    )
    assert found == b"file,label,probability,error\na.png,7,0.333333,\nb.png,,,empty file\n"


def test_more_labels_are_more_columns_with_the_error_last(tmp_path):
    found = write(tmp_path / "out.csv", [PAIR, Prediction("b.png", error="empty file")], top=2)
    assert found.decode().splitlines() == [
        "file,label,probability,label_2,probability_2,error",
        "a.png,seven,0.750000,one,0.250000,",
        "b.png,,,,,empty file",
    ]


def test_json_lines_have_the_same_columns(tmp_path):
    found = write(tmp_path / "out.jsonl", [PAIR, Prediction("b.png", error="empty file")], "jsonl", 2)
    assert [json.loads(line) for line in found.splitlines()] == [
        *(
            {
                "file": "a.png",
                "label": "seven",
                "probability": 0.75,
                "label_2": "one",
                "probability_2": 0.25,
                "error": None,
            },
        ),
        *(
            {
                "file": "b.png",
                "label": None,
                "probability": None,
                "label_2": None,
                "probability_2": None,
                "error": "empty file",
            },
        ),
    ]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_odd_names_and_reasons_come_back_as_they_were(tmp_path, form):
    predictions = [Prediction(name, error=name) for name in ODD_NAMES]
    path = tmp_path / "out"
    write(path, predictions, form)
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file)) if form == "csv" else [json.loads(line) for line in file]
    assert [(row["file"], row["error"]) for row in rows] == [(name, name) for name in ODD_NAMES]


def test_a_name_that_is_not_utf_8_keeps_its_bytes(tmp_path):
    assert b"\n\xff.png," in write(tmp_path / "out.csv", [Prediction(os.fsdecode(b"\xff.png"), error="x")])


@pytest.mark.parametrize(
    ("out", "chosen", "form"),
    [
        ("a.csv", None, "csv"),
        ("a.CSV", None, "csv"),
        ("a.jsonl", None, "jsonl"),
        ("-", None, "csv"),
        ("-", "jsonl", "jsonl"),
        ("a.txt", "csv", "csv"),
        ("a.csv", "jsonl", "jsonl"),
    ],
)
def test_the_format_is_the_one_chosen_or_that_of_the_ending(out, chosen, form):
    assert format_of(out, chosen) == form


def test_an_ending_that_says_nothing_is_wrong_usage():
    with pytest.raises(UsageError, match=r"--out a\.xlsx: .* \.csv or \.jsonl, or add --format"):
        format_of("a.xlsx")


def test_a_failure_on_the_way_leaves_the_old_file_and_the_rows_so_far_beside_it(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        write_and_fail(path, Prediction("a.png", ("7",), (1.0,)))
    assert path.read_text() == "old"
    assert (tmp_path / "out.csv.partial").read_text() == "file,label,probability,error\na.png,7,1.000000,\n"


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("torn", [0, 1, 7])
def test_rows_are_gone_on_with_after_the_last_whole_one(tmp_path, form, torn):
    path, part = tmp_path / f"out.{form}", tmp_path / f"out.{form}.partial"
    predictions = [Prediction(name, error=name) for name in ODD_NAMES]
    whole = write(path, predictions, form)
    path.unlink()
    ends = [len(write(tmp_path / "first", predictions[:count], form)) for count in range(len(predictions) + 1)]
    for count, end in enumerate(ends[:-1]):
        part.write_bytes(whole[: end + torn])
        assert read_done(str(path), form) == set(ODD_NAMES[:count])
        with open_rows(str(path), form, Layout(), resume=True) as rows:
            rows.write(predictions[count:])
        assert path.read_bytes() == whole
        path.unlink()


def test_a_finished_table_is_gone_on_with_too_and_stays_until_the_end(tmp_path):
    path = tmp_path / "out.csv"
    old = write(path, [PAIR], top=2)
    with pytest.raises(ZeroDivisionError):
        write_and_fail(path, top=2, resume=True)
    assert path.read_bytes() == old
    with open_rows(str(path), "csv", Layout(top=2), resume=True) as rows:
        rows.write([Prediction("b.png", error="empty file")])
    assert path.read_bytes() == old + b"b.png,,,,,empty file\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_of_other_columns_is_not_gone_on_with(tmp_path):
    path = tmp_path / "out.csv"
    old = write(path, [PAIR], top=2)
    with (
        pytest.raises(UsageError, match="other columns, file,label,probability,label_2"),
        open_rows(str(path), "csv", Layout(), True),
    ):
        pytest.fail("it was opened")
    assert path.read_bytes() == old


def test_a_table_that_another_command_writes_is_left_to_it(tmp_path):
    path = str(tmp_path / "out.csv")
    with (
        open_rows(path, "csv", Layout()),
        pytest.raises(FluidlineError, match="is being written by another"),
        open_rows(path, "csv", Layout()),
    ):
        pytest.fail("it was opened")


def test_nothing_on_stdout_can_be_gone_on_with():
    with pytest.raises(UsageError, match="--out is -"), open_rows("-", "csv", Layout(), resume=True):
        pytest.fail("it was opened")


def test_a_device_is_written_to_and_not_replaced():
    with open_rows(os.devnull, "csv", Layout()) as rows:
        rows.write([PAIR])
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("out", ["folder", "file/out.csv"])
def test_a_place_that_cannot_be_written_is_an_error_before_anything_is_computed(tmp_path, out):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with (
        pytest.raises(FluidlineError, match=r"cannot write .*(folder|file)"),
        open_rows(str(tmp_path / out), "csv", Layout()),
    ):
        pytest.fail("it was opened")
