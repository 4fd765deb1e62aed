"""A process that reads image files for `export.reading.readers`, which starts it.

On stdin it gets, pickled, its Settings and then lists of file names; for each list it answers on stdout with the pixels
and the reasons of the files that could not be read. It ends when stdin does, so it never outlives its parent.
"""

from __future__ import annotations

import os
import pickle
import sys
import warnings
from typing import BinaryIO

from export.reading.messages import Answer, Settings
from export.reading.plain_png import SIZE, read_plain


def read_batch(names: list[str], settings: Settings) -> Answer:
    """Read a batch of files of `settings.folder`."""
    paths = [os.path.join(settings.folder, name) for name in names]
    plain = settings.size == SIZE and not settings.fit
    images = read_plain(paths, settings.polarity) if plain else [None] * len(paths)
    failures: dict[int, str] = {}
    pixels = []
    for index, image in enumerate(images):
        if image is None:
            image, failures[index] = _read_carefully(paths[index], settings)
        pixels.append(image)
    return Answer(b"".join(pixels), {index: reason for index, reason in failures.items() if reason})


def _read_carefully(path: str, settings: Settings) -> tuple[bytes, str]:
    from export.prepare import UnreadableImageError, prepare  # with numpy, which plain files can do without

    try:
        return prepare(path, settings.polarity, settings.fit, settings.max_pixels, settings.size).tobytes(), ""
    except UnreadableImageError as error:
        return bytes(settings.size[0] * settings.size[1]), error.reason


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    settings = pickle.load(requests)
    while True:
        try:
            names = pickle.load(requests)
        except EOFError:
            return
        pickle.dump(read_batch(names, settings), answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


def main() -> None:
    """Serve until stdin ends or nobody reads stdout any more."""
    warnings.simplefilter("ignore")  # of decoders, on what is odd about a file: failures are in the answers
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a decoder might print must not get between the answers
    try:
        _serve(sys.stdin.buffer, answers)
        answers.close()
    except BrokenPipeError:
        os._exit(0)  # the parent is gone: without another try to flush
