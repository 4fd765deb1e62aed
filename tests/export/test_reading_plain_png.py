from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from export.prepare import prepare
from export.reading.plain_png import read_plain

RANDOM = np.random.default_rng(1)
NOISE = RANDOM.integers(0, 256, (28, 28)).astype(np.uint8)
DIGIT = np.pad(NOISE[4:24, 4:24], 4)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(header: tuple[int, ...], scanlines: bytes, extra: bytes = b"") -> bytes:
    body = chunk(b"IHDR", struct.pack(">IIBBBBB", *header)) + extra + chunk(b"IDAT", zlib.compress(scanlines))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def filtered(pixels: np.ndarray, filters: list[int]) -> bytes:
    """Return a PNG whose lines have these filters (PNG specification, section 9)."""
    lines = b""
    above = np.zeros(28, int)
    for line, kind in zip(pixels.astype(int), filters, strict=True):
        left, corner = np.append(0, line[:-1]), np.append(0, above[:-1])
        estimate = left + above - corner
        distances = np.abs(estimate - np.stack([left, above, corner]))
        paeth = np.choose(distances.argmin(axis=0), [left, above, corner])
        predicted = [0 * line, left, above, (left + above) // 2, paeth][kind]
        lines += bytes([kind]) + ((line - predicted) % 256).astype(np.uint8).tobytes()
        above = line
    return png((28, 28, 8, 0, 0, 0, 0), lines)


PLAIN = filtered(DIGIT, [0] * 28)


@pytest.mark.parametrize("kind", range(5))
def test_every_filter_of_png_gives_the_pixels_that_pillow_gives(tmp_path, kind):
    # The first line's filter refers to the image before it in the batch unless that is kept apart.
    paths = [tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.png"]
    for path, filters in zip(paths, ([kind] * 28, [kind] * 28, list(RANDOM.integers(0, 5, 28))), strict=True):
        path.write_bytes(filtered(NOISE, filters))
    assert read_plain(paths, "light") == [NOISE.tobytes()] * 3
    assert prepare(paths[0], "light").tobytes() == NOISE.tobytes()


def test_images_as_pillow_writes_them_are_plain(tmp_path):
    images = np.pad(RANDOM.integers(0, 256, (50, 20, 20)), ((0, 0), (4, 4), (4, 4))).astype(np.uint8)
    for index, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{index}.png", compress_level=index % 10)
    found = read_plain([tmp_path / f"{index}.png" for index in range(50)], "auto")
    assert found == [image.tobytes() for image in images]


def test_dark_ink_is_inverted_and_an_unclear_one_left_to_prepare(tmp_path):
    path = tmp_path / "dark.png"
    path.write_bytes(filtered(255 - DIGIT, [1] * 28))
    assert read_plain([path], "dark") == [DIGIT.tobytes()]
    assert read_plain([path], "auto") == [None]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        PLAIN[:60],
        PLAIN[:-1],
        PLAIN + b"\0",
        PLAIN[:50] + bytes([PLAIN[50] ^ 1]) + PLAIN[51:],
        PLAIN.replace(zlib.crc32(PLAIN[12:29]).to_bytes(4, "big"), b"\0\0\0\0"),
        png((28, 28, 8, 0, 0, 0, 0), bytes(28 * 29 - 1)),
        png((28, 28, 8, 0, 0, 0, 0), bytes(28 * 29 + 1)),
        png((28, 28, 8, 0, 0, 0, 0), bytes([5]) + bytes(28 * 29 - 1)),
        png((28, 28, 8, 0, 0, 0, 0), bytes(28 * 29), chunk(b"tRNS", b"\0\0")),
        png((28, 28, 8, 0, 0, 0, 1), bytes(28 * 29 + 60)),
        png((28, 28, 8, 2, 0, 0, 0), bytes(28 * 85)),
        png((28, 28, 16, 0, 0, 0, 0), bytes(28 * 57)),
        png((29, 28, 8, 0, 0, 0, 0), bytes(28 * 30)),
    ],
    ids=[
        *("empty", "cut", "cut by a byte", "with a byte after it", "damaged", "bad checksum of the header"),
        *(
            "a pixel short",
            "a pixel more",
            "unknown filter",
            "with transparency",
            "interlaced",
            "RGB",
            "16 bits",
            "29x28",
        ),
    ],
)
def test_everything_else_is_left_to_prepare_without_harm_to_its_neighbours(tmp_path, content):
    for name, data in (("a", PLAIN), ("b", content), ("c", PLAIN)):
        (tmp_path / name).write_bytes(data)
    assert read_plain([tmp_path / name for name in "abc"], "auto") == [DIGIT.tobytes(), None, DIGIT.tobytes()]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("nowhere", path), lambda path: None])
def test_what_is_no_file_is_left_to_prepare(tmp_path: Path, make: Callable[[Path], None]):
    make(tmp_path / "x.png")
    assert read_plain([tmp_path / "x.png"], "auto") == [None]
