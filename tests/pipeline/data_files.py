"""Small data sets that the tests of the data sources write."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import numpy as np

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def digits(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images of noise in which every value from 0 to 255 occurs, uint8, with labels 0 to 9 in turn."""
    images = np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8)
    images[0].flat[:256] = np.arange(256)
    return images, np.arange(count) % 10


def idx_bytes(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_idx_set(folder: Path, train: int = 30, test: int = 20, suffix: str = "", dot: bool = False) -> Path:
    """Write the four files, gzipped where `suffix` is .gz, with a dot before 'idx' on request."""
    folder.mkdir(parents=True, exist_ok=True)
    (train_images, train_labels), (test_images, test_labels) = digits(train), digits(test, seed=1)
    arrays = (train_images, train_labels, test_images, test_labels)
    for name, array in zip((TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS), arrays, strict=True):
        content = idx_bytes(array)
        path = folder / ((name.replace("-idx", ".idx") if dot else name) + suffix)
        path.write_bytes(gzip.compress(content) if suffix == ".gz" else content)
    return folder


def json_parts(scale: float = 1 / 255, shift: float = 0.0, counts: tuple[int, ...] = (12, 11, 10)) -> list:
    """The parts of a mnist.json: pixel * scale + shift."""
    parts = []
    for seed, count in enumerate(counts):
        images, labels = digits(count, seed)
        parts.append([(images.reshape(count, 784) * scale + shift).tolist(), labels.tolist()])
    return parts


def write_json(path: Path, value: object, **how: object) -> Path:
    """Write JSON, gzipped where the name ends with .gz."""
    text = json.dumps(value, **how).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path
