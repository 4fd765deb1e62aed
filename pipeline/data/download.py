"""MNIST from where paddle.dataset.mnist has it, into Paddle's own cache."""

from __future__ import annotations

import hashlib
import http.client
import logging
import threading
import time
import urllib.error
import urllib.request
import zlib
from concurrent.futures import Future
from pathlib import Path

from fluidline.errors import DataError
from fluidline.files import atomic_file
from pipeline.data.idx import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS

URL_PREFIX = "https://dataset.bj.bcebos.com/mnist/"  # of paddle.dataset.mnist 2.6
PATIENCE = 4.0  # seconds for an answer to begin, and for each piece of it
LIMIT = 120.0  # seconds for all of it

# Size and SHA-256 of each file unpacked: copies in circulation differ in their gzip headers.
CONTENTS = {
    TRAIN_IMAGES: (47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    TRAIN_LABELS: (60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    TEST_IMAGES: (7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    TEST_LABELS: (10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
}
_LARGEST = 1 << 24  # bytes of a file as it is sent

log = logging.getLogger(__name__)


def download_mnist(folder: Path) -> None:
    """Download the four files into `folder`, each verified, and whole or not at all.

    Raises DataError where no answer comes in a few seconds or what comes is not MNIST, and FluidlineError where
    `folder` cannot be written.
    """
    log.info("data: downloading MNIST (11 MB) from %s to %s", URL_PREFIX, folder)
    deadline = time.monotonic() + LIMIT
    for name in CONTENTS:
        url = f"{URL_PREFIX}{name}.gz"
        packed = _get(url, deadline)
        _verify(url, packed, *CONTENTS[name])
        with atomic_file(folder / f"{name}.gz") as part:
            part.write_bytes(packed)


def _get(url: str, deadline: float) -> bytes:
    content = bytearray()
    try:
        with _open(url) as answer:
            while piece := answer.read1(_LARGEST):  # what is there: a slow sender must not outlast the deadline
                content += piece
                if len(content) > _LARGEST:
                    raise DataError(f"{url} sends more than the {_LARGEST >> 20} MB that can be MNIST")
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not done in {LIMIT:g} seconds")
    except urllib.error.HTTPError as error:
        error.close()  # it is an answer too
        raise DataError(f"cannot download {url}: {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(f"cannot download {url}: {str(reason) or 'no answer'}") from error
    return bytes(content)


def _open(url: str) -> http.client.HTTPResponse:
    """Open `url`, giving up in time: a socket's own timeout does not cover the look-up of the host's name."""
    answer: Future[http.client.HTTPResponse] = Future()

    def run() -> None:
        try:
            answer.set_result(urllib.request.urlopen(url, timeout=PATIENCE))
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, name="download", daemon=True).start()
    return answer.result(timeout=PATIENCE + 1)


def _verify(url: str, packed: bytes, size: int, digest: str) -> None:
    try:
        content = zlib.decompressobj(wbits=31).decompress(packed, size + 1)  # never more than is right
    except zlib.error as error:
        raise DataError(f"{url} sent {len(packed):,} bytes that are no gzip file ({error})") from error
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise DataError(f"{url} sent something else than MNIST: its SHA-256, unpacked, is {found}, not {digest}")
