"""Image files on their way to pixels: the plainest at once, all others in a thread, so that nobody waits for a photo."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

from PIL import Image

from export.prepare import UnreadableImageError, prepare
from export.reading.gray import open_image, read_gray
from export.reading.plain_png import SIZE, decode_plain
from export.serving.errors import RequestError, busy, internal, too_large, unprocessable
from export.serving.settings import Settings

_THREADS = 2

log = logging.getLogger(__name__)


class Preparation(NamedTuple):
    """How an image becomes one of `size`, height and width: as `export.prepare.prepare` has it, or `raw`, as it is."""

    polarity: str = "auto"
    fit: bool = False
    raw: bool = False
    size: tuple[int, int] = SIZE

    @property
    def is_plain(self) -> bool:
        """Whether `decode_plain` may do it: the size is its own, and the ink is not cut out."""
        return (not self.fit or self.raw) and self.size == SIZE

    @property
    def expected_polarity(self) -> str:
        """The ink's colour, as far as it is known."""
        return "light" if self.raw else self.polarity


class _Asked(NamedTuple):
    files: Sequence[bytes]
    how: Preparation
    done: Callable[[bytes], None]
    fail: Callable[[RequestError], None]


class Decoder:
    """Turns image files into pixels, light ink on dark; keeps at most `max_queue` files waiting.

    What comes within one turn of the event loop is decoded in one go, which for plain images takes a fifth of the time.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(_THREADS, "decoder")
        self._asked: list[_Asked] = []
        self.waiting = 0

    def decode(
        self,
        files: Sequence[bytes],
        how: Preparation,
        done: Callable[[bytes], None],
        fail: Callable[[RequestError], None],
    ) -> None:
        """Call `done`, later, with the pixels, n * height * width bytes, or `fail` with the reason why there are none.

        Raises RequestError, 503, where too many wait already.
        """
        if self.waiting + len(files) > self._settings.max_queue:
            raise busy(f"{self.waiting} images wait to be read already")
        self.waiting += len(files)
        if not self._asked:
            self._loop.call_soon(self._turn)
        self._asked.append(_Asked(files, how, done, fail))

    def _turn(self) -> None:
        asked, self._asked = self._asked, []
        plain: dict[str, list[bytes]] = {}
        for files, how, _, _ in asked:
            if how.is_plain:
                plain.setdefault(how.expected_polarity, []).extend(files)
        decoded = {polarity: iter(decode_plain(files, polarity)) for polarity, files in plain.items()}
        for one in asked:
            count = len(one.files)
            images = list(islice(decoded[one.how.expected_polarity], count)) if one.how.is_plain else [None] * count
            ready = [image for image in images if image is not None]
            if len(ready) == count:
                self._hand_over(one, b"".join(ready))
            else:
                self._read_in_thread(one, images)

    def _read_in_thread(self, asked: _Asked, images: Sequence[bytes | None]) -> None:
        def take(future: asyncio.Future[bytes]) -> None:
            error = future.exception()
            if error is None:
                self._hand_over(asked, future.result())
                return
            self.waiting -= len(asked.files)
            if not isinstance(error, RequestError):
                log.error("an image could not be prepared", exc_info=error)
                error = internal()
            asked.fail(error)

        latest = time.perf_counter() + self._settings.timeout
        future = self._loop.run_in_executor(self._threads, self._prepare, asked.files, images, asked.how, latest)
        future.add_done_callback(take)

    def _hand_over(self, asked: _Asked, pixels: bytes) -> None:
        self.waiting -= len(asked.files)
        try:
            asked.done(pixels)
        except RequestError as error:
            asked.fail(error)

    def _prepare(
        self, files: Sequence[bytes], images: Sequence[bytes | None], how: Preparation, latest: float
    ) -> bytes:
        pixels = []
        for index, (data, image) in enumerate(zip(files, images, strict=True)):
            if time.perf_counter() > latest:
                raise busy("the images have waited too long to be read")
            try:
                pixels.append(image or read(data, how, self._settings.max_pixels))
            except RequestError as error:
                if len(files) > 1:
                    error.message = f"image {index + 1} of {len(files)}: {error.message}"
                raise
        return b"".join(pixels)


def read(data: bytes, how: Preparation, max_pixels: int) -> bytes:
    """Return the pixels of an image file. Raises RequestError, 413 or 422, where it cannot be had."""
    try:
        with open_image(data, sys.maxsize) as image:
            size = image.width * image.height
    except UnreadableImageError as error:
        if isinstance(error.__cause__, Image.DecompressionBombError):
            raise _too_many_pixels(max_pixels) from error
        raise _unreadable(error) from error
    if size > max_pixels:
        raise _too_many_pixels(max_pixels)
    try:
        if not how.raw:
            return prepare(data, how.polarity, how.fit, max_pixels, how.size).tobytes()
        gray = read_gray(data, max_pixels)
    except UnreadableImageError as error:
        raise _unreadable(error) from error
    height, width = how.size
    if gray.size != (width, height):
        raise unprocessable(
            f"a raw image of {gray.width} x {gray.height}", f"send {width} x {height}, or leave out raw=1"
        )
    return gray.tobytes()


def _unreadable(error: UnreadableImageError) -> RequestError:
    return unprocessable(f"not a readable image: {error.reason}", "send a PNG, JPEG or another common format")


def _too_many_pixels(limit: int) -> RequestError:
    return too_large(f"the image has more than {limit} pixels", "scale it down (or raise --max-pixels)")
