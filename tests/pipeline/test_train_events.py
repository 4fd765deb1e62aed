"""What the handlers make of the events of a training: lines, rows and curves."""

# ruff: noqa: UP031  the formats of the book, as they stand there, are the reference

from __future__ import annotations

import io
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from PIL import Image

from fluidline.errors import FluidlineError
from pipeline.events import BeginEpochEvent, Best, EndEpochEvent, EndStepEvent, EndTrainingEvent, Event, PrintHandler
from pipeline.metrics import MetricsLog, read_rows
from pipeline.plot import PlotHandler

ROOT = Path(__file__).parents[2]
END_OF_PASS = EndEpochEvent(0, 10, 1.5, 0.4, 0.25, 0.875, 2.0)


def steps(count: int, epoch: int = 0, first: int = 0, every: int = 1) -> list[Event]:
    return [
        EndStepEvent(epoch, batch, first + batch, 2 / (first + batch + 1), 0.5, learning_rate=0.01)
        for batch in range(0, count, every)
    ]


def test_the_lines_are_the_books() -> None:
    out = io.StringIO()
    handler = PrintHandler(out)
    for event in [
        BeginEpochEvent(0, 0, 10),
        *steps(10, every=4),
        END_OF_PASS,
        EndTrainingEvent(Best(0, 0.25, 0.87654)),
    ]:
        handler(event)
    assert out.getvalue().splitlines() == [
        "Pass %d, Batch %d, Cost %f" % (0, 0, 2.0),
        "Pass %d, Batch %d, Cost %f" % (0, 4, 0.4),
        "Pass %d, Batch %d, Cost %f" % (0, 8, 2 / 9),
        "Test with Epoch %d, avg_cost: %s, acc: %s" % (0, 0.25, 0.875),
        "Best pass is %s, testing Avgcost is %s" % (0, 0.25),
        "The classification accuracy is %.2f%%" % 87.654,
    ]


def test_the_progress_bar_is_drawn_on_a_terminal() -> None:
    script = (
        "from pipeline.events import *\n"
        "bar = ProgressHandler()\n"
        "for event in (BeginEpochEvent(2, 5, 10), EndStepEvent(2, 5, 25, 0.5, 1.0)): bar(event)\n"
        "bar.close()"
    )
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with open(ours, "rb", buffering=0) as terminal:
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, stderr=theirs, timeout=30, check=True)
        assert b"epoch 2" in terminal.read(4096)
    open(theirs, "rb").close()


def test_rows_are_written_as_they_come(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for event in [*steps(10, every=5), END_OF_PASS]:
        log(event)
    assert read_rows(tmp_path / "metrics.jsonl") == log.rows
    assert [(row["kind"], row["step"]) for row in log.rows] == [("batch", 0), ("batch", 5), ("epoch", 10)]
    assert log.rows[-1] == {
        "kind": "epoch", "epoch": 0, "step": 10, "train_cost": 1.5, "train_accuracy": 0.4,
        "test_cost": 0.25, "test_accuracy": 0.875, "seconds": 2.0,
    }  # fmt: skip
    assert (tmp_path / "metrics.csv").read_text().splitlines() == [
        "kind,epoch,batch,step,train_cost,train_accuracy,valid_cost,valid_accuracy,test_cost,test_accuracy,seconds,learning_rate",
        "batch,0,0,0,2.0,0.5,,,,,,0.01",
        "batch,0,5,5,0.3333333333333333,0.5,,,,,,0.01",
        "epoch,0,,10,1.5,0.4,,,0.25,0.875,2.0,",
    ]


def test_a_log_opened_again_keeps_the_rows_before_its_place_and_no_torn_one(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for event in [*steps(10, every=5), END_OF_PASS, *steps(10, epoch=1, first=10, every=5)]:
        log(event)
    with log.jsonl.open("a") as file:
        file.write('{"kind": "epo')
    again = MetricsLog(tmp_path / "metrics.jsonl", before=(1, 13))
    assert again.rows == log.rows[:4]
    assert read_rows(again.jsonl) == again.rows
    assert len(again.csv.read_text().splitlines()) == 1 + 4
    assert MetricsLog(tmp_path / "metrics.jsonl").rows == []


def test_a_row_that_cannot_be_written_says_how_to_go_on(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.jsonl.unlink()
    log.jsonl.symlink_to("/dev/full")
    with pytest.raises(FluidlineError, match=r"cannot write .*metrics\.jsonl: No space left on device .*--resume"):
        log(steps(1)[0])


def test_curves_are_drawn_after_a_pass(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    plot = PlotHandler(log, tmp_path / "curves.png", "title")
    for event in steps(10):
        log(event)
        plot(event)
    assert not plot.path.exists()
    log(END_OF_PASS)
    plot(END_OF_PASS)
    with Image.open(plot.path) as picture:
        colors = {color for _, color in picture.convert("RGB").getcolors(1 << 24)}
    assert {(0x4C, 0x72, 0xB0), (0xDD, 0x5F, 0x2B)} <= colors  # a training curve and a test curve


def test_curves_without_a_mistake_are_drawn_too(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    perfect = EndEpochEvent(0, 10, 0.0, 1.0, 0.0, 1.0, 2.0)
    for event in [*steps(10), perfect]:
        log(event)
    PlotHandler(log, tmp_path / "curves.png", "title")(perfect)  # matplotlib's warnings are errors here
    assert (tmp_path / "curves.png").exists()


def test_passes_that_are_shorter_than_a_picture_takes_are_drawn_at_the_end(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    plot = PlotHandler(log, tmp_path / "curves.png", "title")
    passes = [EndEpochEvent(epoch, 10 * (epoch + 1), 1.5, None, 1.0, None, 2.0) for epoch in range(3)]
    for event in [*steps(10), *passes]:
        log(event)
        plot(event)
    first = plot.path.read_bytes()
    with Image.open(plot.path) as picture:
        narrow = picture.width  # there is no accuracy, and no panel for it
    plot(EndTrainingEvent(Best(2, 1.0, None)))
    assert plot.path.read_bytes() != first

    both = MetricsLog(tmp_path / "both.jsonl")
    both(END_OF_PASS)
    PlotHandler(both, tmp_path / "both.png", "title")(END_OF_PASS)
    with Image.open(tmp_path / "both.png") as picture:
        assert picture.width == 2 * narrow


def test_without_classes_no_accuracy_is_told(tmp_path: Path) -> None:
    out, log = io.StringIO(), MetricsLog(tmp_path / "metrics.jsonl")
    for event in [
        EndStepEvent(0, 0, 0, 3.0, None),
        EndEpochEvent(0, 10, 1.5, None, 1.0, None, 2.0),
        EndEpochEvent(1, 20, 1.5, None, None, None, 2.0, 1.25, None),
        EndTrainingEvent(Best(0, 1.0, None)),
    ]:
        PrintHandler(out)(event)
        log(event)
    assert out.getvalue().splitlines() == [
        "Pass 0, Batch 0, Cost 3.000000",
        "Test with Epoch 0, avg_cost: 1.0",
        "Validation with Epoch 1, avg_cost: 1.25",
        "Best pass is 0, testing Avgcost is 1.0",
    ]
    assert not any("accuracy" in name for row in read_rows(log.jsonl) for name in row)
