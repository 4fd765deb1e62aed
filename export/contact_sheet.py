"""A page with the images that a model was least certain of: the file, what the model was given, and what it said."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from export.choices import MAX_PIXELS
from export.predictions import Prediction
from export.reading.gray import UnreadableImageError, read_gray
from export.reading.plain_png import SIZE
from fluidline.files import write_text
from fluidline.pages import data_uri, escape

LIMIT = 200  # images on the sheet, and as many failures: what is kept in memory, and what a browser shows at once
_THUMBNAIL = 112  # pixels, the longer side
_SMALL = 64  # pixels, the same: up to which nothing is lost in a picture

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Predictions</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.4 system-ui, sans-serif; margin: 1.5rem; }}
ul.images {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); gap: 1rem; padding: 0; }}
ul.images > li {{ list-style: none; border: 1px solid #8888; border-radius: .5rem; padding: .75rem; }}
figure {{ margin: 0; }}
.pictures {{ display: flex; gap: .5rem; height: 7rem; align-items: center; }}
.pictures img {{ max-height: 7rem; max-width: 7rem; image-rendering: pixelated; }}
.seen {{ width: 7rem; height: 7rem; }}
.summary {{ white-space: pre-line; }}
strong {{ font-size: 1.5rem; }}
.file {{ overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>Predictions</h1>
<p class="summary">{summary}</p>
<h2>{which}, the least certain first</h2>
<ul class="images">
{images}
</ul>
{failures}
</body>
</html>
"""
_IMAGE = """<li><figure><div class="pictures"><img src="{thumbnail}" alt="the image {file}"> \
<img class="seen" src="{seen}" alt="the {size} pixels that the model was given"></div>
<figcaption><strong>{label}</strong> with probability {probability}{others}<br><span class="file">{file}</span>\
</figcaption></figure></li>"""


class ContactSheet:
    """Collects predictions and writes the page: the LIMIT least certain, lowest first, and the first LIMIT failures."""

    def __init__(self, folder: str | Path, max_pixels: int = MAX_PIXELS, size: tuple[int, int] = SIZE) -> None:
        self._folder = Path(folder)
        self._height, self._width = size
        self._max_pixels = max_pixels
        self._images = 0
        self._failed: list[Prediction] = []
        self._failures = 0
        self._kept: list[tuple[float, int, Prediction, bytes]] = []  # a heap, the most certain on top

    def add(self, predictions: Sequence[Prediction], pixels: bytes) -> None:
        """Take the predictions of a batch and the n * height * width pixels that the model was given."""
        size = self._height * self._width
        for index, prediction in enumerate(predictions):
            self._add(prediction, pixels[index * size : (index + 1) * size])

    def _add(self, prediction: Prediction, pixels: bytes) -> None:
        if prediction.error:
            self._failures += 1
            if len(self._failed) < LIMIT:
                self._failed.append(prediction)
            return
        self._images += 1
        item = (-prediction.probabilities[0], -self._images, prediction, pixels)
        (heapq.heappush if len(self._kept) < LIMIT else heapq.heappushpop)(self._kept, item)

    def write(self, path: str | Path, summary: str) -> None:
        """Write the page, with `summary` as its introduction. Raises FluidlineError where it cannot be written."""
        kept = sorted(self._kept, reverse=True)
        which = "All images"
        if len(kept) < self._images:
            which = f"The {len(kept)} of {self._images} images with the lowest probability"
        images = "\n".join(self._figure(prediction, pixels) for _, _, prediction, pixels in kept)
        page = _PAGE.format(summary=escape(summary), which=which, images=images, failures=self._list_failures())
        write_text(path, page)

    def _figure(self, prediction: Prediction, pixels: bytes) -> str:
        ranked = list(zip(prediction.labels, prediction.probabilities, strict=True))
        others = "".join(f", {escape(label)} {probability:.4f}" for label, probability in ranked[1:])
        return _IMAGE.format(
            thumbnail=_data_uri(self._thumbnail(prediction)),
            seen=_data_uri(Image.frombytes("L", (self._width, self._height), pixels)),
            size=f"{self._width} by {self._height}",
            label=escape(prediction.labels[0]),
            probability=f"{prediction.probabilities[0]:.4f}",
            others=others,
            file=escape(prediction.name),
        )

    def _thumbnail(self, prediction: Prediction) -> Image.Image:
        try:
            image = read_gray(self._folder / prediction.name, self._max_pixels)
        except UnreadableImageError:  # it could be read before: removed or changed since
            image = Image.new("L", SIZE, 127)
        image.thumbnail((_THUMBNAIL, _THUMBNAIL))
        return image

    def _list_failures(self) -> str:
        if not self._failed:
            return ""
        items = "\n".join(f"<li>{escape(failure.name)}: {escape(failure.error)}</li>" for failure in self._failed)
        count = f"{self._failures}" + (f", the first {LIMIT}" if self._failures > LIMIT else "")
        return f'<h2>Files that could not be read ({count})</h2>\n<ul class="file">\n{items}\n</ul>'


def _data_uri(image: Image.Image) -> str:
    return data_uri(image, lossless=max(image.size) <= _SMALL)
