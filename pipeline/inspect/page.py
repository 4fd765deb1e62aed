"""Pictures made of small tiles: grids of them with captions, under headings, one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fluidline.files import atomic_file

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

Tile = npt.NDArray[np.uint8]  # [height, width, 3]

_WIDTH = 920  # pixels that a grid may take across
_MARGIN, _GAP, _BELOW = 20, 6, 26
_TITLE, _HEADING, _CAPTION = 20, 15, 12  # sizes of letters, pixels
_INK, _FAINT, _FRAME, _PAPER = (51, 51, 51), (107, 107, 107), (150, 150, 150), (255, 255, 255)
_POSITIVE, _NEGATIVE = np.array((42, 77, 136)), np.array((201, 84, 29))


def signed(values: npt.NDArray[np.float32], limit: float) -> Tile:
    """Return numbers [height, width] as colours: white for 0, blue up to `limit`, orange down to -`limit`."""
    share = np.clip(np.abs(values) / limit if limit else np.zeros_like(values), 0, 1)[..., None]
    color = np.where(values[..., None] > 0, _POSITIVE, _NEGATIVE)
    return (255 + (color - 255) * share).round().astype(np.uint8)


def scale_text(limit: float) -> str:
    """Return what the colours of `signed` mean."""
    return f"orange -{limit:.3g}, white 0, blue {limit:.3g}"


def gray(pixels: npt.NDArray[np.uint8]) -> Tile:
    """Return pixels [height, width] as colours."""
    return np.repeat(pixels[..., None], 3, axis=2)


def zoomed(tile: Tile, side: int) -> Tile:
    """Return a tile enlarged, each pixel to a square, so that its longer side has about `side` pixels."""
    factor = max(1, side // max(tile.shape[:2]))
    return tile.repeat(factor, axis=0).repeat(factor, axis=1)


def grid(tiles: Sequence[Tile], captions: Sequence[str] = (), columns: int | None = None) -> Image:
    """Return tiles of one size in rows, each above the lines of its caption; as many in a row as there is room for."""
    from PIL import Image, ImageDraw

    height, width = tiles[0].shape[:2]
    letters = font(_CAPTION)
    lines = [caption.split("\n") for caption in captions]
    across = max(width, *(int(letters.getlength(line)) for caption in lines for line in caption)) if lines else width
    below = max(map(len, lines)) * (_CAPTION + 3) + 2 if lines else 0
    columns = columns or max(1, min(len(tiles), _WIDTH // (across + _GAP)))
    rows = -(-len(tiles) // columns)
    size = (columns * (across + _GAP) + _GAP, rows * (height + below + _GAP) + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, tile in enumerate(tiles):
        x = _GAP + index % columns * (across + _GAP)
        y = _GAP + index // columns * (height + below + _GAP)
        left = x + (across - width) // 2
        draw.rectangle((left - 1, y - 1, left + width, y + height), outline=_FRAME)
        sheet.paste(Image.fromarray(tile), (left, y))
        for row, line in enumerate(lines[index] if lines else ()):
            place = (x + across / 2, y + height + 3 + row * (_CAPTION + 3))
            draw.text(place, line, fill=_INK, font=letters, anchor="ma")
    return sheet


def bars(values: Sequence[float], names: Sequence[str], width: int = 360) -> Image:
    """Return shares of 1 as bars, the name of each before it and its number behind it."""
    from PIL import Image, ImageDraw

    letters = font(_HEADING)
    left = int(max(map(letters.getlength, names))) + 8
    step = _HEADING + 7
    sheet = Image.new("RGB", (left + width + 70, step * len(values)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for row, (value, name) in enumerate(zip(values, names, strict=True)):
        middle = step * row + step / 2
        draw.text((left - 8, middle), name, fill=_INK, font=letters, anchor="rm")
        draw.rectangle((left, middle - 7, left + max(1, round(width * value)), middle + 7), fill=tuple(_POSITIVE))
        draw.text((left + width * value + 8, middle), f"{value:.2%}", fill=_FAINT, font=letters, anchor="lm")
    return sheet


def write_page(path: Path, title: str, sections: Sequence[tuple[str, Image]]) -> None:
    """Write a picture with a title, and below it sections, each a heading above an image."""
    from PIL import Image, ImageDraw

    words = [font(_TITLE).getlength(title), *(font(_HEADING).getlength(heading) for heading, _ in sections)]
    width = int(max(*words, *(image.width for _, image in sections))) + 2 * _MARGIN
    height = 2 * _MARGIN + _TITLE + sum(image.height + _HEADING + 2 * _BELOW - 8 for _, image in sections)
    page = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((_MARGIN, _MARGIN), title, fill=_INK, font=font(_TITLE))
    top = _MARGIN + _TITLE + _BELOW
    for heading, image in sections:
        draw.text((_MARGIN, top), heading, fill=_FAINT, font=font(_HEADING))
        page.paste(image, (_MARGIN, top + _HEADING + 8))
        top += image.height + _HEADING + 2 * _BELOW - 8
    with atomic_file(path) as part:
        page.save(part)


@cache
def font(size: float, bold: bool = False) -> FreeTypeFont:
    """Return the letters that matplotlib writes with, too; Pillow's own are Latin alone."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size)
