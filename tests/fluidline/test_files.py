"""Files and folders are written whole or not at all, by a process that is killed on the way too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fluidline.errors import FluidlineError
from fluidline.files import atomic_file, atomic_folder, recover, write_text

ROOT = Path(__file__).parents[2]

# Replaces the file and the folder of argument 1, and kills itself before its call number argument 2 of those that write.
KILLED = """
import os, sys
from pathlib import Path
from fluidline.files import atomic_folder, write_text
folder, left = Path(sys.argv[1]), [int(sys.argv[2])]
def counted(call):
    def wrapped(*args, **kwargs):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), 9)
        return call(*args, **kwargs)
    return wrapped
for name in ("fsync", "rename", "replace", "rmdir", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
write_text(folder / "file.txt", "new")
with atomic_folder(folder / "folder") as part:
    (part / "file.txt").write_text("new")
"""


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_process_killed_at_any_call_leaves_old_or_new_and_what_it_left_over_goes(tmp_path: Path) -> None:
    for calls in range(100):
        folder = tmp_path / str(calls)
        (folder / "folder").mkdir(parents=True)
        for place in (folder, folder / "folder"):
            (place / "file.txt").write_text("old")
        command = [sys.executable, "-c", KILLED, str(folder), str(calls)]
        code = subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode
        assert code in (0, -signal.SIGKILL)
        recover(folder)
        assert names(folder) == {"file.txt", "folder"}
        for place in (folder, folder / "folder"):
            assert (place / "file.txt").read_text() in ("old", "new")
        if code == 0:
            break
    assert calls > 5
    assert (folder / "folder" / "file.txt").read_text() == "new"


def test_what_a_folder_replaces_is_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    for text in ("one", "two", "three"):
        with atomic_folder(tmp_path / "now", keep=tmp_path / "before") as part:
            (part / "text").write_text(text)
    assert names(tmp_path) == {"now", "before"}
    assert (tmp_path / "now" / "text").read_text() == "three"
    assert (tmp_path / "before" / "text").read_text() == "two"


@pytest.mark.parametrize("keep", [None, "before"])
def test_a_rename_that_fails_leaves_what_was_there(
    keep: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "now").mkdir()
    rename = os.rename

    def failing(source: Path, target: Path) -> None:
        if target == tmp_path / "now" and ".new." in source.name:
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with (
        pytest.raises(FluidlineError, match=r"cannot write .*now: Input/output error"),
        atomic_folder(tmp_path / "now", keep=tmp_path / keep if keep else None),
    ):
        pass
    assert names(tmp_path) == {"now"}


def test_an_error_while_writing_leaves_nothing_new(tmp_path: Path) -> None:
    def fill(part: Path) -> None:
        part.write_text("half")
        raise OSError(28, "No space left on device")

    write_text(tmp_path / "file.txt", "old")
    with pytest.raises(FluidlineError, match="No space left"), atomic_file(tmp_path / "file.txt") as part:
        fill(part)
    assert names(tmp_path) == {"file.txt"}
    assert (tmp_path / "file.txt").read_text() == "old"


def test_other_hidden_files_are_nobodys_rubbish(tmp_path: Path) -> None:
    for name in (".lock", ".gitignore", ".notes"):
        (tmp_path / name).write_text("")
    recover(tmp_path)
    assert names(tmp_path) == {".lock", ".gitignore", ".notes"}
