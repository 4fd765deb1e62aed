"""`paddle.dataset` as 1.8 had it: without deprecation warnings, and with data of the user's own.

`$MNIST_DIR` and `$UCI_HOUSING_DIR` name folders with the files that Paddle would download, MNIST's gzipped or not. What
they hold is taken as it is, so that any set of the same format can stand in.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from paddle.dataset import common

_LOCAL = ("mnist", "uci_housing")
_download = common.download

EXPORTS = {
    "cifar": ["train100", "test100", "train10", "test10"],
    "common": ["DATA_HOME", "download", "md5file", "split", "cluster_files_reader"],
    "conll05": ["test", "get_dict", "get_embedding"],
    "flowers": ["train", "test", "valid"],
    "image": [
        *("load_image_bytes", "load_image", "resize_short", "to_chw", "center_crop", "random_crop"),
        *("left_right_flip", "simple_transform", "load_and_transform", "batch_images_from_tar"),
    ],
    "imdb": ["build_dict", "train", "test"],
    "imikolov": ["train", "test", "build_dict"],
    "mnist": ["train", "test"],
    "movielens": [
        *("train", "test", "get_movie_title_dict", "max_movie_id", "max_user_id", "age_table", "movie_categories"),
        *("max_job_id", "user_info", "movie_info"),
    ],
    "uci_housing": ["train", "test"],
    "voc2012": ["train", "test", "val"],
    "wmt14": ["train", "test", "get_dict"],
    "wmt16": ["train", "test", "validation", "fetch", "get_dict"],
}
"""What `from paddle.dataset.X import *` gives; 2.6 emptied these lists."""


def changes() -> Iterator[tuple[Any, str, Any]]:
    """Yield (object, attribute, value) for all that makes 2.6's paddle.dataset 1.8's."""
    yield paddle.dataset, "__all__", [name for name in EXPORTS if name != "common"]
    yield common, "download", download
    yield paddle.dataset.mnist, "reader_creator", reader_creator
    for name, exports in EXPORTS.items():
        module = getattr(paddle.dataset, name)
        yield module, "__all__", exports
        for attribute, value in list(vars(module).items()):
            if original := getattr(value, "__wrapped__", None):  # without the decorator that warns
                yield module, attribute, original


def download(url: str, module_name: str, md5sum: str, save_name: str | None = None) -> str:
    """Return the path of a data set's file: from the user's folder, from Paddle's cache, or downloaded into that.

    Raises:
        FileNotFoundError: the user's folder does not hold the file.
        RuntimeError: it is nowhere, and cannot be downloaded.
    """
    name = save_name or url.split("/")[-1]
    variable = f"{module_name.upper()}_DIR"
    if module_name not in _LOCAL:
        return _download(url, module_name, md5sum, save_name)
    if folder := os.environ.get(variable):
        return str(_local_file(Path(folder), name, variable))
    try:
        return _download(url, module_name, md5sum, save_name)
    except RuntimeError as error:
        raise RuntimeError(f"{error}; name a folder that holds {name} in ${variable}") from error


def reader_creator(
    image_filename: str, label_filename: str, buffer_size: int
) -> Callable[[], Iterator[tuple[np.ndarray, int]]]:
    """Return a reader of (float32 [784] in [-1, 1], int) over a pair of IDX files, gzipped or not.

    Args:
        buffer_size: images that are converted at a time.
    """

    def reader() -> Iterator[tuple[np.ndarray, int]]:
        images, labels = _read_idx(image_filename), _read_idx(label_filename)
        pixels = images.reshape(len(labels), -1)
        for start in range(0, len(labels), buffer_size):
            batch = pixels[start : start + buffer_size].astype("float32") / 255.0 * 2.0 - 1.0
            yield from zip(batch, labels[start : start + buffer_size].tolist(), strict=True)

    return reader


def _local_file(folder: Path, name: str, variable: str) -> Path:
    for path in (folder / name, folder / name.removesuffix(".gz")):
        if path.is_file():
            return path
    raise FileNotFoundError(f"{folder} (${variable}) holds no {name}; put it there, or unset ${variable}")


def _read_idx(path: str) -> np.ndarray:
    raw = Path(path).read_bytes()
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is not an IDX file of bytes; get it again")
    header = 4 + 4 * raw[3]
    shape = np.frombuffer(raw[4:header], ">u4")
    if len(raw) - header != shape.prod():
        raise ValueError(f"{path} holds {len(raw) - header} bytes for {shape.prod()} values; get it again")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)
