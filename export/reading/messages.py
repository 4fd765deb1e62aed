"""What `readers` and their processes say to each other; apart, for neither needs what the other imports."""

from __future__ import annotations

from typing import NamedTuple


class Settings(NamedTuple):
    """How the files of `folder` become pixels; see `export.prepare.prepare`."""

    folder: str
    polarity: str
    fit: bool
    max_pixels: int


class Answer(NamedTuple):
    """Pixels of a batch, n * 28 * 28 bytes, black for a file that could not be read; and the reasons, by index."""

    pixels: bytes
    failures: dict[int, str]
