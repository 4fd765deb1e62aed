"""The forms in which images come, told by Content-Type, and what each holds.

image/*                       one image file
multipart/form-data           image files in fields `file`
application/octet-stream      float32, little-endian, as the model takes them: n x 1 x 28 x 28
application/json              {"pixels": numbers 0 to 255} or {"tensor": floats as the model takes them}
"""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import chain
from typing import Annotated, Any, NamedTuple

import msgspec
import multipart  # type: ignore[import-untyped]
import numpy as np
import orjson
from msgspec import Meta

from export.model import SIDE, Model
from export.serving.batching import FLOAT_BYTES, PIXELS
from export.serving.errors import RequestError, malformed, too_large, unprocessable

_SHAPES = "one image is 784 numbers or 28 rows of 28, several are a list of them"
_pack_floats = struct.Struct(f"<{PIXELS}f").pack


class Numbers(NamedTuple):
    """Images as numbers: float32 as the model takes them, or uint8 where `are_pixels`."""

    data: bytes
    are_pixels: bool
    length: int


class JsonImages(msgspec.Struct, forbid_unknown_fields=True):
    """Images as JSON: either `pixels` or `tensor`."""

    pixels: Annotated[list[Any] | None, Meta(description=f"numbers from 0 to 255, light ink on dark: {_SHAPES}")] = None
    tensor: Annotated[
        list[Any] | None, Meta(description=f"numbers as the model takes them, from -1 to 1: {_SHAPES}")
    ] = None


@lru_cache(maxsize=256)
def media_type(header: bytes) -> tuple[str, dict[str, str]]:
    """Return a Content-Type in lower case and its parameters."""
    kind, parameters = multipart.parse_options_header(header.decode("latin-1"))
    return kind, parameters


def check_encoding(headers: dict[bytes, bytes]) -> None:
    """Raise RequestError, 415, where the body is compressed."""
    if b"content-encoding" in headers:
        raise RequestError(415, "unsupported_media_type", "the body is compressed", "send it as it is")


def read_multipart(body: bytes, boundary: str, max_files: int) -> list[bytes]:
    """Return the contents of the fields `file`. Raises RequestError, 400, 413 or 422, where there are none or too many."""
    files: list[bytearray] = []
    current: bytearray | None = None
    try:
        with multipart.PushMultipartParser(boundary, len(body), max_segment_count=max_files + 16) as parser:
            for event in parser.parse(body):
                if isinstance(event, multipart.MultipartSegment):
                    current = bytearray() if event.name == "file" else None
                    if current is not None:
                        files.append(current)
                elif event is not None and current is not None:
                    current += event
    except multipart.ParserLimitReached as error:
        raise _too_many(max_files) from error
    except multipart.MultipartError as error:
        raise malformed(
            f"the multipart body cannot be read: {error}", "send it as curl -F file=@digit.png does"
        ) from error
    if not files:
        raise unprocessable("no field named file in the form", "send it as curl -F file=@digit.png does")
    if len(files) > max_files:
        raise _too_many(max_files)
    return list(map(bytes, files))


def read_floats(body: bytes, max_images: int) -> Numbers:
    """Return what an octet-stream holds. Raises RequestError, 413 or 422, where it is not whole images or too many."""
    count, rest = divmod(len(body), FLOAT_BYTES)
    if rest or not count:
        raise unprocessable(
            f"{len(body)} bytes are not a number of images of {FLOAT_BYTES}",
            "send float32, little-endian, normalised to [-1, 1], n x 1 x 28 x 28",
        )
    if count > max_images:
        raise _too_many(max_images)
    return Numbers(body, False, count)


def read_json(body: bytes, model: Model, max_images: int) -> Numbers:
    """Return what a JSON body holds. Raises RequestError, 400, 413 or 422, where it is not `JsonImages`."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(
            f"the body is not JSON: {error}", 'send {"pixels": [784 numbers]} or {"tensor": ...}'
        ) from error
    try:
        images = msgspec.convert(value, JsonImages)
    except msgspec.ValidationError as error:
        raise unprocessable(str(error), 'send {"pixels": [784 numbers]} or {"tensor": ...}') from error
    if (images.pixels is None) == (images.tensor is None):
        raise unprocessable("either pixels or tensor is needed", 'send {"pixels": [784 numbers]} or {"tensor": ...}')
    if b"true" in body or b"false" in body:  # which Python takes for numbers
        raise unprocessable("true and false are no numbers", _SHAPES)
    numbers = images.tensor if images.pixels is None else images.pixels
    assert numbers is not None
    flat = _flat_images(numbers, max_images)
    try:
        if images.pixels is None:
            return Numbers(b"".join(_pack_floats(*image) for image in flat), False, len(flat))
        return _pixels(flat, model)
    except (struct.error, OverflowError, TypeError, ValueError) as error:
        raise unprocessable(f"not all are numbers in range: {error}", _SHAPES) from error


def _pixels(flat: list[list[Any]], model: Model) -> Numbers:
    try:
        return Numbers(b"".join(map(bytes, flat)), True, len(flat))
    except (TypeError, ValueError):  # not all are whole numbers
        packed = b"".join(_pack_floats(*image) for image in flat)
    values = np.frombuffer(packed, "<f4")
    if not (values.min() >= 0 and values.max() <= 255):
        raise ValueError("pixels are from 0 to 255")
    return Numbers(model.normalise(values).tobytes(), False, len(flat))


def _flat_images(numbers: list[Any], max_images: int) -> list[list[Any]]:
    """Return the images as lists of 784, of any of the ways in which they may be nested."""
    one = _flat_image(numbers)
    if one is not None:
        return [one]
    if len(numbers) > max_images and isinstance(numbers[0], list):
        raise _too_many(max_images)
    images = [_flat_image(image) if isinstance(image, list) else None for image in numbers]
    flat = [image for image in images if image is not None]
    if not flat or len(flat) < len(images):
        raise unprocessable(f"{len(numbers)} items that are not all images", _SHAPES)
    return flat


def _flat_image(image: list[Any]) -> list[Any] | None:
    while len(image) == 1 and isinstance(image[0], list):
        image = image[0]
    if len(image) == PIXELS and not isinstance(image[0], list):
        return image
    if len(image) == SIDE and all(isinstance(row, list) and len(row) == SIDE for row in image):
        return list(chain.from_iterable(image))
    return None


def _too_many(limit: int) -> RequestError:
    return too_large(f"more than {limit} images in a request", "send them in several (or raise --max-images)")
