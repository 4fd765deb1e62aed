"""`python -m pipeline data`: what a data set holds, whether it looks right, and what its samples look like."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import click

from fluidline.errors import UsageError
from fluidline.files import atomic_folder
from pipeline.augment import parse
from pipeline.data.dataset import Dataset
from pipeline.data.sources import load
from pipeline.data.summary import describe

SAMPLES, AUGMENTED = "samples.png", "augmented.png"


def as_text(summary: Mapping[str, Any]) -> str:
    """Return what `describe` gives as a table for reading."""
    heading, rows = _images_as_rows(summary) if summary["target"] is None else _columns_as_rows(summary)
    checks = [f"{'ok  ' if check['passed'] else 'LOOK'}  {_words(check)}" for check in summary["checks"]]
    return "\n".join([f"{summary['source']}: {heading}", "", *_aligned(rows), "", *checks])


def write_samples(dataset: Dataset, folder: Path, count: int = 100) -> None:
    """Write the first `count` test images into `folder` as PNG files, named by their number and label.

    Raises UsageError where the data are no images.
    """
    from PIL import Image

    if dataset.target is not None:
        raise UsageError(f"{dataset.source} has no images to write (leave out --samples)")
    with atomic_folder(folder) as part:
        for index, (image, label) in enumerate(zip(dataset.test.images[:count], dataset.test.labels, strict=False)):
            name = re.sub(r"[^\w.+-]+", "-", dataset.labels[label])  # a label may have what a file's name may not
            Image.fromarray(image).save(part / f"{index:05d}_{name}.png")


def _images_as_rows(summary: Mapping[str, Any]) -> tuple[str, list[list[str]]]:
    splits = summary["splits"]
    rows = [[label, *(f"{split['histogram'][label]:,}" for split in splits.values())] for label in summary["labels"]]
    rows = [["label", *splits], *rows, ["all", *(f"{split['images']:,}" for split in splits.values())]]
    rows += [["pixels", *("{}..{}".format(*split["range"]) for split in splits.values())]]
    rows += [[key, *(f"{split[key]:.1f}" for split in splits.values())] for key in ("mean", "std")]
    shape = "x".join(map(str, splits["train"]["shape"]))
    return f"{shape} {splits['train']['dtype']}, {len(summary['labels'])} classes", rows


def _columns_as_rows(summary: Mapping[str, Any]) -> tuple[str, list[list[str]]]:
    splits = summary["splits"]
    names = list(splits["train"]["columns"])
    rows = [["column", *(f"{name} {what}" for name in splits for what in ("range", "mean", "std"))]]
    for column in names:
        found = [split["columns"][column] for split in splits.values()]
        cells = [("{:g}..{:g}".format(*each["range"]), f"{each['mean']:.4g}", f"{each['std']:.4g}") for each in found]
        rows.append([column, *(cell for three in cells for cell in three)])
    counts = ", ".join(f"{split['rows']:,} {name}" for name, split in splits.items())
    return f"{len(names) - 1} features, target {summary['target']}; {counts}", rows


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of the cells, the first of each row flush left and the others flush right."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        blanks = [width - _width(cell) for width, cell in zip(widths, (first, *others), strict=True)]
        cells = [first + " " * blanks[0], *(" " * blank + cell for blank, cell in zip(blanks[1:], others, strict=True))]
        lines.append("  ".join(cells))
    return lines


def _width(text: str) -> int:
    """Return the columns of a terminal that a text takes: a Chinese character takes two."""
    return sum(2 if east_asian_width(character) in "FW" else 1 for character in text)


def _words(check: Mapping[str, Any]) -> str:
    return check["check"] + (f": {check['found']}" if check["found"] else "")


@click.command(name="data")
@click.option("--data", "spec", help="Folder or file of data, or 'builtin'; else what is found first.")
@click.option(
    "--show", "picture", is_flag=False, flag_value="", metavar="[FILE]",
    help=f"Draw samples of each class to a PNG file, {SAMPLES} unless named.",
)  # fmt: skip
@click.option(
    "--augment", "augmentation",
    help=f"Draw instead what training with such an --augment makes of a sample, to {AUGMENTED} unless named.",
)  # fmt: skip
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0), help="Fixes what --augment draws.")
@click.option(
    "--samples", type=click.Path(path_type=Path), help="Write 100 test images into this folder, as PNG files."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    spec: str | None, picture: str | None, augmentation: str | None, seed: int, samples: Path | None, as_json: bool
) -> None:
    """Summarise a data set: counts, ranges, labels, checks; pictures of its samples, plain or augmented."""
    amounts = None if augmentation is None else parse(augmentation)
    dataset = load(spec)
    if amounts is not None or picture is not None:
        from pipeline.data import sheets  # brings pillow

        if amounts is None:
            sheets.draw_samples(dataset, Path(picture or SAMPLES))
        else:
            sheets.draw_augmented(dataset, amounts, Path(picture or AUGMENTED), seed)
    if samples:
        write_samples(dataset, samples)
    summary = describe(dataset)
    click.echo(json.dumps(summary, indent=2, ensure_ascii=False) if as_json else as_text(summary))
