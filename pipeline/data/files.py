"""Data files, gzipped or not, whose damage is told in words."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from fluidline.errors import DataError

MAX_IMAGES = 1_000_000  # in one split; a file that promises more is damaged, or meant to fill the memory
AGAIN = "copy or download it again"


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Yield the content of a file, unpacked if it is gzipped whatever its name says.

    Raises DataError where the file cannot be read or its gzip stream is damaged or cut short.
    """
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            yield cast(BinaryIO, gzip.GzipFile(fileobj=file)) if packed else file
    except EOFError:
        raise DataError(f"{path} is cut short: its gzip stream has no end ({AGAIN})") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error} ({AGAIN})") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def listing(folder: Path, limit: int = 6) -> str:
    """Return what a folder holds in a few words, for an error that says what was found."""
    names = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more if names else "nothing"
