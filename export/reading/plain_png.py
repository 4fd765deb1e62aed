"""A short way to read what most files of an MNIST folder are: plain PNG, 28x28, 8-bit gray. The rest is for `prepare`.

Pillow spends most of its time on one small file around the decoding. Here the scanlines of a whole batch are decoded as
one tall image: three times as fast, the same pixels. Imports neither numpy nor `export.prepare`, so that a process that
meets only such files starts in a fraction of the time.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence

from PIL import Image

SIDE = 28
SIZE = (SIDE, SIDE)
_PIXELS = SIDE * SIDE
_SCANLINES = SIDE * (1 + SIDE)  # each line of pixels follows a byte that names its filter
# Filters refer to the line above, which for an image's first line is black: so each image follows a line of black.
_BLACK_LINE = bytes(1 + SIDE)
_STRIDE = SIDE + _PIXELS

_HEAD = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + SIDE.to_bytes(4, "big") * 2 + b"\x08\0\0\0\0"
_HEAD += zlib.crc32(_HEAD[12:]).to_bytes(4, "big")
_TAIL = b"\0\0\0\0IEND\xaeB`\x82"
_LARGEST = 4096  # bytes; 812 of scanlines take less, also when stored without compression
_INVERTED = bytes(range(255, -1, -1))


def read_plain(paths: Sequence[str | os.PathLike[str]], polarity: str) -> list[bytes | None]:
    """Read a batch of files: for each its 784 pixels, light ink on dark, or None where `prepare` must read it.

    None is the answer for every other kind of file, a damaged one, and an image whose ink's colour is not plain to see.
    """
    return decode_plain([_read(path) for path in paths], polarity)


def decode_plain(files: Sequence[bytes], polarity: str) -> list[bytes | None]:
    """Do as `read_plain` does with the contents of files."""
    scanlines = [_scanlines(data) for data in files]
    decoded = iter(_decode([lines for lines in scanlines if lines is not None]))
    return [None if lines is None else _orient(next(decoded), polarity) for lines in scanlines]


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        # Non-blocking: a named pipe would wait for a writer.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return os.read(file, _LARGEST)
        finally:
            os.close(file)
    except OSError:
        return b""


def _scanlines(data: bytes) -> bytes | None:
    if not (data.startswith(_HEAD) and data.endswith(_TAIL) and data[37:41] == b"IDAT" and len(data) <= _LARGEST):
        return None
    end = 41 + int.from_bytes(data[33:37], "big")
    if end + 4 + len(_TAIL) != len(data) or zlib.crc32(data[37:end]) != int.from_bytes(data[end : end + 4], "big"):
        return None
    unpacker = zlib.decompressobj()
    try:
        lines = unpacker.decompress(data[41:end], _SCANLINES + 1)  # not more, whatever it would unpack to
    except zlib.error:
        return None
    return lines if unpacker.eof and len(lines) == _SCANLINES and max(lines[:: 1 + SIDE]) <= 4 else None


def _decode(images: list[bytes]) -> list[bytes]:
    """Undo the filters of many images' scanlines in one go, and return the pixels of each."""
    if not images:
        return []
    lines = _BLACK_LINE + _BLACK_LINE.join(images)
    tall = Image.frombytes("L", (SIDE, (1 + SIDE) * len(images)), zlib.compress(lines, 0), "zip", "L").tobytes()
    return [tall[start + SIDE : start + _STRIDE] for start in range(0, len(tall), _STRIDE)]


def _orient(pixels: bytes, polarity: str) -> bytes | None:
    if polarity == "light":
        return pixels
    if polarity == "dark":
        return pixels.translate(_INVERTED)
    border = pixels[:SIDE] + pixels[-SIDE:] + pixels[::SIDE] + pixels[SIDE - 1 :: SIDE]
    return pixels if border.count(0) > len(border) // 2 else None  # on black, ink can only be light
