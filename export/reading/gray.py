"""Image files of every kind that Pillow reads, as 8-bit gray: whatever their mode, depth, transparency, orientation."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from export.choices import MAX_PIXELS
from fluidline.errors import DataError

Source = str | os.PathLike[str] | bytes | Image.Image

# Pillow knows more formats; those left out start another program on the file (EPS, WMF) or are no pictures.
FORMATS = (
    *("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"),
    *("PPM", "DIB", "ICO", "TGA", "JPEG2000", "AVIF", "PCX", "QOI", "SGI"),
)
_DETAIL = 1024  # pixels a side that are enough to find a digit; JPEG can be decoded to a fraction of its size at once


class UnreadableImageError(DataError):
    """A file or the bytes of one hold no readable image. `reason` says why without the name of the file."""

    def __init__(self, reason: str, source: Source) -> None:
        name = f"{source}: " if isinstance(source, str | os.PathLike) else ""
        super().__init__(name + reason)
        self.reason = reason


def read_gray(source: Source, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return an image file, its bytes or an opened image as an image of mode L, upright, on an opaque background.

    16-bit and floating-point values are scaled to 0 to 255, not clipped. Of several frames the first is taken. Raises
    UnreadableImageError where it is not an image, is damaged, or has more than `max_pixels`.
    """
    with open_image(source, max_pixels) as image:
        image.draft("L", (_DETAIL, _DETAIL))
        image.load()
        with suppress(Exception):  # damaged EXIF data make no unreadable image
            ImageOps.exif_transpose(image, in_place=True)
        return _to_gray(image)


@contextmanager
def open_image(source: Source, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open an image, not yet decoded; what goes wrong with it within the context is raised as UnreadableImageError."""
    try:
        with _open(source) as image:
            if image.width * image.height > max_pixels:
                raise ValueError(f"{image.width} x {image.height} pixels are over the limit of {max_pixels}")
            yield image
    except Exception as error:  # decoders raise whatever they stumble over
        raise UnreadableImageError(_explain(error, source), source) from error


def _open(source: Source) -> Image.Image:
    if isinstance(source, Image.Image):
        return source.copy()
    if isinstance(source, bytes):
        return Image.open(io.BytesIO(source), formats=FORMATS)
    if not stat.S_ISREG(os.stat(source).st_mode):  # opening a named pipe would wait for a writer
        kind = "a folder" if os.path.isdir(source) else "no regular file"
        raise ValueError(kind + ("" if os.access(source, os.R_OK) else ", and permission denied"))
    return Image.open(source, formats=FORMATS)


def _explain(error: Exception, source: Source) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format" if _size(source) else "empty file"
    if isinstance(error, FileNotFoundError):
        return "broken link" if Path(str(source)).is_symlink() else "no such file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, Image.DecompressionBombError):
        return "far too many pixels"
    return str(error) or type(error).__name__


def _size(source: Source) -> int:
    return len(source) if isinstance(source, bytes) else os.stat(str(source)).st_size


def _to_gray(image: Image.Image) -> Image.Image:
    if image.mode[0] in "IF":  # I, I;16 and its byte orders, F
        return Image.fromarray(_scale(np.asarray(image)))
    if image.mode == "LAB":
        return image.getchannel("L")
    if not image.has_transparency_data:
        return image.convert("L")
    return _on_paper(image.convert("RGBA"))


def _scale(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Scale to 0 to 255 from the first usual range of the type that holds all values, else from their own."""
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise ValueError("its pixels are not all numbers")
    kind = values.dtype.kind if values.dtype.itemsize > 2 else "16-bit"
    usual = {"16-bit": (65535.0,), "i": (255.0, 65535.0), "f": (1.0, 255.0)}[kind]
    bottom, top = next(((0.0, top) for top in usual if low >= 0 and high <= top), (low, high))
    span = (top - bottom) or 1.0
    return np.rint((values.astype(np.float32) - bottom) * (255 / span)).astype(np.uint8)


def _on_paper(image: Image.Image) -> Image.Image:
    """Lay a picture with transparency on white or black.

    A drawing on nothing goes on the one that its ink stands out from, a picture with holes on the one more like it.
    """
    gray, alpha = image.convert("L"), image.getchannel("A")
    shown = np.asarray(alpha, np.float64)
    light = shown.any() and np.average(np.asarray(gray), weights=shown) > 127.5
    mostly_shown = shown.mean() > 127.5
    paper = Image.new("L", image.size, 255 if light == mostly_shown else 0)
    paper.paste(gray, mask=alpha)
    return paper
