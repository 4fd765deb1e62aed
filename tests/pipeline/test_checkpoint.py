"""Checkpoints are whole or not there, and a damaged one is named."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import legacy_fluid as fluid
from fluidline.errors import DataError, FluidlineError
from pipeline.checkpoint import find_checkpoint, load_checkpoint, read_checkpoint, sweep, write_checkpoint


@pytest.fixture
def executor() -> fluid.Executor:
    return fluid.Executor(fluid.CPUPlace())


@pytest.fixture
def program(executor: fluid.Executor) -> fluid.Program:
    """A small program, its parameters in the scope of the test."""
    main, startup = fluid.Program(), fluid.Program()
    with fluid.program_guard(main, startup), fluid.unique_name.guard():
        x = fluid.layers.data(name="x", shape=[3], dtype="float32")
        fluid.optimizer.Adam(0.1).minimize(fluid.layers.mean(fluid.layers.fc(x, size=2)))
    scope = fluid.Scope()
    with fluid.scope_guard(scope):
        executor.run(startup)
        yield main


def weight() -> np.ndarray:
    return fluid.global_scope().find_var("fc_0.w_0").get_tensor()


def test_parameters_optimizer_state_and_random_state_come_back(
    program: fluid.Program, executor: fluid.Executor, tmp_path: Path
) -> None:
    def step() -> float:
        x = np.array([[random.random(), np.random.random(), 1]], np.float32)
        executor.run(program, feed={"x": x})
        return float(x.sum())

    step()
    write_checkpoint(tmp_path / "last", program, {"progress": 1})
    drawn = [step() for _ in range(3)]
    expected = np.array(weight())
    load_checkpoint(tmp_path / "last", program, executor)
    assert not np.array_equal(np.array(weight()), expected)
    assert [step() for _ in range(3)] == drawn
    assert np.array_equal(np.array(weight()), expected)


def _truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def _alter(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["model.pdparams", "model.pdopt", "model.pdmodel", "random.json"])
@pytest.mark.parametrize(
    ("damage", "words"), [(_truncate, "is torn or was altered"), (_alter, "is torn"), (Path.unlink, "is missing")]
)
def test_a_damaged_file_is_named(
    name: str, damage: Callable[[Path], None], words: str, program: fluid.Program, tmp_path: Path
) -> None:
    write_checkpoint(tmp_path / "best", program, {})
    assert read_checkpoint(tmp_path / "best")
    damage(tmp_path / "best" / name)
    with pytest.raises(DataError, match=f"best cannot be used: {name} {words}"):
        read_checkpoint(tmp_path / "best")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(Path.unlink, id="missing"),
        pytest.param(lambda file: file.write_text(file.read_text()[:-5]), id="torn"),
        pytest.param(lambda file: file.write_text("[]"), id="something else"),
        pytest.param(lambda file: file.write_text(file.read_text().replace("41", "42")), id="altered"),
        pytest.param(lambda file: file.write_text(file.read_text().replace("_version", "")), id="of another schema"),
    ],
)
def test_a_damaged_state_is_named(damage: Callable[[Path], None], program: fluid.Program, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "best", program, {"step": 41})
    damage(tmp_path / "best" / "state.json")
    with pytest.raises(DataError, match=r"best cannot be used: state\.json "):
        read_checkpoint(tmp_path / "best")


@pytest.mark.parametrize("name", ["model.pdparams", "model.pdopt", "model.pdmodel", "random.json", "state.json"])
@pytest.mark.parametrize("damage", [_truncate, _alter, Path.unlink])
def test_the_last_checkpoint_is_found_and_the_one_before_it_where_that_is_damaged(
    name: str,
    damage: Callable[[Path], None],
    program: fluid.Program,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert find_checkpoint(tmp_path) is None
    for number in (1, 2, 3):
        write_checkpoint(tmp_path / "last", program, {"number": number})
    found = find_checkpoint(tmp_path)
    assert found is not None
    assert (found[0].name, found[1]["number"]) == ("last", 3)

    damage(tmp_path / "last" / name)
    found = find_checkpoint(tmp_path)
    assert found is not None
    assert (found[0].name, found[1]["number"]) == ("previous", 2)
    assert f"last cannot be used: {name} " in caplog.text

    sweep(tmp_path, found[0])
    assert [folder.name for folder in tmp_path.iterdir()] == ["previous"]
    damage(tmp_path / "previous" / name)
    with pytest.raises(DataError, match="there is no other to go on from"):
        find_checkpoint(tmp_path)


def test_a_best_pass_that_was_being_replaced_when_the_process_was_killed_is_back(
    program: fluid.Program, tmp_path: Path
) -> None:
    write_checkpoint(tmp_path / "best", program, {"number": 1})
    (tmp_path / "best").rename(tmp_path / ".best.old.abc")
    (tmp_path / ".best.new.abc").mkdir()
    sweep(tmp_path, None)
    assert [folder.name for folder in tmp_path.iterdir()] == ["best"]
    assert read_checkpoint(tmp_path / "best")["number"] == 1


def test_a_process_killed_between_two_renames_leaves_a_checkpoint_and_its_rubbish_goes(
    program: fluid.Program, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_checkpoint(tmp_path / "last", program, {"number": 1})
    (tmp_path / "last").rename(tmp_path / "previous")
    (tmp_path / ".last.new.abc").mkdir()
    found = find_checkpoint(tmp_path)
    assert found is not None
    assert found[1]["number"] == 1
    sweep(tmp_path, found[0])
    assert "no last checkpoint; going on from" in caplog.text
    assert [folder.name for folder in tmp_path.iterdir()] == ["previous"]


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(
    program: fluid.Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint(tmp_path / "last", program, {"number": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.checkpoint.sha256", full)
    with pytest.raises(FluidlineError, match=r"cannot write .*last: No space left on device"):
        write_checkpoint(tmp_path / "last", program, {"number": 2})
    monkeypatch.undo()
    assert [folder.name for folder in tmp_path.iterdir()] == ["last"]
    assert read_checkpoint(tmp_path / "last")["number"] == 1
