"""The link that names the newest run: whole at every moment, and nothing beside it once the run is done."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from fluidline.runs import RunFolder, find_run, point_latest


def test_the_newest_run_is_the_one_pointed_to_last(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        point_latest(RunFolder(tmp_path / name))
    assert find_run(root=tmp_path).path == tmp_path / "new"


def test_a_process_killed_while_it_points_leaves_nothing_that_the_next_does_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    run = RunFolder(tmp_path / "run")
    child = os.fork()
    if not child:
        monkeypatch.setattr(os, "replace", lambda *paths: os.kill(os.getpid(), signal.SIGKILL))
        point_latest(run)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert not (tmp_path / "latest").exists()

    point_latest(run)

    assert find_run(root=tmp_path).path == run.path
    assert list(tmp_path.rglob(".*")) == []
