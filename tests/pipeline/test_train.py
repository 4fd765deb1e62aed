"""A training from data to run folder: what it writes, what it prints, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fluidline.errors import FluidlineError, RunError, UsageError
from fluidline.runs import RunFolder, find_run
from pipeline.config import TrainConfig
from pipeline.events import BeginEpochEvent, EndEpochEvent, EndStepEvent, EndTrainingEvent, Event
from pipeline.metrics import read_rows
from pipeline.train import TrainResult, train

ROOT = Path(__file__).parents[2]


def config(squares: Path, runs: Path, **options: Any) -> TrainConfig:
    given = {"model": "mlp", "epochs": 2, "batch_size": 32, "learning_rate": 0.001, "log_every": 4, **options}
    return TrainConfig(data=str(squares), runs_dir=str(runs), **given)


def quiet(event: Event) -> None:
    """A handler that shows nothing."""


def run_command(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pipeline", "train", *args]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def trained(squares: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, TrainResult, list[Event]]:
    """A run of two passes, its result, and the events that a handler was given."""
    runs, events = tmp_path_factory.mktemp("runs"), []
    result = train(config(squares, runs), [events.append])
    return find_run("latest", runs), result, events


def test_a_training_learns_and_names_its_best_pass(trained: tuple[RunFolder, TrainResult, list[Event]]) -> None:
    run, result, _ = trained
    assert (result.run, result.model, result.epochs) == ("mlp", "mlp", 2)
    assert result.test_accuracy > 0.9
    epochs = [row for row in read_rows(run.metrics) if row["kind"] == "epoch"]
    assert result.test_cost == min(row["test_cost"] for row in epochs)
    assert epochs[result.best_epoch]["test_cost"] == result.test_cost


def test_a_run_folder_holds_what_the_design_names(trained: tuple[RunFolder, TrainResult, list[Event]]) -> None:
    run, result, _ = trained
    written = json.loads(run.config.read_text())
    assert (written["model"], written["epochs"], written["seed"]) == ("mlp", 2, 1)
    assert {"fluidline", "paddlepaddle", "numpy", "python"} <= set(written["versions"])
    assert [row["kind"] for row in read_rows(run.metrics)] == ["batch", "batch", "batch", "epoch"] * 2
    assert len(run.metrics.with_suffix(".csv").read_text().splitlines()) == 1 + 8
    with Image.open(run.curves) as picture:
        assert picture.width > 1000
    for name in ("last", "best"):
        files = {file.name for file in (run.checkpoints / name).iterdir()}
        assert {"model.pdparams", "model.pdopt", "model.pdmodel", "state.json"} <= files

    entry = run.read_stage("train", made_by="train")  # which compares the checksums
    assert entry["best"] == {
        "epoch": result.best_epoch,
        "test_cost": result.test_cost,
        "test_accuracy": result.test_accuracy,
    }
    assert entry["input"] == {"name": "img", "shape": [1, 28, 28], "dtype": "float32"}
    assert entry["output"]["shape"] == [10]
    assert entry["labels"] == [str(digit) for digit in range(10)]
    assert entry["preprocessing"] == {"size": [28, 28], "scale": 2 / 255, "shift": -1.0, "ink": "light"}


def test_a_handler_is_given_every_event_in_order(trained: tuple[RunFolder, TrainResult, list[Event]]) -> None:
    _, _, events = trained
    of_a_pass = [BeginEpochEvent, *[EndStepEvent] * 3, EndEpochEvent]
    assert [type(event) for event in events] == [*of_a_pass, *of_a_pass, EndTrainingEvent]
    assert [event.step for event in events if isinstance(event, EndStepEvent)] == [0, 4, 8, 10, 14, 18]
    assert [event.batch for event in events if isinstance(event, EndStepEvent)] == [0, 4, 8, 0, 4, 8]


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(squares: Path, tmp_path: Path) -> None:
    def digest(seed: int, run: str) -> str:
        train(config(squares, tmp_path, epochs=1, seed=seed, run=run), [quiet])
        state = json.loads((tmp_path / run / "checkpoints" / "last" / "state.json").read_text())
        return str(state["files"]["model.pdparams"])

    first = digest(5, "first")
    assert digest(5, "second") == first
    assert digest(6, "third") != first


def test_an_existing_run_is_refused_with_both_ways_out_and_left_as_it_is(
    trained: tuple[RunFolder, TrainResult, list[Event]], squares: Path
) -> None:
    run, _, _ = trained
    before = run.manifest.read_bytes()
    with pytest.raises(RunError, match=r"--resume goes on with it, --overwrite replaces it"):
        train(config(squares, run.path.parent), [quiet])
    assert run.manifest.read_bytes() == before


def test_overwrite_replaces_what_stages_wrote_and_nothing_else(squares: Path, tmp_path: Path) -> None:
    options = config(squares, tmp_path, epochs=1)
    train(options, [quiet])
    (tmp_path / "mlp" / "notes.txt").write_text("mine")
    (tmp_path / "mlp" / "onnx").mkdir()
    train(options, [quiet], overwrite=True)
    assert (tmp_path / "mlp" / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "mlp" / "onnx").exists()
    assert len(read_rows(tmp_path / "mlp" / "metrics.jsonl")) == 4


def test_data_that_cannot_be_had_do_not_cost_the_run_that_was_to_be_overwritten(squares: Path, tmp_path: Path) -> None:
    train(config(squares, tmp_path, epochs=1), [quiet])
    with pytest.raises(FluidlineError):
        train(config(tmp_path / "nowhere", tmp_path, epochs=1), [quiet], overwrite=True)
    assert find_run("mlp", tmp_path).read_stage("train", made_by="train")


def test_resume_and_overwrite_together_are_refused(squares: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choose one"):
        train(config(squares, tmp_path), [quiet], resume=True, overwrite=True)


def test_a_run_that_another_process_writes_is_refused(squares: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from fluidline.runs import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).lock(): print('held', flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "mlp")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=f"is being written by process {owner.pid}"):
            train(config(squares, tmp_path), [quiet])
        owner.communicate(timeout=20)


def test_a_place_that_cannot_be_written_is_refused_before_any_work(squares: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    events: list[Event] = []
    with pytest.raises(FluidlineError, match=r"cannot write .*/file/mlp: Not a directory"):
        train(config(squares, tmp_path / "file"), [events.append])
    assert events == []


def test_a_cost_that_is_no_number_ends_the_training_with_the_mend(squares: Path, tmp_path: Path) -> None:
    with pytest.raises(FluidlineError, match=r"the cost became (nan|inf).*--learning-rate below 1e\+30"):
        train(config(squares, tmp_path, learning_rate=1e30), [quiet])


def test_the_command_prints_the_lines_of_the_book(squares: Path, tmp_path: Path) -> None:
    done = run_command(
        "--model", "softmax", "--data", str(squares), "--epochs", "2", "--batch-size", "32", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Pass 0, Batch 0, Cost ")
    assert lines[1].startswith("Test with Epoch 0, avg_cost: ")
    assert ", acc: " in lines[1]
    assert lines[2].startswith("Pass 1, Batch 0, Cost ")
    assert lines[-2].startswith("Best pass is 1, testing Avgcost is ")
    assert lines[-1].startswith("The classification accuracy is ")
    assert lines[-1].endswith("%")
    assert "batch/s" not in done.stderr  # the progress bar is for terminals


def test_json_goes_to_stdout_alone_and_the_lines_to_stderr(squares: Path, tmp_path: Path) -> None:
    done = run_command("--model", "softmax", "--data", str(squares), "--epochs", "1", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["model"], result["epochs"], result["best_epoch"]) == ("softmax", 1, 0)
    assert "Test with Epoch 0" in done.stderr


def test_an_unknown_model_is_answered_with_the_closest_and_exit_code_2(tmp_path: Path) -> None:
    done = run_command("--model", "lenat", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'lenet'?" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_does_not_wait_for_paddle() -> None:
    script = (
        "import sys, pipeline.train, pipeline.evaluate\n"
        "sys.exit(', '.join({'paddle', 'matplotlib', 'tqdm'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=30, check=True)
