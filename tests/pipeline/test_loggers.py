"""Logs for VisualDL and TensorBoard: what is in them, also after a resume, and what is said where a package is missing.

Those that read a log with its own package skip where that is not installed (requirements-visualdl.txt,
requirements-tensorboard.txt); a writer that only takes notes stands in elsewhere.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from fluidline.cli import main
from fluidline.errors import UsageError
from fluidline.runs import RunFolder
from pipeline.__main__ import pipeline
from pipeline.checkpoint import BEST, MODEL
from pipeline.config import TrainConfig
from pipeline.events import EndStepEvent, Event
from pipeline.loggers import PACKAGES, parse
from pipeline.metrics import read_rows
from pipeline.train import train

ROOT = Path(__file__).parents[2]

Scalars = dict[str, list[tuple[int, float]]]


class NotingWriter:
    """Has the methods of both packages' writers, and keeps what they are given; `folder` to those of the latest."""

    latest: NotingWriter

    def __init__(self, folder: str) -> None:
        self.folder, self.open = folder, True
        self.scalars: Scalars = {}
        self.histograms: dict[str, Any] = {}
        self.images: dict[str, Any] = {}
        self.options: tuple[dict[str, Any], Any] = ({}, None)
        NotingWriter.latest = self

    def __enter__(self) -> NotingWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.open = False

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        self.scalars.setdefault(tag, []).append((step, value))

    def add_histogram(self, tag: str, values: Any, step: int) -> None:
        self.histograms[tag] = values

    def add_image(self, tag: str, image: Any, step: int, dataformats: str) -> None:
        assert dataformats == "HWC"
        self.images[tag] = image

    def add_hparams(self, options: dict[str, Any], scores: Any, **_: Any) -> None:
        self.options = options, scores


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> type[NotingWriter]:
    """The writer that stands in for VisualDL's."""
    module = ModuleType("visualdl")
    module.LogWriter = NotingWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "visualdl", module)
    return NotingWriter


def config(squares: Path, runs: Path, **options: Any) -> TrainConfig:
    given = {"model": "softmax", "epochs": 2, "batch_size": 64, "log_every": 2, "log_to": "visualdl", **options}
    return TrainConfig(data=str(squares), runs_dir=str(runs), **given)


def expected(run: RunFolder) -> Scalars:
    """Return what a log is to hold of a run's rows."""
    scalars: Scalars = {}
    for row in read_rows(run.metrics):
        level, step = ("batch", row["step"]) if row["kind"] == "batch" else ("pass", row["epoch"])
        for name in row.keys() - {"kind", "epoch", "batch", "step"}:
            scalars.setdefault(f"{level}/{name}", []).append((step, pytest.approx(row[name], rel=1e-6)))
    best = run.read_manifest()["stages"]["train"]["best"]
    for name in best.keys() - {"epoch"}:
        scalars[f"best/{name}"] = [(best["epoch"], pytest.approx(best[name], rel=1e-6))]
    return scalars


def stop_at(step: int) -> Callable[[Event], None]:
    def handler(event: Event) -> None:
        if isinstance(event, EndStepEvent) and event.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return handler


