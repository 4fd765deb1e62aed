"""What `readers` and their processes say to each other; apart, for neither needs what the other imports."""

from __future__ import annotations

from typing import NamedTuple


class Settings(NamedTuple):
    """How the files of `folder` become pixels; see `export.prepare.prepare`."""

    folder: str
    polarity: str
    fit: bool
    max_pixels: int
    size: tuple[int, int] = (28, 28)


class Answer(NamedTuple):
    """Pixels of a batch, n * height * width bytes, black for a file that could not be read; and the reasons, by index."""

    pixels: bytes
    failures: dict[int, str]
