"""The page at `/`, and the files that it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
# Nothing from elsewhere, and no other site shows the page in a frame of its own.
HEADERS = (
    b"cache-control: no-cache\r\n"
    b"content-security-policy: default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'\r\n"
    b"x-content-type-options: nosniff\r\n"
)


class Asset(NamedTuple):
    """A file of the page."""

    content_type: bytes
    body: bytes


def assets() -> dict[str, Asset]:
    """Return the files by the path that each is served at; index.html is `/`."""
    files = sorted(file for file in _FOLDER.iterdir() if file.suffix in _TYPES)
    return {
        "/" if file.name == "index.html" else f"/{file.name}": Asset(_TYPES[file.suffix], file.read_bytes())
        for file in files
    }
