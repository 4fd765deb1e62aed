"""`python -m pipeline data`: what a data set holds, whether it looks right, and what its images look like."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from fluidline.errors import UsageError
from fluidline.files import atomic_file, atomic_folder
from pipeline.data.dataset import SIDE, Dataset
from pipeline.data.sources import load
from pipeline.data.summary import describe

_COLUMNS = 12  # samples of a class
_ZOOM = 2
_GAP = 4
_FONT_SIZE = 18


def as_text(summary: Mapping[str, Any]) -> str:
    """Return what `describe` gives as a table for reading."""
    splits = summary["splits"]
    rows = [[label, *(f"{split['histogram'][label]:,}" for split in splits.values())] for label in summary["labels"]]
    rows = [["label", *splits], *rows, ["all", *(f"{split['images']:,}" for split in splits.values())]]
    rows += [["pixels", *("{}..{}".format(*split["range"]) for split in splits.values())]]
    rows += [["mean", *(f"{split['mean']:.1f}" for split in splits.values())]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    checks = [f"{'ok  ' if check['passed'] else 'LOOK'}  {_words(check)}" for check in summary["checks"]]
    shape = "x".join(map(str, splits["train"]["shape"]))
    return "\n".join([f"{summary['source']}: {shape} {splits['train']['dtype']}", "", *table, "", *checks])


def draw_samples(dataset: Dataset, path: Path) -> None:
    """Draw the first training images of each class, a row for each, and write the picture to `path`.

    Raises UsageError where the suffix of `path` is no picture's.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_FONT_SIZE)
    margin = 2 * _GAP + int(max(map(font.getlength, dataset.labels)))
    step = SIDE * _ZOOM + _GAP
    sheet = Image.new("L", (margin + _COLUMNS * step, len(dataset.labels) * step + _GAP), 64)
    for row, label in enumerate(dataset.labels):
        top = _GAP + row * step
        ImageDraw.Draw(sheet).text((_GAP, top + step / 2), label, fill=255, font=font, anchor="lm")
        for column, index in enumerate(np.flatnonzero(dataset.train.labels == row)[:_COLUMNS]):
            sample = np.kron(dataset.train.images[index], np.ones((_ZOOM, _ZOOM), np.uint8))
            sheet.paste(Image.fromarray(sample), (margin + column * step, top))
    with atomic_file(path) as part:
        try:
            sheet.save(part)
        except ValueError:
            raise UsageError(f"cannot draw to {path}: '{path.suffix}' is no picture's suffix (use .png)") from None


def write_samples(dataset: Dataset, folder: Path, count: int = 100) -> None:
    """Write the first `count` test images into `folder` as PNG files, named by their number and label."""
    from PIL import Image

    with atomic_folder(folder) as part:
        for index, (image, label) in enumerate(zip(dataset.test.images[:count], dataset.test.labels, strict=False)):
            Image.fromarray(image).save(part / f"{index:05d}_{dataset.labels[label]}.png")


def _words(check: Mapping[str, Any]) -> str:
    return check["check"] + (f": {check['found']}" if check["found"] else "")


@click.command(name="data")
@click.option("--data", "spec", help="Folder or file of data, or 'builtin'; else what is found first.")
@click.option("--show", "picture", type=click.Path(path_type=Path), help="Draw samples of each class to this PNG file.")
@click.option(
    "--samples", type=click.Path(path_type=Path), help="Write 100 test images into this folder, as PNG files."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(spec: str | None, picture: Path | None, samples: Path | None, as_json: bool) -> None:
    """Summarise a data set: counts, range, labels, checks; a picture of its samples."""
    dataset = load(spec)
    if picture:
        draw_samples(dataset, picture)
    if samples:
        write_samples(dataset, samples)
    summary = describe(dataset)
    click.echo(json.dumps(summary, indent=2, ensure_ascii=False) if as_json else as_text(summary))
