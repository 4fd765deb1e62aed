"""What goes into HTML pages that need no other file: text that cannot become markup, and pictures."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def escape(value: object) -> str:
    """Return a value as text in which nothing is markup; names of files need not be UTF-8."""
    return html.escape(str(value).encode("utf-8", "backslashreplace").decode())


def data_uri(image: Image, *, lossless: bool = True) -> str:
    """Return an image as the address of itself."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=lossless, quality=80)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
