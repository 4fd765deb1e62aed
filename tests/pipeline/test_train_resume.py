"""A training that was stopped and gone on with ends, bit for bit, where the one that was never stopped ends."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fluidline.errors import DataError, RunError, UsageError
from fluidline.runs import RunFolder
from pipeline.config import TrainConfig
from pipeline.events import EndStepEvent, Event
from pipeline.metrics import Row, read_rows
from pipeline.train import train

ROOT = Path(__file__).parents[2]
STEPS_OF_A_PASS = 10


def config(squares: Path, runs: Path, **options: Any) -> TrainConfig:
    given = {"model": "mlp", "epochs": 3, "batch_size": 32, "decay": "linear", "log_every": 1, **options}
    return TrainConfig(data=str(squares), runs_dir=str(runs), **given)


def quiet(event: Event) -> None:
    """A handler that shows nothing."""


def at_step(step: int, number: signal.Signals) -> Any:
    """Return a handler that sends this process a signal at the end of a step."""

    def handler(event: Event) -> None:
        if isinstance(event, EndStepEvent) and event.step == step:
            os.kill(os.getpid(), number)

    return handler


def digests(run: RunFolder, name: str = "last") -> dict[str, str]:
    """Return the checksums of parameters and optimizer state."""
    state = json.loads((run.checkpoints / name / "state.json").read_text())
    return {file: state["files"][file] for file in ("model.pdparams", "model.pdopt")}


def rows(run: RunFolder) -> list[Row]:
    """Return the rows of the metrics without their times."""
    return [{**row, "seconds": None} for row in read_rows(run.metrics)]


def table(run: RunFolder) -> list[dict[str, Any]]:
    """Return the rows of metrics.csv without their times."""
    text = run.metrics.with_suffix(".csv").read_text(encoding="utf-8")
    return [{**row, "seconds": None} for row in csv.DictReader(text.splitlines())]


@pytest.fixture(scope="module")
def whole(squares: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    """Runs that were never stopped, by model."""
    runs = tmp_path_factory.mktemp("whole")
    for model in ("mlp", "lenet"):
        train(config(squares, runs, model=model), [quiet])
    return {model: RunFolder(runs / model) for model in ("mlp", "lenet")}


@pytest.mark.parametrize("model", ["mlp", "lenet"])
@pytest.mark.parametrize(
    ("step", "number"),
    [
        pytest.param(13, signal.SIGINT, id="in the middle of a pass"),
        pytest.param(2 * STEPS_OF_A_PASS - 1, signal.SIGTERM, id="after the last batch of a pass"),
        pytest.param(0, signal.SIGINT, id="after the first batch of all"),
    ],
)
def test_interrupted_and_resumed_equals_uninterrupted(
    model: str, step: int, number: signal.Signals, squares: Path, tmp_path: Path, whole: dict[str, RunFolder]
) -> None:
    options, run = config(squares, tmp_path, model=model), RunFolder(tmp_path / model)
    with pytest.raises(KeyboardInterrupt, match=rf"--run {model} --runs-dir \S+ --resume"):
        train(options, [at_step(step, number)])
    assert not run.manifest.exists()
    train(options, [quiet], resume=True)

    assert digests(run) == digests(whole[model])
    assert digests(run, "best") == digests(whole[model], "best")
    assert rows(run) == rows(whole[model])
    assert table(run) == table(whole[model])


def test_momentum_under_a_polynomial_decay_goes_on_with_the_losses_of_one_never_stopped(
    squares: Path, tmp_path: Path
) -> None:
    decay = "polynomial_decay:end_learning_rate=0.001,power=2"
    options = {"model": "softmax", "epochs": 2, "optimizer": "momentum", "momentum": 0.9, "decay": decay}
    train(config(squares, tmp_path, run="whole", **options), [quiet])
    with pytest.raises(KeyboardInterrupt):
        train(config(squares, tmp_path, run="resumed", **options), [at_step(13, signal.SIGINT)])
    train(config(squares, tmp_path, run="resumed", **options), [quiet], resume=True)

    whole, resumed = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "resumed")
    assert digests(resumed) == digests(whole)
    assert rows(resumed) == rows(whole)
    rates = [row["learning_rate"] for row in rows(whole) if row["kind"] == "batch"]
    assert rates == sorted(rates, reverse=True)


def test_a_killed_training_goes_on_from_its_last_checkpoint(
    squares: Path, tmp_path: Path, whole: dict[str, RunFolder]
) -> None:
    script = (
        "import os, sys; from pipeline.train import train; from pipeline.config import load_config\n"
        "from pathlib import Path; from pipeline.events import EndStepEvent\n"
        "def kill(event):\n"
        "    if isinstance(event, EndStepEvent) and event.step == 25: os.kill(os.getpid(), 9)\n"
        "train(load_config(Path(sys.argv[1])), [kill])"
    )
    options, run = config(squares, tmp_path), RunFolder(tmp_path / "mlp")
    (tmp_path / "options.json").write_text(json.dumps(options.as_dict()))
    command = [sys.executable, "-c", script, str(tmp_path / "options.json")]
    assert subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode == -signal.SIGKILL
    with run.metrics.open("a") as file:
        file.write('{"kind": "batch", "epo')  # as if it had been writing a row

    train(options, [quiet], resume=True)
    assert digests(run) == digests(whole["mlp"])
    assert rows(run) == rows(whole["mlp"])


def test_a_torn_last_checkpoint_is_named_and_the_one_before_it_taken(
    squares: Path, tmp_path: Path, whole: dict[str, RunFolder], caplog: pytest.LogCaptureFixture
) -> None:
    options, run = config(squares, tmp_path), RunFolder(tmp_path / "mlp")
    with pytest.raises(KeyboardInterrupt):
        train(options, [at_step(25, signal.SIGINT)])
    torn = run.checkpoints / "last" / "model.pdparams"
    torn.write_bytes(torn.read_bytes()[:1000])

    train(options, [quiet], resume=True)
    assert re.search(r"checkpoints/last cannot be used: model.pdparams is torn .*going on from .*previous", caplog.text)
    assert digests(run) == digests(whole["mlp"])
    assert rows(run) == rows(whole["mlp"])


def test_a_run_stopped_before_its_first_checkpoint_begins_again(
    squares: Path, tmp_path: Path, whole: dict[str, RunFolder]
) -> None:
    def fail(event: Event) -> None:
        raise OSError("a handler's own mistake")

    options = config(squares, tmp_path)
    with pytest.raises(OSError, match="own mistake"):
        train(options, [fail])
    train(options, [quiet], resume=True)
    assert digests(RunFolder(tmp_path / "mlp")) == digests(whole["mlp"])


def test_a_finished_run_may_be_given_more_passes(squares: Path, tmp_path: Path) -> None:
    constant = {"decay": "constant", "model": "softmax"}
    train(config(squares, tmp_path, epochs=3, run="three", **constant), [quiet])
    train(config(squares, tmp_path, epochs=2, run="two", **constant), [quiet])
    result = train(config(squares, tmp_path, epochs=3, run="two", **constant), [quiet], resume=True)
    assert result.epochs == 3
    assert digests(RunFolder(tmp_path / "two")) == digests(RunFolder(tmp_path / "three"))


def test_resuming_a_finished_run_leaves_what_was_made_from_it(squares: Path, tmp_path: Path) -> None:
    options, run = config(squares, tmp_path, epochs=1), RunFolder(tmp_path / "mlp")
    first = train(options, [quiet])
    run.write_stage("inference", [], {}, parent="train")
    assert train(options, [quiet], resume=True) == first
    assert set(run.read_manifest()["stages"]) == {"train", "inference"}


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"batch_size": 16}, UsageError, "was begun with batch_size 32, not 16"),
        ({"seed": 2}, UsageError, "was begun with seed 1, not 2"),
        ({"epochs": 2}, UsageError, "has 3 epochs behind it, and --epochs is 2"),
        ({"run": "other"}, RunError, "no such run"),
    ],
)
def test_a_run_is_not_gone_on_with_as_another(
    changed: dict[str, Any], error: type[Exception], words: str, squares: Path, whole: dict[str, RunFolder]
) -> None:
    with pytest.raises(error, match=words):
        train(config(squares, whole["mlp"].path.parent, **changed), [quiet], resume=True)


def test_a_run_is_not_gone_on_with_on_other_data(squares: Path, tmp_path: Path, whole: dict[str, RunFolder]) -> None:
    for file in squares.iterdir():
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        (tmp_path / file.name).write_bytes(content)
    with pytest.raises(DataError, match="was begun on other data"):
        train(config(tmp_path, whole["mlp"].path.parent), [quiet], resume=True)


def test_the_command_stops_with_130_and_says_how_to_go_on(squares: Path, tmp_path: Path) -> None:
    arguments = ["--model", "softmax", "--data", str(squares), "--epochs", "2000", "--log-every", "1"]
    command = [sys.executable, "-m", "pipeline", "train"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    options: dict[str, Any] = {"cwd": tmp_path, "env": environment, "text": True}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, *arguments], **options, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Pass 0")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "to go on: python -m pipeline train --run softmax --resume" in said
    assert "Traceback" not in said

    # What it said works as it stands; what is not said again comes from the run's own config.json.
    done = subprocess.run(
        [*command, "--run", "softmax", "--resume", "--epochs", "3"],
        **options, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "The classification accuracy is" in done.stdout
