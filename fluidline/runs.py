"""The run folder: where each stage finds what the stage before it made, and the manifest that says what that is."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fluidline.errors import DataError, RunError, UsageError
from fluidline.files import explained, sha256, write_json

SCHEMA_VERSION = 1
DEFAULT_ROOT = Path("runs")
LATEST = "latest"


@dataclass(frozen=True)
class RunFolder:
    """A folder `runs/NAME`; the properties name every place in it that more than one stage knows."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def config(self) -> Path:
        return self.path / "config.json"

    @property
    def graph(self) -> Path:
        return self.path / "graph.py"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def curves(self) -> Path:
        return self.path / "curves.png"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def inference(self) -> Path:
        return self.path / "inference"

    @property
    def inference_fluid(self) -> Path:
        return self.path / "inference_fluid"

    @property
    def onnx(self) -> Path:
        return self.path / "onnx" / "model.onnx"

    @property
    def variants(self) -> Path:
        return self.onnx.with_name("variants")

    @property
    def bench(self) -> Path:
        return self.path / "bench"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def inspect(self) -> Path:
        return self.path / "inspect"

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    def read_manifest(self) -> dict[str, Any]:
        """Return the manifest, `{"schema_version", "run", "stages": {name: entry}}`, without stages where none has run.

        Raises DataError where it is not JSON or of another schema.
        """
        if not self.manifest.exists():
            return {"schema_version": SCHEMA_VERSION, "run": self.name, "stages": {}}
        try:
            manifest: dict[str, Any] = json.loads(self.manifest.read_text(encoding="utf-8"))
            version = manifest["schema_version"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.manifest} is not a manifest ({error}); train the run again") from error
        if version != SCHEMA_VERSION:
            raise DataError(
                f"{self.manifest} has schema version {version}, this is version {SCHEMA_VERSION}; train again"
            )
        return manifest

    def read_stage(self, stage: str, made_by: str) -> dict[str, Any]:
        """Return the manifest's entry for `stage`, its files checked against their checksums.

        Raises RunError where the stage has not run (`made_by` is the command that runs it) and DataError where a file
        is missing or is not the one that the stage wrote.
        """
        entry = self.read_manifest()["stages"].get(stage)
        if entry is None:
            raise RunError(f"run {self.path} has no stage '{stage}' yet (make it first: {made_by})")
        for relative, digest in entry["files"].items():
            file = self.path / relative
            if not file.exists():
                raise DataError(f"{file} is gone since the stage '{stage}' wrote it (make it again: {made_by})")
            if sha256(file) != digest:
                raise DataError(f"{file} was changed after the manifest was written (make it again: {made_by})")
        return dict(entry)

    def write_stage(self, stage: str, files: list[Path], details: Mapping[str, Any], parent: str | None = None) -> None:
        """Record that `stage` made `files`; call it last, when they are in place.

        Entries of later stages that were made from an older version of this one are dropped.
        """
        manifest = self.read_manifest()
        stages = manifest["stages"]
        for stale in _descendants(stage, stages):
            del stages[stale]
        stages[stage] = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "parent": parent,
            "files": {str(file.relative_to(self.path)): sha256(file) for file in files},
            **details,
        }
        write_json(self.manifest, manifest)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run folder for writing, made where it was not there.

        Raises RunError where another process writes it and FluidlineError where it cannot be written at all.
        """
        with explained(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            file = open(self.path / ".lock", "a+")  # noqa: SIM115  closed below, outside of what is explained
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                owner = file.read().strip() or "unknown"
                raise RunError(
                    f"run {self.path} is being written by process {owner} (wait for it, or name another run)"
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def create_run(name: str, root: Path = DEFAULT_ROOT) -> RunFolder:
    """Return the folder of a run to be written. Raises UsageError where `name` is no plain file name."""
    if not re.fullmatch(r"[\w][\w.-]*", name) or name == LATEST:
        raise UsageError(f"'{name}' cannot name a run (letters, digits, '.', '_' and '-'; not '{LATEST}')")
    return RunFolder(root / name)


def find_run(name: str = LATEST, root: Path = DEFAULT_ROOT) -> RunFolder:
    """Return an existing run by name; 'latest' is the newest, 'SWEEP/best' the best of a sweep. Raises RunError without."""
    path = root / name
    if not path.is_dir():
        hint = "train one first: make train MODEL=lenet"
        if name != LATEST and (known := _names(root)):
            hint = f"there is: {', '.join(known)}"
        raise RunError(f"no such run: {path} ({hint})")
    return RunFolder(path.with_name(path.resolve().name))  # 'latest' is a link: the run has a name of its own


def point_latest(run: RunFolder, name: str = LATEST) -> None:
    """Make `latest`, or what else, beside the run, name this run."""
    part = run.path / f".{name}"  # in the run's folder: what a killed process leaves there, its resumption renames
    part.unlink(missing_ok=True)
    part.symlink_to(run.name)
    os.replace(part, run.path.parent / name)


def _descendants(stage: str, stages: Mapping[str, Any]) -> list[str]:
    children = [name for name, entry in stages.items() if entry.get("parent") == stage]
    return children + [name for child in children for name in _descendants(child, stages)]


def _names(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("[!.]*") if path.is_dir() and not path.is_symlink())
