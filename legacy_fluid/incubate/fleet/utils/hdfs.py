"""`fluid.incubate.fleet.utils.hdfs`: files in Hadoop, a folder at once."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from ....contrib.utils.hadoop import Hadoop, at_once

__all__ = ["HDFSClient"]


class HDFSClient(Hadoop):
    """A file system of Hadoop, through the program `hadoop`.

    Args:
        hadoop_home: folder of the installation, with `bin/hadoop`.
        configs: settings of `hadoop fs`, as "fs.default.name" and "hadoop.job.ugi".
    """

    _seconds_between_tries = 3

    def is_file(self, hdfs_path: str | None = None) -> bool:
        return self.is_exist(hdfs_path) and not self.is_dir(hdfs_path)

    def cat(self, hdfs_path: str | None = None) -> str:
        """Return what is in a file, without white space around; "" where there is none."""
        return (self._run("-cat", str(hdfs_path)) or "").strip() if self.is_file(hdfs_path) else ""

    def lsr(self, hdfs_path: str, excludes: list[str] = []) -> list[str]:  # noqa: B006  the signature of fluid
        """Return the paths of all files below a folder but `excludes`."""
        entries = self._entries("-lsr", hdfs_path)
        return [entry.path for entry in entries if not entry.is_folder and entry.path not in excludes]

    @staticmethod
    def split_files(files: list[str], trainer_id: int, trainers: int) -> list[str]:
        """Return a worker's part of a list: neighbours, and one more for each of the first where it does not divide."""
        each, more = divmod(len(files), trainers)
        begin = trainer_id * each + min(trainer_id, more)
        return files[begin : begin + each + (trainer_id < more)]

    def download(
        self,
        hdfs_path: str,
        local_path: str,
        multi_processes: int = 5,
        overwrite: bool = False,
        retry_times: int = 5,
    ) -> list[str]:
        """Copy all that is in a folder to a folder of this machine; return the files that are there then.

        Args:
            multi_processes: how many at once.
            overwrite: has no effect, as in 1.8.
        """
        self.make_local_dirs(local_path)

        def get(path: str) -> Any:
            return self._run("-get", path, local_path, retry_times=retry_times)

        at_once(get, self.ls(hdfs_path), multi_processes)
        return [str(path) for path in sorted(Path(local_path).rglob("*")) if path.is_file()]

    def upload(
        self,
        hdfs_path: str,
        local_path: str,
        multi_processes: int = 5,
        overwrite: bool = False,
        retry_times: int = 5,
    ) -> None:
        """Copy a file, or all that is in a folder of this machine, to a folder there.

        Args:
            multi_processes: how many at once.
            overwrite: empty the folder there first.
        """
        local = Path(local_path)
        sources = sorted(local.iterdir()) if local.is_dir() else [local] if local.exists() else []
        if not sources:
            return
        if overwrite and self.is_exist(hdfs_path):
            self.delete(hdfs_path)
            self.makedirs(hdfs_path)

        def put(path: Path) -> Any:
            return self._run("-put", str(path), hdfs_path, retry_times=retry_times)

        at_once(put, sources, multi_processes)

    def upload_dir(self, dest_dir: str, local_dir: str, overwrite: bool = False) -> bool:
        """Copy a folder of this machine into a folder there, which is made where it is not; say whether it was done."""
        target = str(PurePosixPath(dest_dir, Path(local_dir).name))
        if overwrite and self.is_exist(target):
            self.delete(target)
        self.makedirs(dest_dir)
        return self._run("-put", local_dir.rstrip("/"), dest_dir.rstrip("/"), retry_times=5) is not None
