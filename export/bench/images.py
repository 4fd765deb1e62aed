"""The images that all backends are given: of the run's own data where it is at hand, else drawn here."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from fluidline.errors import FluidlineError
from fluidline.runs import RunFolder

Pixels = npt.NDArray[np.uint8]

_SIDE = 28
_SEED = 28


def choose_images(run: RunFolder, train: dict[str, Any], count: int) -> tuple[npt.NDArray[np.float32], str]:
    """Return `count` images as the model takes them, and where they come from in words.

    `train` is the manifest's entry: its preprocessing and input shape are applied. Fewer images are repeated.
    """
    own = _test_images(run, train["data"])
    pixels, source = (_draw(count), "drawn digits (the run's data is not at hand)") if own is None else own
    pixels = np.resize(pixels[:count], (count, *pixels.shape[1:]))
    preprocessing = train["preprocessing"]
    images = pixels * np.float32(preprocessing["scale"]) + np.float32(preprocessing["shift"])
    return images.reshape(count, *train["input"]["shape"]), source


def _test_images(run: RunFolder, source: str) -> tuple[Pixels, str] | None:
    """Return the test images that the run was trained beside, None where that data is not there, or not the same."""
    try:
        spec = json.loads(run.config.read_text(encoding="utf-8"))["data"]
        from pipeline.data import load

        dataset = load(spec)
    except (FluidlineError, OSError, ValueError, KeyError):
        return None
    return (dataset.test.images, f"test images of {source}") if dataset.source == source else None


def _draw(count: int) -> Pixels:
    """Return digits 0 to 9 over and over, each in another place, uint8 [count, 28, 28]; always the same ones."""
    from PIL import Image, ImageDraw, ImageFont

    random = np.random.default_rng(_SEED)
    font = ImageFont.load_default(size=22)
    images = []
    for index in range(count):
        image = Image.new("L", (_SIDE, _SIDE))
        place = _SIDE / 2 + random.uniform(-3, 3, 2)
        ImageDraw.Draw(image).text(tuple(place), str(index % 10), fill=255, font=font, anchor="mm")
        images.append(np.asarray(image))
    return np.stack(images)
