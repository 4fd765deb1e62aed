"""Digits that the project draws itself, in MNIST's manner, so that a first run needs no data and no network."""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from fluidline.errors import FluidlineError, UsageError
from fluidline.files import atomic_file
from fluidline.machine import cache_folder
from pipeline.data import glyphs, handwriting
from pipeline.data.dataset import SIDE, Dataset, Images, Labels, Split
from pipeline.data.glyphs import GLYPHS, Glyph
from pipeline.data.handwriting import write

BLOCK = 2500  # images drawn together; each block has a generator of its own, so blocks can be drawn in any order

log = logging.getLogger(__name__)


def dataset(seed: int = 0, train: int = 60000, test: int = 10000) -> Dataset:
    """Return a data set of drawn digits, the same every time for a seed and counts.

    It is kept under $XDG_CACHE_HOME or ~/.cache and drawn again when what is there is damaged; where nothing can be
    kept it is drawn each time. Raises UsageError where the seed or a count is negative.
    """
    counts = {"train": train, "test": test}
    kept = _cache_file(seed, counts)
    splits = _read(kept, counts)
    if splits is None:
        log.info("drawing %s digits (once: they are kept in %s)", f"{train + test:,}", kept.parent)
        splits = {split: Split(*draw(count, seed, split)) for split, count in counts.items()}
        _keep(kept, splits)
    return Dataset(
        source=f"built-in drawn digits (seed {seed})",
        train=splits["train"],
        test=splits["test"],
        valid=None,
        labels=tuple(str(digit) for digit in GLYPHS),
    )


def draw(count: int, seed: int, split: str) -> tuple[Images, Labels]:
    """Return drawn digits, uint8 [count, 28, 28], and what they are, int64 [count]; each split has its own.

    Raises UsageError where the count or the seed is negative.
    """
    if count < 0 or seed < 0:
        raise UsageError(f"cannot draw {count} digits with seed {seed} (both are whole numbers from 0 up)")
    images = np.empty((count, SIDE, SIDE), np.uint8)
    labels = np.empty(count, np.int64)

    def draw_block(start: int) -> None:
        block = slice(start, start + BLOCK)
        random = np.random.default_rng([seed, start, *split.encode()])
        labels[block] = random.integers(len(GLYPHS), size=len(labels[block]))
        images[block] = _write(labels[block], random)

    # Threads, not processes: NumPy does most of the work without holding the interpreter, and starting processes is
    # trouble where a framework has threads of its own.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(draw_block, range(0, count, BLOCK)))
    return images, labels


def _write(labels: Labels, random: np.random.Generator) -> Images:
    """Write each digit of labels [N] in one of its ways, taken as often as its weight says."""
    way = np.empty(len(labels), np.intp)
    every: list[Glyph] = []
    for digit, ways in GLYPHS.items():
        mine = np.flatnonzero(labels == digit)
        share = np.cumsum([glyph.weight for glyph in ways])
        way[mine] = len(every) + np.searchsorted(share, random.uniform(0, share[-1], len(mine)))
        every += ways
    return write(every, way, random)


def _cache_file(seed: int, counts: dict[str, int]) -> Path:
    """Return where the digits are kept: the name tells seed, counts, and the version of what draws them."""
    version = hashlib.sha256(np.__version__.encode())  # NumPy may change what its generators give
    for module in (glyphs.__file__, handwriting.__file__, __file__):
        version.update(Path(module).read_bytes())
    name = "-".join(["builtin", version.hexdigest()[:12], str(seed), *map(str, counts.values())])
    return cache_folder() / f"{name}.npz"


def _read(kept: Path, counts: dict[str, int]) -> dict[str, Split] | None:
    """Return the kept splits, or None where there are none or the checksum of an array is wrong."""
    try:
        with open(kept, "rb") as file, np.load(file) as arrays:
            splits = {split: Split(arrays[f"{split}_images"], arrays[f"{split}_labels"]) for split in counts}
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        log.warning("%s is damaged (%s); drawing its digits again", kept, error)
        return None
    return splits


def _keep(kept: Path, splits: dict[str, Split]) -> None:
    arrays: dict[str, Images | Labels] = {}
    for name, split in splits.items():
        arrays |= {f"{name}_images": split.images, f"{name}_labels": split.labels}
    try:
        with atomic_file(kept) as part:
            np.savez(part, **arrays)
    except FluidlineError as error:
        log.info("the drawn digits are not kept: %s", error)
