"""From an image of any kind to what a model was trained on: 28x28 pixels, light ink on dark, as MNIST has them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from export.choices import MAX_PIXELS, POLARITIES
from export.reading.gray import Source, UnreadableImageError, read_gray
from export.reading.ink import SIDE, centred_digit, is_ink_dark, median_of_border

__all__ = ["MAX_PIXELS", "POLARITIES", "SIDE", "Source", "UnreadableImageError", "prepare"]


def prepare(
    source: Source,
    polarity: str = "auto",
    fit: bool = False,
    max_pixels: int = MAX_PIXELS,
    size: tuple[int, int] = (SIDE, SIDE),
) -> npt.NDArray[np.uint8]:
    """Return an image file, its bytes or an opened image as uint8 of `size`, height and width, light ink on dark.

    `polarity` is the ink's colour in the image: light as in MNIST, dark as on paper, or auto, to tell it by the border.
    A gray image of that size keeps its pixels; any other is padded to its proportions with its border's colour and
    resized. With `fit` the ink is cut out of its paper, scaled into 20x20 and centred by mass in 28x28, as MNIST's
    digits were, or in the same proportions in another size.
    Raises UnreadableImageError where `source` is no readable image, has more than `max_pixels`, or, with `fit`, has no
    ink on it.
    """
    gray = read_gray(source, max_pixels)
    dark = None if polarity == "auto" else polarity == "dark"
    if fit:
        digit = centred_digit(gray, dark, size)
        if digit is None:
            raise UnreadableImageError("no ink found on it", source)
        return digit
    if dark or (dark is None and is_ink_dark(gray)):
        gray = ImageOps.invert(gray)
    return np.asarray(_resized(gray, *size))


def _resized(light: Image.Image, height: int, width: int) -> Image.Image:
    if light.size == (width, height):
        return light
    scale = max(light.width / width, light.height / height)
    padded = Image.new("L", (round(width * scale), round(height * scale)), round(median_of_border(light)))
    padded.paste(light, ((padded.width - light.width) // 2, (padded.height - light.height) // 2))
    return padded.resize((width, height), Image.Resampling.LANCZOS)
