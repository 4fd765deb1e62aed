"""Which files of a folder are images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from fluidline.errors import DataError

SUFFIXES = frozenset(
    (
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".webp"),
        *(
            ".pbm",
            ".pgm",
            ".ppm",
            ".pnm",
            ".pfm",
            ".ico",
            ".tga",
            ".jp2",
            ".j2k",
            ".jpx",
            ".avif",
            ".pcx",
            ".qoi",
            ".sgi",
        ),
    )
)


def find_images(folder: str | os.PathLike[str], every: bool = False) -> Iterator[str]:
    """Yield the names of the images in a folder and its sub-folders, relative to it, sorted, a folder in its place.

    An image is what ends as one, or with `every` any file. Hidden files and folders are left out, and links to folders
    are not followed. What only looks like an image, and a folder that may not be read, are among the names too: whoever
    reads them finds out. No more names are in memory than those of the folders that are open.
    """
    pending = _list_reversed(folder, "")
    while pending:
        name, is_folder = pending.pop()
        if is_folder:
            try:
                pending += _list_reversed(folder, name + "/")
            except OSError:
                yield name
                continue
        looks_it = os.path.splitext(name)[1].lower() in SUFFIXES
        if looks_it or (every and not is_folder):
            yield name


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Raise DataError where `folder` is no folder that can be listed."""
    path = Path(folder)
    try:
        with os.scandir(path):
            return
    except FileNotFoundError:
        reason = "no such folder"
    except NotADirectoryError:
        reason = "not a folder"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    raise DataError(f"{path}: {reason} (name the folder that holds the images)")


def _list_reversed(folder: str | os.PathLike[str], inside: str) -> list[tuple[str, bool]]:
    with os.scandir(os.path.join(folder, inside)) as entries:
        names = [
            (inside + entry.name, entry.is_dir(follow_symlinks=False))
            for entry in entries
            if not (entry.name.startswith(".") or (entry.is_symlink() and entry.is_dir()))
        ]
    return sorted(names, reverse=True)
