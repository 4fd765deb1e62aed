"""Images in the forms in which they are sent."""

from __future__ import annotations

import io

import numpy as np
from classifiers import bar
from PIL import Image


def png(pixels: np.ndarray) -> bytes:
    """Return an image as a PNG file."""
    return encoded(Image.fromarray(pixels), "PNG")


def encoded(image: Image.Image, form: str) -> bytes:
    """Return an image as a file."""
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def floats(*labels: int) -> bytes:
    """Return bars as float32, normalised."""
    return b"".join((bar(label).astype("<f4") / 255 * 2 - 1).tobytes() for label in labels)


def form(*files: bytes, boundary: str = "frontier", field: str = "file") -> bytes:
    """Return files as multipart/form-data."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{index}.png"\r\n'
        "Content-Type: image/png\r\n\r\n".encode()
        + file
        + b"\r\n"
        for index, file in enumerate(files)
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def http(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a request as its bytes on the wire."""
    given = {"Host": "test", "Content-Length": str(len(body)), **{k.replace("_", "-"): v for k, v in headers.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body
