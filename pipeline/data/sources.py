"""Where data comes from, and in what order it is looked for."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from fluidline.errors import DataError, FluidlineError
from pipeline.data.dataset import Dataset
from pipeline.data.files import listing
from pipeline.data.idx import NAMES as IDX_NAMES
from pipeline.data.idx import find_idx, read_idx_folder
from pipeline.data.mnist_json import NAMES as JSON_NAMES
from pipeline.data.mnist_json import read_mnist_json
from pipeline.data.table import SUFFIXES as TABLE_SUFFIXES
from pipeline.data.table import read_table

BUILTIN = "builtin"
MNIST_DIR = "MNIST_DIR"

log = logging.getLogger(__name__)


def load(spec: str | os.PathLike[str] | None = None, seed: int = 0) -> Dataset:
    """Load a data set and log which one it is.

    `spec` is a folder of IDX files, of `mnist.json.gz`, or of images with a sub-folder for each class; such a JSON file;
    such a folder and one of several IDX sets in it, as in 'gzip/emnist-letters'; a table of numbers; or 'builtin'. Without
    it, the first of these is taken: the folder that $MNIST_DIR names, Paddle's own cache, a download into that, the
    built-in digits. `seed` divides a folder of images into train and test, and draws the built-in digits.

    Raises DataError where what was named, by `spec` or by $MNIST_DIR, is missing or damaged: nothing takes its place.
    """
    dataset = _find(seed) if spec is None or spec == "" else _read_named(spec, seed)
    valid = f", {len(dataset.valid)} valid" if dataset.valid else ""
    log.info("data: %s (%d train%s, %d test)", dataset.source, len(dataset.train), valid, len(dataset.test))
    return dataset


def paddle_cache() -> Path:
    """Return the folder where paddle.dataset.mnist keeps its files."""
    return Path.home() / ".cache" / "paddle" / "dataset" / "mnist"


def _read_named(spec: str | os.PathLike[str], seed: int) -> Dataset:
    if spec == BUILTIN:
        return _builtin(seed)
    try:
        return _read(Path(spec).expanduser(), seed)
    except OSError as error:
        raise DataError(f"cannot read {spec}: {error.strerror or error}") from error


def _find(seed: int) -> Dataset:
    if named := os.environ.get(MNIST_DIR):
        try:
            return _read_named(named, seed)
        except DataError as error:
            raise DataError(f"{error} (${MNIST_DIR} names it; set that right, or unset it)") from error
    return _cached() or _downloaded() or _builtin(seed)


def _cached() -> Dataset | None:
    if len(find_idx(paddle_cache()).get("", ())) < len(IDX_NAMES):
        return None
    try:
        return read_idx_folder(paddle_cache())
    except DataError as error:
        log.warning("data: Paddle's cache is of no use: %s", error)
        return None


def _downloaded() -> Dataset | None:
    from pipeline.data.download import download_mnist

    try:
        download_mnist(paddle_cache())
        return read_idx_folder(paddle_cache())
    except FluidlineError as error:
        log.warning("data: no MNIST, so the built-in digits (%s)", error)
        return None


def _builtin(seed: int) -> Dataset:
    from pipeline.data import builtin

    return builtin.dataset(seed)


def _read(path: Path, seed: int) -> Dataset:
    """Read what is at `path`, by what it looks like."""
    if path.is_file() and path.name.endswith((".json", ".json.gz")):
        return read_mnist_json(path)
    if path.is_file() and path.suffix in TABLE_SUFFIXES:
        return read_table(path)
    if not path.exists() and path.name in find_idx(path.parent):
        return read_idx_folder(path.parent, path.name)
    if not path.is_dir():
        found = "is a file of another kind" if path.exists() else "is not there"
        raise DataError(
            f"no data: {path} {found} (give a folder of MNIST's IDX files, of {JSON_NAMES[0]} or of images with a"
            f" sub-folder for each class, a table of numbers *{' or *'.join(TABLE_SUFFIXES)}, or '{BUILTIN}' for drawn"
            " digits)"
        )
    if find_idx(path):
        return read_idx_folder(path)
    for name in JSON_NAMES:
        if (path / name).is_file():
            return read_mnist_json(path / name)

    from pipeline.data.images import class_folders, read_image_folder  # brings pillow

    if class_folders(path):
        return read_image_folder(path, seed)
    raise DataError(
        f"{path} holds no data, found {listing(path)} (needed: the four IDX files {', '.join(IDX_NAMES)}, with or"
        f" without .gz; or {JSON_NAMES[0]}; or a sub-folder of images for each class)"
    )
