"""The forms in which images and rows of tables come, told by Content-Type, and what each holds.

image/*                       one image file
multipart/form-data           image files in fields `file`
application/octet-stream      float32, little-endian, as the model takes them: n x 1 x 28 x 28 say
application/json              {"pixels": numbers 0 to 255} or {"features": numbers of a table's row}, as the model has it,
                              or {"tensor": floats as the model takes them}
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from typing import Annotated, Any, NamedTuple

import msgspec
import multipart  # type: ignore[import-untyped]
import numpy as np
import orjson
from msgspec import Meta

from export.kind import Images, Table
from export.model import Model
from export.serving.errors import RequestError, malformed, too_large, unprocessable


class Numbers(NamedTuple):
    """Images or rows as numbers: float32 as the model takes them, or uint8 where `are_pixels`."""

    data: bytes
    are_pixels: bool
    length: int


class JsonImages(msgspec.Struct, forbid_unknown_fields=True, rename={"raw": "pixels"}):
    """Images as JSON: either `pixels` or `tensor`."""

    raw: Annotated[list[Any] | None, Meta(description="numbers from 0 to 255, light ink on dark")] = None
    tensor: Annotated[list[Any] | None, Meta(description="numbers as the model takes them")] = None


class JsonRows(msgspec.Struct, forbid_unknown_fields=True, rename={"raw": "features"}):
    """Rows of a table as JSON: either `features` or `tensor`."""

    raw: Annotated[list[Any] | None, Meta(description="numbers as they stand in the table")] = None
    tensor: Annotated[list[Any] | None, Meta(description="numbers as the model takes them")] = None


_FORMS: dict[type, type[JsonImages | JsonRows]] = {Images: JsonImages, Table: JsonRows}


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


def read_floats(body: bytes, model: Model, max_images: int) -> Numbers:
    """Return what an octet-stream holds. Raises RequestError, 413 or 422, where it is not whole images or too many."""
    size = 4 * math.prod(model.shape)
    count, rest = divmod(len(body), size)
    if rest or not count:
        shape = " x ".join(map(str, model.shape))
        raise unprocessable(
            f"{len(body)} bytes are not a number of inputs of {size}",
            f"send float32, little-endian, as the model takes them, n x {shape}",
        )
    if count > max_images:
        raise _too_many(max_images)
    return Numbers(body, False, count)


def read_json(body: bytes, takes: Images | Table, max_images: int) -> Numbers:
    """Return what a JSON body holds. Raises RequestError, 400, 413 or 422, where it is not what the model takes."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(f"the body is not JSON: {error}", _form_of(takes)) from error
    try:
        given = msgspec.convert(value, _FORMS[type(takes)])
    except msgspec.ValidationError as error:
        raise unprocessable(str(error), _form_of(takes)) from error
    numbers = given.tensor if given.raw is None else given.raw
    if numbers is None or (given.raw is not None and given.tensor is not None):
        raise unprocessable(f"either {_raw_name(takes)} or tensor is needed", _form_of(takes))
    if b"true" in body or b"false" in body:  # which Python takes for numbers
        raise unprocessable("true and false are no numbers", _shapes_of(takes))
    flat = _flat(numbers, takes, max_images)
    try:
        if given.raw is None:
            return Numbers(_packed(flat), False, len(flat))
        return _pixels(flat, takes) if isinstance(takes, Images) else _features(flat, takes)
    except (struct.error, OverflowError, TypeError, ValueError) as error:
        raise unprocessable(f"not all are numbers in range: {error}", _shapes_of(takes)) from error


def _packed(flat: list[list[Any]], kind: str = "f") -> bytes:
    pack = _packer(len(flat[0]), kind)
    return b"".join([pack(*row) for row in flat])


@lru_cache
def _packer(count: int, kind: str) -> Callable[..., bytes]:
    return struct.Struct(f"<{count}{kind}").pack


def _pixels(flat: list[list[Any]], takes: Images) -> Numbers:
    try:
        return Numbers(b"".join(map(bytes, flat)), True, len(flat))
    except (TypeError, ValueError):  # not all are whole numbers
        values = np.frombuffer(_packed(flat), "<f4")
    if not (values.min() >= 0 and values.max() <= 255):
        raise ValueError("pixels are from 0 to 255")
    return Numbers(takes.normalise(values).tobytes(), False, len(flat))


def _features(flat: list[list[Any]], takes: Table) -> Numbers:
    rows = np.frombuffer(_packed(flat, "d"), "<f8").reshape(-1, takes.count)
    return Numbers(takes.normalise(rows).tobytes(), False, len(flat))


def _flat(numbers: list[Any], takes: Images | Table, max_images: int) -> list[list[Any]]:
    """Return the images or rows as lists of numbers, of any of the ways in which they may be nested."""
    one = _flat_item(numbers, takes)
    if one is not None:
        return [one]
    if len(numbers) > max_images and isinstance(numbers[0], list):
        raise _too_many(max_images)
    items = [_flat_item(item, takes) if isinstance(item, list) else None for item in numbers]
    flat = [item for item in items if item is not None]
    if not flat or len(flat) < len(items):
        what = "images" if isinstance(takes, Images) else "rows"
        raise unprocessable(f"{len(numbers)} items that are not all {what}", _shapes_of(takes))
    return flat


def _flat_item(item: list[Any], takes: Images | Table) -> list[Any] | None:
    while len(item) == 1 and isinstance(item[0], list):
        item = item[0]
    if len(item) == takes.count and not isinstance(item[0], list):
        return item
    if isinstance(takes, Table):
        return None
    height, width = takes.size
    if len(item) == height and all(isinstance(row, list) and len(row) == width for row in item):
        return list(chain.from_iterable(item))
    return None


def _raw_name(takes: Images | Table) -> str:
    return "pixels" if isinstance(takes, Images) else "features"


def _form_of(takes: Images | Table) -> str:
    return f'send {{"{_raw_name(takes)}": [{takes.count} numbers]}} or {{"tensor": ...}}'


def _shapes_of(takes: Images | Table) -> str:
    if isinstance(takes, Table):
        return f"a row is {takes.count} numbers, several are a list of them"
    height, width = takes.size
    return f"one image is {takes.count} numbers or {height} rows of {width}, several are a list of them"


def _too_many(limit: int) -> RequestError:
    return too_large(f"more than {limit} images or rows in a request", "send them in several (or raise --max-images)")
