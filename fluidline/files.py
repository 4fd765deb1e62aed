"""Files and folders that are either written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fluidline.errors import FluidlineError

PARTIAL = ".partial"  # added to a file's name while it is being written by who may go on with it later
_CHUNK = 1 << 20
_NEW, _OLD = ".new.", ".old."  # what is being written, and what it is about to replace: `.NAME.new.RANDOM`


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write `path` into a FluidlineError that names it and the mend."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise FluidlineError(
            f"cannot write {path}: {reason} (nothing was changed; free space or choose a writable place)"
        ) from error


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on a clean exit it becomes `path`, on an error it is removed.

    Raises FluidlineError where the place cannot be written.
    """
    path = Path(path)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # The suffix stays last: writers such as matplotlib and numpy choose their format by it.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}{_NEW}", suffix=path.suffix)
        os.close(handle)
        part = Path(name)
        try:
            yield part
            part.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner can read
            _sync(part)
            os.replace(part, path)
            _sync(path.parent)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def resumable_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield `path` with .partial added, there or not; on a clean exit it becomes `path`, on an error it stays as it is.

    Raises FluidlineError where the place cannot be written.
    """
    path = Path(path)
    part = path.with_name(path.name + PARTIAL)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        _sync(part)
        os.replace(part, path)
        _sync(path.parent)


@contextmanager
def atomic_folder(path: str | os.PathLike[str], keep: Path | None = None) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; on a clean exit it takes the place of `path`, old contents and all.

    What was at `path` becomes the folder `keep`, in whose stead, where that is given, and is removed where not. A
    process killed between the two renames leaves no `path`, but what was there at `keep`, or for `recover` to find.
    Raises FluidlineError where the place cannot be written.
    """
    path = Path(path)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}{_NEW}"))
        part.chmod(0o777 & ~_umask())
        old = keep or part.with_name(part.name.replace(_NEW, _OLD))
        try:
            yield part
            for each in [*part.rglob("*"), part]:
                _sync(each)
            _swap(part, path, old)
            _sync(path.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)
            if not keep:
                shutil.rmtree(old, ignore_errors=True)


def recover(folder: Path) -> None:
    """Undo what killed processes left half done in `folder`: what was being replaced is back, the rest is gone.

    Only for who knows that nobody is writing there.
    """
    for old in folder.glob(f".*{_OLD}*"):
        path = folder / old.name[1:].rpartition(_OLD)[0]
        if not path.exists():
            os.rename(old, path)
    for part in [*folder.glob(f".*{_NEW}*"), *folder.glob(f".*{_OLD}*")]:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with atomic_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _swap(new: Path, path: Path, old: Path) -> None:
    """Rename `path`, where it exists, to `old`, and `new` to `path`; where the second fails, the first is undone."""
    replaced = path.exists()
    if replaced:
        shutil.rmtree(old, ignore_errors=True)
        os.rename(path, old)
    try:
        os.rename(new, path)
    except OSError:
        if replaced:
            os.rename(old, path)
        raise


def _sync(path: Path) -> None:
    """Bring a file, or which files a folder holds, onto the disk: power may fail too."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
