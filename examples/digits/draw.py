"""Draw a few digits in the three forms that tutorials read: `python -m examples.digits.draw work`."""

from __future__ import annotations

import gzip
import json
import struct
import sys
from pathlib import Path

import click
import numpy as np
from PIL import Image

from fluidline.cli import main
from fluidline.files import atomic_folder
from pipeline.data.builtin import draw

PARTS = {"train": 2000, "valid": 500, "test": 500}
IDX = {"train": "train", "test": "t10k"}  # the parts that MNIST's own files have, and what they are called there


def write_digits(folder: Path, seed: int = 0) -> None:
    """Write drawn digits as the tutorials' mnist.json.gz, as MNIST's IDX files in mnist/, and the last of the parts,
    which nothing learns from, as PNG files in images/, a folder for each class.
    """
    parts = {part: draw(count, seed, part) for part, count in PARTS.items()}
    with atomic_folder(folder) as new:
        lists = [[_as_lists(images), labels.tolist()] for images, labels in parts.values()]
        with gzip.open(new / "mnist.json.gz", "wt", compresslevel=1) as file:
            file.write(json.dumps(lists))
        (new / "mnist").mkdir()
        for part, name in IDX.items():
            images, labels = parts[part]
            _write_idx(new / "mnist" / f"{name}-images-idx3-ubyte", images)
            _write_idx(new / "mnist" / f"{name}-labels-idx1-ubyte", labels.astype(np.uint8))
        for index, (image, label) in enumerate(zip(*parts["test"], strict=True)):
            place = new / "images" / str(label)
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{index:03d}.png")


def _as_lists(images: np.ndarray) -> list[list[float]]:
    """Return pixels from -1 to 1, 784 of an image, rounded so that they are short to write."""
    return (images.reshape(len(images), -1) / 127.5 - 1).round(3).tolist()


def _write_idx(path: Path, array: np.ndarray) -> None:
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Draws other digits.")
def command(folder: Path, seed: int) -> None:
    """Draw 3,000 digits into a folder: mnist.json.gz, mnist/ (IDX files) and images/ (PNG files, a folder a class)."""
    write_digits(folder, seed)
    counts = ", ".join(f"{count:,} to {part}" for part, count in PARTS.items())
    click.echo(f"wrote {folder}: mnist.json.gz ({counts}), mnist/ (IDX), images/ (the {PARTS['test']} to test, PNG)")


if __name__ == "__main__":
    sys.exit(main(command))
