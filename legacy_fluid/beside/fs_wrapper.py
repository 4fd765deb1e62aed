"""`paddle.distributed.fs_wrapper`: the files of a checkpoint, on this machine or in Hadoop."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path, PurePosixPath


class FS:
    """What a file system can do; LocalFS and BDFS define it."""

    def list_dirs(self, fs_path: str) -> list[str]:
        """Return the names of the folders in a folder, none where it is not there."""
        raise NotImplementedError

    def stat(self, fs_path: str) -> bool:
        """Say whether something is there."""
        raise NotImplementedError

    def need_upload_download(self) -> bool:
        """Say whether the files are elsewhere."""
        raise NotImplementedError

    def rm(self, fs_path: str) -> None:
        """Delete a file."""
        raise NotImplementedError

    def rmr(self, fs_path: str) -> None:
        """Delete a folder with all that is in it."""
        raise NotImplementedError


class LocalFS(FS):
    """The file system of this machine."""

    def list_dirs(self, fs_path: str) -> list[str]:
        return [path.name for path in Path(fs_path).iterdir() if path.is_dir()] if self.stat(fs_path) else []

    def ls_dir(self, fs_path: str) -> list[str]:
        """Return the names of all that is in a folder."""
        return [path.name for path in Path(fs_path).iterdir()]

    def stat(self, fs_path: str) -> bool:
        return Path(fs_path).exists()

    def mkdir(self, fs_path: str) -> None:
        """Make a folder and those above it, where they are not there."""
        assert not Path(fs_path).is_file(), f"{fs_path} is a file already"
        Path(fs_path).mkdir(parents=True, exist_ok=True)

    def mv(self, fs_src_path: str, fs_dst_path: str) -> None:
        """Rename a file or a folder."""
        Path(fs_src_path).rename(fs_dst_path)

    def rm(self, fs_path: str) -> None:
        Path(fs_path).unlink()

    def rmr(self, fs_path: str) -> None:
        shutil.rmtree(fs_path)

    def delete(self, fs_path: str) -> None:
        """Delete a file or a folder, where it is there."""
        if self.stat(fs_path):
            (self.rm if Path(fs_path).is_file() else self.rmr)(fs_path)

    def need_upload_download(self) -> bool:
        return False


class BDFS(FS):
    """Hadoop's file system, through the program `hadoop` that is installed.

    Args:
        hdfs_name, hdfs_ugi: its `fs.default.name` and `hadoop.job.ugi`.
        time_out: milliseconds after which a command is given up.
        sleep_inter: has no effect; the core of 1.8 waited so long between two tries.
    """

    def __init__(self, hdfs_name: str, hdfs_ugi: str, time_out: int = 20 * 60 * 1000, sleep_inter: int = 1000) -> None:
        self._base_cmd = ["hadoop", "fs", f"-Dfs.default.name={hdfs_name}", f"-Dhadoop.job.ugi={hdfs_ugi}"]
        self._time_out = time_out
        self._sleep_inter = sleep_inter

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._base_cmd, *command], capture_output=True, text=True, timeout=self._time_out / 1000, check=False
        )

    def _do(self, *command: str) -> str:
        done = self._run(*command)
        if done.returncode:
            raise OSError(f"hadoop fs {' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def list_dirs(self, fs_path: str) -> list[str]:
        return self.ls_dir(fs_path)[0] if self.stat(fs_path) else []

    def ls_dir(self, fs_path: str) -> tuple[list[str], list[str]]:
        """Return the names of the folders and of the files in a folder."""
        lines = [line.split() for line in self._do("-ls", fs_path).splitlines()]
        listed = [(line[0], PurePosixPath(line[7])) for line in lines if len(line) == 8 and fs_path in line[7]]
        folders = [path.name for mode, path in listed if mode.startswith("d")]
        return folders, [path.name for mode, path in listed if not mode.startswith("d")]

    def is_dir(self, fs_path: str) -> bool:
        """Say whether a folder is there."""
        return self._run("-test", "-d", fs_path).returncode == 0

    def stat(self, fs_path: str) -> bool:
        return self._run("-test", "-e", fs_path).returncode == 0

    def upload(self, local_path: str, fs_path: str) -> None:
        """Copy a file or a folder of this machine there."""
        self._do("-put", local_path, fs_path)

    def download(self, fs_path: str, local_path: str) -> None:
        """Copy a file or a folder into a folder of this machine."""
        self._do("-get", fs_path, f"{local_path}/")

    def mkdir(self, fs_path: str) -> None:
        """Make a folder, where it is not there."""
        if not self.stat(fs_path):
            self._do("-mkdir", fs_path)

    def mv(self, fs_src_path: str, fs_dst_path: str) -> None:
        """Rename a file or a folder."""
        self._do("-mv", fs_src_path, fs_dst_path)

    def rm(self, fs_path: str) -> None:
        if self.stat(fs_path):
            self._do("-rm", fs_path)

    def rmr(self, fs_path: str) -> None:
        if self.stat(fs_path):
            self._do("-rmr", fs_path)

    def delete(self, fs_path: str) -> None:
        """Delete a file or a folder, where it is there."""
        if self.stat(fs_path):
            (self.rmr if self.is_dir(fs_path) else self.rm)(fs_path)

    def need_upload_download(self) -> bool:
        return True
