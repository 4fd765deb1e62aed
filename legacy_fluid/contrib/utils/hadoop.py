"""What both of fluid's HDFS clients do: run the program `hadoop` that is installed, and read what it prints."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from ...log_helper import get_logger

log = get_logger(__name__, logging.INFO, fmt="%(asctime)s-%(levelname)s: %(message)s")


class Entry(NamedTuple):
    """A line of a listing."""

    is_folder: bool
    time: str  # "2020-05-09 17:30"
    path: str


class Hadoop:
    """A file system of Hadoop. Methods answer False, or nothing, where a command fails, and say so in the log.

    Args:
        hadoop_home: folder of the installation, with `bin/hadoop`.
        configs: settings of `hadoop fs`, as "fs.default.name" and "hadoop.job.ugi".
    """

    _seconds_between_tries = 0

    def __init__(self, hadoop_home: str, configs: dict[str, Any]) -> None:
        settings = [f"-D{name}={value}" for name, value in configs.items()]
        self.pre_commands = [f"{hadoop_home}/bin/hadoop", "fs", *settings]

    def _run(self, *command: str, retry_times: int = 0) -> str | None:
        """Return what a command prints, None where it fails, each of 1 + retry_times times."""
        for turn in range(retry_times + 1):
            time.sleep(self._seconds_between_tries if turn else 0)
            done = self._run_once(*command)
            if done.returncode == 0:
                return done.stdout
            log.warning("hadoop fs %s ended with %d: %s", " ".join(command), done.returncode, done.stderr.strip())
        return None

    def _run_once(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.pre_commands, *command], capture_output=True, text=True, check=False)

    def is_exist(self, hdfs_path: str | None = None) -> bool:
        return self._run_once("-test", "-e", str(hdfs_path)).returncode == 0

    def is_dir(self, hdfs_path: str | None = None) -> bool:
        return self._run_once("-test", "-d", str(hdfs_path)).returncode == 0

    def delete(self, hdfs_path: str) -> bool:
        """Delete a file, or a folder with all that is in it; True where nothing was there."""
        if not self.is_exist(hdfs_path):
            return True
        return self._run("-rmr" if self.is_dir(hdfs_path) else "-rm", hdfs_path) is not None

    def rename(self, hdfs_src_path: str, hdfs_dst_path: str, overwrite: bool = False) -> bool:
        """Move a file or a folder. Hadoop itself refuses what would overwrite a file."""
        return self._run("-mv", hdfs_src_path, hdfs_dst_path, retry_times=1) is not None

    @staticmethod
    def make_local_dirs(local_path: str) -> None:
        """Make a folder on this machine, where it is not there."""
        Path(local_path).mkdir(parents=True, exist_ok=True)

    def makedirs(self, hdfs_path: str) -> bool | None:
        """Make a folder; None where it is there already."""
        if self.is_exist(hdfs_path):
            return None
        return self._run("-mkdir", hdfs_path, retry_times=1) is not None

    def ls(self, hdfs_path: str) -> list[str]:
        """Return the paths of what is in a folder."""
        return [entry.path for entry in self._entries("-ls", hdfs_path)]

    def _entries(self, command: str, hdfs_path: str) -> list[Entry]:
        listing = self._run(command, hdfs_path, retry_times=1) if self.is_exist(hdfs_path) else None
        lines = [line.split() for line in (listing or "").splitlines()]
        return [Entry(line[0].startswith("d"), f"{line[5]} {line[6]}", line[7]) for line in lines if len(line) == 8]


def at_once(work: Callable[[Any], Any], items: Iterable[Any], workers: int) -> None:
    """Do the work for each item, so many at once: each is a process of hadoop's, which a thread waits for."""
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, items))
