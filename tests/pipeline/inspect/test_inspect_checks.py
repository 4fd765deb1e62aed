"""`train --check-shape --check-content`: what is shown, and that the training stays what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import TrainConfig
from pipeline.events import CheckEvent, EndStepEvent, Event
from pipeline.train import train

CHECKS = {"check_shape": True, "check_content": True}


def train_lenet(data: Path, runs: Path, **options: bool) -> tuple[list[Event], dict[str, bytes]]:
    """Return the events of two passes over squares in batches of 64, and parameters and moments in all checkpoints."""
    events: list[Event] = []
    config = TrainConfig(
        model="lenet", data=str(data), runs_dir=str(runs), epochs=2, batch_size=64, log_every=2, dropout=0.3, **options
    )
    train(config, [events.append])
    folder = runs / "lenet" / "checkpoints"
    return events, {str(file.relative_to(folder)): file.read_bytes() for file in folder.glob("*/model.pd[!m]*")}


@pytest.fixture(scope="module")
def checked(squares: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], dict[str, bytes]]:
    return train_lenet(squares, tmp_path_factory.mktemp("checked"), **CHECKS)


def test_a_checked_training_gives_the_same_bits(
    squares: Path, tmp_path: Path, checked: tuple[list[Event], dict[str, bytes]]
) -> None:
    events, files = train_lenet(squares, tmp_path)
    assert len(files) >= 6
    assert {name for name in files if files[name] != checked[1][name]} == set()
    assert [each for each in checked[0] if isinstance(each, EndStepEvent)] == [
        each for each in events if isinstance(each, EndStepEvent)
    ]


def test_shapes_are_shown_once_and_numbers_with_each_cost_of_the_first_pass(
    checked: tuple[list[Event], dict[str, bytes]],
) -> None:
    checks = [event for event in checked[0] if isinstance(event, CheckEvent)]
    assert [(event.epoch, event.batch) for event in checks] == [(0, 0), (0, 0), (0, 2), (0, 4)]
    shapes, first, *_ = (event.text for event in checks)
    assert "[64, 1, 28, 28]" in shapes
    assert "kernel 5x5, stride 1x1, padding 0" in shapes
    assert "33,620 parameters in all" in shapes
    assert "Activations over 64 samples of the batch" in first


def test_the_numbers_are_those_that_the_training_computes(checked: tuple[list[Event], dict[str, bytes]]) -> None:
    first = [event for event in checked[0] if isinstance(event, CheckEvent)][1].text
    assert "batch_norm_0.w_2  [20]                20  no               1        0         1        1    0.00%" in first
    normalised = first.split("Activations")[1].split("batch_norm_0")[1].split("\n")[0].split()
    assert float(normalised[-5]) == pytest.approx(0, abs=1e-5)  # by the batch's own mean and deviation
    assert float(normalised[-4]) == pytest.approx(1, abs=1e-3)


def test_the_command_prints_what_is_checked(squares: Path, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from pipeline.train import command

    where = ["--model", "softmax", "--data", str(squares), "--runs-dir", str(tmp_path), "--epochs", "1"]
    printed = CliRunner().invoke(command, [*where, "--check-shape"], catch_exceptions=False).stdout
    assert printed.index("7,850 parameters in all") < printed.index("Pass 0, Batch 0, Cost")
    assert "Activations" not in printed
    resumed = CliRunner().invoke(command, [*where, "--resume", "--no-check-shape", "--check-content"])
    assert resumed.exit_code == 0
