"""`fluid.contrib.utils.hdfs_utils`: files in Hadoop, one by one or a folder at once."""

from __future__ import annotations

import posixpath
from pathlib import Path, PurePosixPath

from .hadoop import Hadoop, at_once, log

__all__ = ["HDFSClient", "multi_download", "multi_upload"]


class HDFSClient(Hadoop):
    """A file system of Hadoop, through the program `hadoop`.

    Args:
        hadoop_home: folder of the installation, with `bin/hadoop`.
        configs: settings of `hadoop fs`, as "fs.default.name" and "hadoop.job.ugi".
    """

    def upload(self, hdfs_path: str, local_path: str, overwrite: bool = False, retry_times: int = 5) -> bool:
        """Copy a file into a folder there, which is made where it is not; say whether it was done."""
        local = Path(local_path)
        assert local.exists(), f"there is no file {local_path} to upload"
        if local.is_dir():
            log.warning("%s is a folder: multi_upload copies its files", local_path)
            return False
        target = str(PurePosixPath(hdfs_path, local.name))
        if self.is_exist(target):
            if not overwrite:
                log.error("%s is there already, and overwrite is False", target)
                return False
            self.delete(target)
        self.makedirs(hdfs_path)
        return self._run("-put", local_path, hdfs_path, retry_times=retry_times) is not None

    def download(self, hdfs_path: str, local_path: str, overwrite: bool = False, unzip: bool = False) -> bool:
        """Copy a file into a folder of this machine, which is made where it is not; say whether it was done.

        Args:
            unzip: has no effect, as in 1.8.
        """
        if not self.is_exist(hdfs_path):
            log.error("there is no %s", hdfs_path)
            return False
        target = Path(local_path, PurePosixPath(hdfs_path).name)
        if target.exists():
            if not overwrite:
                log.error("%s is there already, and overwrite is False", target)
                return False
            target.unlink()
        self.make_local_dirs(local_path)
        return self._run("-get", hdfs_path, local_path, retry_times=5) is not None

    def lsr(self, hdfs_path: str, only_file: bool = True, sort: bool = True) -> list[str]:
        """Return the paths of all that is below a folder.

        Args:
            only_file: without the folders.
            sort: the oldest first.
        """
        entries = [entry for entry in self._entries("-lsr", hdfs_path) if not (only_file and entry.is_folder)]
        return [entry.path for entry in (sorted(entries, key=lambda entry: entry.time) if sort else entries)]


def multi_download(
    client: HDFSClient, hdfs_path: str, local_path: str, trainer_id: int, trainers: int, multi_processes: int = 5
) -> list[str]:
    """Copy every `trainers`-th file below a folder, from number `trainer_id` on; return where they are then.

    Args:
        multi_processes: how many at once.
    """
    assert isinstance(client, HDFSClient), f"multi_download takes an HDFSClient, not {client!r}"
    client.make_local_dirs(local_path)
    wanted = client.lsr(hdfs_path, sort=True)[trainer_id::trainers]
    targets = {source: Path(local_path, posixpath.relpath(source, hdfs_path)) for source in wanted}
    at_once(lambda source: client.download(source, str(targets[source].parent)), wanted, multi_processes)
    return [str(target) for target in targets.values()]


def multi_upload(
    client: HDFSClient,
    hdfs_path: str,
    local_path: str,
    multi_processes: int = 5,
    overwrite: bool = False,
    sync: bool = True,
) -> None:
    """Copy all files below a folder of this machine, and their folders.

    Args:
        multi_processes: how many at once.
        sync: has no effect, as in 1.8.
    """
    assert isinstance(client, HDFSClient), f"multi_upload takes an HDFSClient, not {client!r}"
    files = [path for path in sorted(Path(local_path).rglob("*")) if path.is_file()]

    def upload(file: Path) -> None:
        folder = PurePosixPath(hdfs_path, file.parent.relative_to(local_path).as_posix())
        client.upload(str(folder), str(file), overwrite, retry_times=5)

    at_once(upload, files, multi_processes)
