"""A sweep from its options to table and picture: what is trained, what is refused, and how it goes on when stopped."""

from __future__ import annotations

import csv
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from processes import children

from fluidline.cli import main
from fluidline.errors import DataError, FluidlineError, RunError, UsageError
from fluidline.runs import RunFolder, find_run
from pipeline.__main__ import pipeline
from pipeline.config import TrainConfig
from pipeline.events import BeginEpochEvent, EndEpochEvent, Event, Handler
from pipeline.metrics import read_rows
from pipeline.sweep import sweep
from pipeline.sweep.grid import configs, parse_vary, run_name
from pipeline.sweep.picture import draw_sweep
from pipeline.sweep.record import Outcome, Sweep, read_record
from pipeline.sweep.table import csv_table, markdown, text
from pipeline.sweep.trainings import Turn
from pipeline.train import train

ROOT = Path(__file__).parents[2]
TOO_HIGH = 1e30


def options(squares: Path, runs: Path, **more: Any) -> dict[str, Any]:
    return {"model": "softmax", "data": str(squares), "epochs": 2, "batch_size": 64, "runs_dir": str(runs), **more}


def run_command(*args: str) -> int:
    return main(pipeline, ["sweep", *args])


def parameters(run: Path) -> str:
    return str(json.loads((run / "checkpoints" / "last" / "state.json").read_text())["files"]["model.pdparams"])


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a sweep train in this process, which is quicker, where that is not what a test is about."""

    def in_this_process(config: TrainConfig, handlers: Sequence[Handler], *, resume: bool) -> None:
        train(config, handlers, resume=resume)

    monkeypatch.setattr("pipeline.sweep.trainings.train_apart", in_this_process)


@pytest.fixture(scope="module")
def swept(squares: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sweep, list[Turn]]:
    """The folder of a sweep of two rates that learn and one that diverges, its result, and what was told of it."""
    runs, turns = tmp_path_factory.mktemp("runs"), []
    vary = {"learning_rate": [TOO_HIGH, 0.00001, 0.001]}
    result = sweep(options(squares, runs, model="mlp"), vary, "rates", tell=turns.append)
    return runs / "rates", result, turns


def test_every_combination_is_a_training_and_the_last_option_changes_fastest(tmp_path: Path) -> None:
    made = configs({"epochs": 1}, {"learning_rate": [0.1, 0.01], "model": ["mlp", "softmax"]}, tmp_path)
    assert [(config.learning_rate, config.model) for config in made] == [
        (0.1, "mlp"), (0.1, "softmax"), (0.01, "mlp"), (0.01, "softmax"),
    ]  # fmt: skip
    assert [config.run for config in made[:2]] == [
        "learning_rate-0.1-model-mlp", "learning_rate-0.1-model-softmax",
    ]  # fmt: skip
    assert {config.runs_dir for config in made} == {str(tmp_path)}
    # What no one names is each model's own.
    assert [config.batch_size for config in made[:2]] == [
        TrainConfig(model=model).batch_size for model in ("mlp", "softmax")
    ]


def test_values_are_read_as_their_options_kind_with_hyphens_and_commas_of_their_own() -> None:
    assert parse_vary(["learning-rate=0.1, 1", "augment=none;rotate=10,shift=2", "batch_size=32"]) == {
        "learning_rate": [0.1, 1.0], "augment": ["none", "rotate=10,shift=2"], "batch_size": [32],
    }  # fmt: skip


def test_the_name_of_a_run_is_a_files_name_and_no_two_are_alike() -> None:
    names = [
        run_name({"augment": text}) for text in ("rotate=1,shift=2", "rotate=1;shift=2", "rotate=1" + ",shift=2" * 50)
    ]
    assert len(set(names)) == 3
    assert all(len(name) < 120 and not set("=,;/") & set(name) for name in names)


@pytest.mark.parametrize(
    ("vary", "given", "message"),
    [
        (["learning_rate"], [], "learning_rate has no values"),
        (["learning_rate="], [], "learning_rate is varied and has no values"),
        (["learning_rat=1"], [], "did you mean 'learning_rate'?"),
        (["learning_rate=1,fast"], [], "learning_rate is 'fast', which is not a number"),
        (["learning_rate=1,0"], [], "learning_rate is 0.0, and must be above 0"),
        (["model=mlp,lenat"], [], "lenat"),
        (["learning_rate=1,1.0"], [], "two trainings would be the same, learning_rate-1.0"),
        (["learning_rate=1", "learning-rate=2"], [], "learning_rate is varied twice"),
        (["run=a,b"], [], "run cannot be varied"),
        (["learning_rate=1"], ["--learning-rate", "2"], "both varied and given as 2.0"),
        (["learning_rate=1"], ["--run", "mine"], "--name names a sweep"),
        (["learning_rate=1"], ["--resume", "--overwrite"], "choose one"),
        ([], [], "nothing is varied"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_refused_before_anything_starts(
    vary: list[str],
    given: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = [word for text in vary for word in ("--vary", text)]
    assert run_command(*flags, *given) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_best_comes_first_and_what_diverged_is_a_row_that_says_so(swept: tuple[Path, Sweep, list[Turn]]) -> None:
    folder, result, _ = swept
    assert [outcome.options["learning_rate"] for outcome in result.trainings] == [0.001, 0.00001, TOO_HIGH]
    assert result.trainings[0].cost < result.trainings[1].cost  # type: ignore[operator]
    assert result.trainings[2] == Outcome(result.trainings[2].run, {"learning_rate": TOO_HIGH}, diverged=0)
    assert result.best == result.trainings[0]
    assert "diverged in pass 0" in text(result).splitlines()[-1]
    assert find_run("rates/best", folder.parent).path == folder / result.best.run


def test_the_numbers_are_those_of_the_runs(swept: tuple[Path, Sweep, list[Turn]]) -> None:
    folder, result, _ = swept
    assert result.best
    rows = [row for row in read_rows(folder / result.best.run / "metrics.jsonl") if row["kind"] == "epoch"]
    best = rows[result.best.best_pass or 0]
    assert result.best.cost == min(row["test_cost"] for row in rows)
    for name in ("train_cost", "train_accuracy", "test_cost", "test_accuracy"):
        assert getattr(result.best, name) == best[name]


def test_the_folder_holds_the_table_in_three_forms_and_the_picture(swept: tuple[Path, Sweep, list[Turn]]) -> None:
    folder, result, _ = swept
    assert read_record(folder) == result
    assert json.loads((folder / "sweep.json").read_text())["best"] == "learning_rate-0.001"
    assert (folder / "sweep.md").read_text() == markdown(result)
    assert (folder / "sweep.csv").read_text() == csv_table(result)
    with open(folder / "sweep.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == [outcome.run for outcome in result.trainings]
    assert float(rows[0]["test_cost"]) == result.trainings[0].test_cost
    assert (rows[2]["diverged"], rows[2]["test_cost"]) == ("0", "")
    with Image.open(folder / "sweep.png") as picture:
        assert picture.width > 1000


def test_each_training_is_told_of_at_its_beginning_and_at_its_end(swept: tuple[Path, Sweep, list[Turn]]) -> None:
    _, result, turns = swept
    assert [(turn.number, turn.count, turn.outcome is None) for turn in turns] == [
        (number, 3, begins) for number in (1, 2, 3) for begins in (True, False)
    ]
    assert sorted((turn.outcome for turn in turns if turn.outcome), key=result.trainings.index) == result.trainings


def test_a_training_of_a_sweep_has_the_bits_of_a_lone_one(
    swept: tuple[Path, Sweep, list[Turn]], tmp_path: Path
) -> None:
    folder, _, _ = swept
    run = RunFolder(folder / "learning_rate-0.001")
    script = (
        "import sys, zlib; from pipeline.config import load_config; from pipeline.train import train; from pathlib import Path\n"
        "train(load_config(Path(sys.argv[1]), runs_dir=sys.argv[2]), [])"
    )
    command = [sys.executable, "-c", script, str(run.config), str(tmp_path)]
    subprocess.run(command, cwd=ROOT, timeout=100, check=True)
    assert parameters(tmp_path / run.name) == parameters(run.path)


@pytest.mark.usefixtures("together")
def test_a_sweep_that_exists_is_refused_and_overwritten_when_told(squares: Path, tmp_path: Path) -> None:
    given, vary = options(squares, tmp_path, epochs=1), {"learning_rate": [0.01]}
    sweep(given, vary)
    with pytest.raises(RunError, match=r"sweep .*/sweep exists \(--resume goes on"):
        sweep(given, vary)
    (tmp_path / "sweep" / "notes.txt").write_text("mine")
    result = sweep(given, {"learning_rate": [0.02]}, overwrite=True)
    assert [outcome.run for outcome in result.trainings] == ["learning_rate-0.02"]
    assert not (tmp_path / "sweep" / "learning_rate-0.01" / "config.json").exists()
    assert (tmp_path / "sweep" / "notes.txt").read_text() == "mine"


def test_a_run_of_a_single_training_is_not_swept_over(squares: Path, tmp_path: Path) -> None:
    train(TrainConfig(**options(squares, tmp_path, epochs=1, run="mine")), [])
    for overwrite in (False, True):
        with pytest.raises(RunError, match=r"is a training's run, not a sweep's"):
            sweep(options(squares, tmp_path), {"learning_rate": [0.01]}, "mine", overwrite=overwrite)


@pytest.mark.usefixtures("together")
def test_a_failure_keeps_what_is_finished_and_says_how_to_go_on(
    squares: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = {name: value for name, value in options(squares, tmp_path, epochs=1).items() if name != "data"}
    vary = {"data": [str(squares), str(tmp_path / "nowhere")]}
    with pytest.raises(DataError, match="nowhere"):
        sweep(given, vary, "data")
    assert "stopped after 1 of 2 trainings; to go on: python -m pipeline sweep --name data" in caplog.text
    (tmp_path / "nowhere").symlink_to(squares)
    result = sweep({"runs_dir": str(tmp_path)}, {}, "data", resume=True)
    assert len(result.trainings) == 2
    assert result.trainings[0].cost == result.trainings[1].cost


def test_a_sweep_goes_on_where_it_was_stopped_within_a_training_too(squares: Path, tmp_path: Path) -> None:
    given, begun = options(squares, tmp_path, epochs=3), []

    def stop_in_second_pass(event: Event) -> None:
        if isinstance(event, EndEpochEvent) and event.epoch == 1:
            os.kill(os.getpid(), signal.SIGINT)

    message = r"stopped after 0 of 1 trainings; to go on: python -m pipeline sweep --name torn .*--resume"
    with pytest.raises(KeyboardInterrupt, match=message):
        sweep(given, {"learning_rate": [0.01]}, "torn", handlers=[stop_in_second_pass])
    stopped = read_record(tmp_path / "torn")
    assert stopped
    assert stopped.waiting == ["learning_rate-0.01"]

    def note(event: Event) -> None:
        if isinstance(event, BeginEpochEvent):
            begun.append(event.epoch)

    sweep({"runs_dir": str(tmp_path)}, {}, "torn", handlers=[note], resume=True)
    assert begun == [2]
    train(TrainConfig(**given, learning_rate=0.01, run="whole"), [])
    assert parameters(tmp_path / "torn" / "learning_rate-0.01") == parameters(tmp_path / "whole")


@pytest.mark.usefixtures("together")
def test_values_may_come_and_go_where_a_sweep_goes_on(squares: Path, tmp_path: Path) -> None:
    before = sweep(options(squares, tmp_path, epochs=1), {"learning_rate": [0.01, 0.02]})
    turns: list[Turn] = []
    again = {"runs_dir": str(tmp_path)}
    after = sweep(again, {"learning_rate": [0.02, 0.03]}, tell=turns.append, resume=True)
    assert [turn.options["learning_rate"] for turn in turns if turn.outcome] == [0.03]
    kept = next(outcome for outcome in before.trainings if outcome.options["learning_rate"] == 0.02)
    assert len(after.trainings) == 2
    assert kept in after.trainings


def test_a_training_that_dies_is_told_of_with_its_exit_status(squares: Path, tmp_path: Path) -> None:
    def kill(event: Event) -> None:
        os.kill(children(os.getpid())[-1], signal.SIGKILL)

    with pytest.raises(FluidlineError, match=r"the process of learning_rate-0.01 died, exit status -9"):
        sweep(options(squares, tmp_path), {"learning_rate": [0.01]}, handlers=[kill])


def test_a_sweep_goes_on_only_as_it_was_begun(swept: tuple[Path, Sweep, list[Turn]], squares: Path) -> None:
    runs = swept[0].parent
    with pytest.raises(UsageError, match=r"was begun with epochs 2, not 3 \(leave it out, or --overwrite\)"):
        sweep({"runs_dir": str(runs), "epochs": 3}, {}, "rates", resume=True)
    with pytest.raises(UsageError, match=r"was begun with preset left out, not book"):
        sweep({"runs_dir": str(runs), "preset": "book"}, {}, "rates", resume=True)
    with pytest.raises(UsageError, match=r"varies learning_rate, not model"):
        sweep({"runs_dir": str(runs)}, {"model": ["mlp"]}, "rates", resume=True)
    with pytest.raises(RunError, match=r"no sweep was begun in .*/other"):
        sweep({"runs_dir": str(runs)}, {}, "other", resume=True)
    assert sweep({"runs_dir": str(runs)}, {}, "rates", resume=True) == swept[1]


@pytest.mark.usefixtures("together")
def test_validation_images_are_what_is_compared_by_accuracy_where_losses_differ(squares: Path, tmp_path: Path) -> None:
    given = {**options(squares, tmp_path, epochs=1, learning_rate=0.01, valid_size=64), "model": None}
    result = sweep(given, {"model": ["linear", "softmax"]}, "held")
    assert result.ranked_by == "accuracy"
    first, second = result.trainings
    assert (first.accuracy, second.accuracy) == (first.valid_accuracy, second.valid_accuracy)
    assert first.valid_accuracy > second.valid_accuracy  # type: ignore[operator]
    header, line, _ = text(result).splitlines()
    assert "validation cost" in header
    assert "test accuracy" in header
    assert f"{first.valid_cost:.4f}" in line


@pytest.mark.parametrize("values", [{"a": 2}, {"a": 3, "b": 4}, {"a": 3, "b": 4, "c": 2}], ids=str)
def test_the_picture_has_room_for_many_lines(values: dict[str, int], tmp_path: Path) -> None:
    vary = {name: list(range(count)) for name, count in values.items()}
    result = Sweep("many", {}, vary)
    for number, each in enumerate(itertools.product(*vary.values())):
        outcome = Outcome(f"run{number}", dict(zip(vary, each, strict=True)), test_cost=1.0 + number, test_accuracy=0.5)
        (tmp_path / outcome.run).mkdir()
        rows = [
            {"kind": "epoch", "epoch": epoch, "step": 9, "test_cost": 1 / (number + 1 + epoch), "test_accuracy": 0.5}
            for epoch in range(3)
        ]
        rows.insert(0, {"kind": "batch", "epoch": 0, "batch": 0, "step": 0, "train_cost": 2.0})
        (tmp_path / outcome.run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        result.trainings.append(outcome)
    draw_sweep(result, tmp_path)
    with Image.open(tmp_path / "sweep.png") as picture:
        drawn = {pixel for _, pixel in picture.convert("RGB").getcolors(1 << 24) or ()}
    assert len({pixel for pixel in drawn if max(pixel) - min(pixel) > 80}) >= max(values.values())


@pytest.mark.usefixtures("together")
def test_the_command_names_the_best_and_how_to_export_it(
    squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = ["--model", "softmax", "--data", str(squares), "--epochs", "1", "--name", "two"]
    assert run_command("--vary", "learning-rate=0.001,0.01", *flags) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1/2  learning_rate 0.001: test cost ")
    assert lines[-2].startswith("best: learning_rate 0.01 (runs/two/learning_rate-0.01)")
    export = "python -m export inference --run two/best && python -m export onnx --run two/best"
    assert lines[-1] == f"to export it: {export}"
    assert run_command("--name", "two", "--resume", "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(Path("runs/two/sweep.json").read_text())


@pytest.mark.usefixtures("together")
def test_a_sweep_in_which_all_diverge_has_failed(
    squares: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--model", "mlp", "--data", str(squares), "--epochs", "1", "--runs-dir", str(tmp_path)]
    assert run_command("--vary", "learning_rate=1e30", *flags) == 1
    printed = capsys.readouterr()
    assert "diverged in pass 0" in printed.out
    assert "no training came to its end" in printed.err


def test_help_waits_neither_for_paddle_nor_for_matplotlib() -> None:
    script = "import sys, pipeline.sweep.command\nsys.exit(', '.join({'paddle', 'matplotlib', 'tqdm'} & set(sys.modules)) or 0)"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=30, check=True)