def test_the_names_of_logs_are_checked_with_the_other_options() -> None:
    assert parse("none") == []
    assert parse("visualdl, tensorboard,visualdl") == ["visualdl", "tensorboard"]
    with pytest.raises(UsageError, match=r"no such log: 'tensorbord' \(did you mean 'tensorboard'\?\)"):
        TrainConfig(log_to="visualdl,tensorbord")


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_is_named_with_what_to_install_before_anything_starts(
    name: str, squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = PACKAGES[name]
    monkeypatch.setitem(sys.modules, package.module, None)  # which makes importing it fail, be it installed or not
    monkeypatch.chdir(tmp_path)
    for words in (["train"], ["sweep", "--vary", "learning_rate=0.1,0.01"]):
        assert main(pipeline, [*words, "--data", str(squares), "--log-to", name]) == 2
        error = capsys.readouterr().err
        assert f"a log for {name} needs the package {package.module}" in error
        assert f"(pip install -r {package.requirements})" in error
    assert list(tmp_path.iterdir()) == []
    assert f"\n{package.module}==" in (ROOT / package.requirements).read_text()


def test_a_log_holds_every_row_of_the_metrics_and_the_best_pass(
    squares: Path, tmp_path: Path, noted: type[NotingWriter]
) -> None:
    train(config(squares, tmp_path, valid_size=64), [])
    run, log = RunFolder(tmp_path / "softmax"), noted.latest
    assert log.folder == str(run.logs / "visualdl")
    assert not log.open
    assert log.scalars == expected(run)
    assert {"batch/learning_rate", "pass/valid_cost", "best/test_accuracy"} <= log.scalars.keys()
    assert [step for step, _ in log.scalars["batch/train_cost"]] == [0, 2, 4, 6]
    options, scores = log.options
    assert (options["model"], options["epochs"]) == ("softmax", 2)
    assert scores == [tag for tag in log.scalars if tag.startswith("best/")]


def test_at_the_end_come_the_parameters_of_the_best_pass_and_filters_as_a_picture(
    squares: Path, tmp_path: Path, noted: type[NotingWriter]
) -> None:
    import legacy_fluid as fluid

    train(config(squares, tmp_path, model="lenet", epochs=1), [])
    state = fluid.load_program_state(str(tmp_path / "lenet" / "checkpoints" / BEST / MODEL))
    assert noted.latest.histograms.keys() == state.keys()
    assert all((noted.latest.histograms[name] == state[name]).all() for name in state)
    (picture,) = noted.latest.images.values()
    filters = state["conv2d_0.w_0"]
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    tile = picture.shape[1] // len(filters)
    first = picture[2 : 2 + 8 * 5 : 8, 2 : tile - 2 : 8, 0]
    assert np.corrcoef(first.ravel(), filters[0, 0].ravel())[0, 1] > 0.999


def test_a_resumed_training_goes_on_with_its_log_and_has_no_step_twice(
    squares: Path, tmp_path: Path, noted: type[NotingWriter]
) -> None:
    options = config(squares, tmp_path, epochs=3, log_every=1)
    with pytest.raises(KeyboardInterrupt):
        train(options, [stop_at(7)])
    stopped = noted.latest
    assert not stopped.open
    assert [step for step, _ in stopped.scalars["batch/train_cost"]] == list(range(8))
    (Path(stopped.folder) / "old").parent.mkdir(parents=True, exist_ok=True)
    (Path(stopped.folder) / "old").write_text("")
    train(options, [], resume=True)
    assert noted.latest is not stopped
    assert noted.latest.scalars == expected(RunFolder(tmp_path / "softmax"))
    assert [step for step, _ in noted.latest.scalars["batch/train_cost"]] == list(range(15))
    assert not (Path(stopped.folder) / "old").exists()


def test_a_finished_run_can_be_logged_afterwards(squares: Path, tmp_path: Path, noted: type[NotingWriter]) -> None:
    train(config(squares, tmp_path, log_to="none"), [])
    train(config(squares, tmp_path), [], resume=True)
    assert noted.latest.scalars == expected(RunFolder(tmp_path / "softmax"))


def test_visualdl_reads_its_log(squares: Path, tmp_path: Path) -> None:
    visualdl = pytest.importorskip("visualdl", reason="needs requirements-visualdl.txt")
    run = stopped_and_resumed(squares, tmp_path, "visualdl")
    (file,) = (run.logs / "visualdl").iterdir()
    reader = visualdl.LogReader(file_path=str(file))
    tags = reader.get_tags()
    scalars = {tag: [(row.id, row.value) for row in reader.get_data("scalar", tag)] for tag in tags["scalar"]}
    assert scalars == expected(run)
    assert tags["histogram"] == ["fc_0.b_0", "fc_0.w_0"]
    assert len(tags["hyper_parameters"]) == 1


def test_tensorboard_reads_its_log(squares: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason="needs requirements-tensorboard.txt")
    name = "tensorboard.backend.event_processing.event_accumulator"
    accumulators = pytest.importorskip(name, reason="needs requirements-tensorboard.txt")
    run = stopped_and_resumed(squares, tmp_path, "tensorboard")
    log = accumulators.EventAccumulator(str(run.logs / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    scalars = {tag: [(event.step, event.value) for event in log.Scalars(tag)] for tag in log.Tags()["scalars"]}
    assert scalars == expected(run)
    assert log.Tags()["histograms"] == ["fc_0.b_0", "fc_0.w_0"]
    options = accumulators.EventAccumulator(str(run.logs / "tensorboard" / "options")).Reload()
    assert b"learning_rate" in options.PluginTagToContent("hparams")["_hparams_/experiment"]


def stopped_and_resumed(squares: Path, runs: Path, log_to: str) -> RunFolder:
    options = config(squares, runs, log_to=log_to)
    with pytest.raises(KeyboardInterrupt):
        train(options, [stop_at(4)])
    train(options, [], resume=True)
    return RunFolder(runs / "softmax")
