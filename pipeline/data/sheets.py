"""Pictures of a data set: samples of each class, one sample as augmented, the columns of a table."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fluidline.errors import UsageError
from fluidline.files import atomic_file
from pipeline.augment import TRANSFORMS, augment
from pipeline.data.dataset import SIDE, Dataset, Images
from pipeline.data.summary import columns_of, splits_of

_COLUMNS = 12  # images of a row
_ZOOM = 2
_GAP = 4
_STEP = SIDE * _ZOOM + _GAP
_SIZE, _SMALL = 18, 12  # of letters
_PAPER, _FAINT, _INK = 64, 160, 255

Row = tuple[str, str, Images]  # what it is, a word more, and its images

log = logging.getLogger(__name__)


def draw_samples(dataset: Dataset, path: Path) -> None:
    """Draw the first training images of each class, a row for each, or a table's columns, and write it to `path`.

    Raises UsageError where the suffix of `path` is no picture's.
    """
    if dataset.target is not None:
        _draw_columns(dataset, path)
        return
    train = dataset.train
    places = [np.flatnonzero(train.labels == number) for number in range(len(dataset.labels))]
    rows = [
        (label, f"{len(found):,}", train.images[found[:_COLUMNS]])
        for label, found in zip(dataset.labels, places, strict=True)
    ]
    _save(_sheet(f"{dataset.source}: {len(train):,} training images", rows), path)


def draw_augmented(dataset: Dataset, amounts: Mapping[str, float], path: Path, seed: int) -> None:
    """Draw the first training image and what augmentation by `amounts` makes of it: a row for each transform, and all.

    Raises UsageError where the data are no images or the suffix of `path` is no picture's.
    """
    if dataset.target is not None:
        raise UsageError(f"{dataset.source} has no images to augment (leave out --augment)")
    image = dataset.train.images[:1]
    chosen = {name: amounts[name] for name in TRANSFORMS if name in amounts}

    def row(label: str, more: str, some: dict[str, float]) -> Row:
        values = augment(image.repeat(_COLUMNS, axis=0), some, np.random.default_rng(seed))
        return label, more, np.rint(values).astype(np.uint8)

    rows = [("as it is", "", image), *(row(name, f"{amount:g}", {name: amount}) for name, amount in chosen.items())]
    if len(chosen) > 1:
        rows.append(row("together", "", chosen))
    _save(_sheet(f"{dataset.source}: training image 0, augmented with seed {seed}", rows), path)


def _sheet(title: str, rows: Sequence[Row]) -> Callable[[Path], None]:
    """Return what writes rows of images below a title."""
    font, small = (ImageFont.load_default(size) for size in (_SIZE, _SMALL))
    margin = 3 * _GAP + int(max(font.getlength(label) for label, _, _ in rows))
    top = 2 * _GAP + _SIZE
    width = max(margin + _COLUMNS * _STEP, 2 * _GAP + int(small.getlength(title)))
    sheet = Image.new("L", (width, top + len(rows) * _STEP), _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((_GAP, top / 2), title, fill=_FAINT, font=small, anchor="lm")
    for label, more, images in rows:
        pen.text((_GAP, top + _STEP * (0.35 if more else 0.45)), label, fill=_INK, font=font, anchor="lm")
        pen.text((_GAP, top + _STEP * 0.7), more, fill=_FAINT, font=small, anchor="lm")
        for column, image in enumerate(images):
            pixels = np.kron(image, np.ones((_ZOOM, _ZOOM), np.uint8))
            sheet.paste(Image.fromarray(pixels), (margin + column * _STEP, top))
        top += _STEP
    return sheet.save


def _draw_columns(dataset: Dataset, path: Path) -> None:
    """Draw how the values of each column are spread, in each split."""
    from matplotlib.figure import Figure

    splits = {name: columns_of(dataset, split) for name, split in splits_of(dataset).items()}
    names = list(splits["train"])
    lines = -(-len(names) // 5)
    figure = Figure(figsize=(10, 1.6 * lines + 0.6), dpi=100, layout="constrained")
    panels = figure.subplots(lines, 5, squeeze=False).ravel()
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    for panel, column in zip(panels, names, strict=False):
        values = [columns[column] for columns in splits.values()]
        panel.hist(values, bins=20, density=True, histtype="stepfilled", alpha=0.6, label=list(splits))
        panel.set_title(column + " (target)" * (column == dataset.target), fontsize=9)
        panel.tick_params(labelsize=7, left=False, labelleft=False)
    figure.legend(
        *(each[::-1] for each in panels[0].get_legend_handles_labels()), loc="outside upper right", ncols=3, fontsize=8
    )
    figure.suptitle(f"{dataset.source}: {len(dataset.train):,} training rows", fontsize=10, x=0.01, ha="left")
    _save(figure.savefig, path)


def _save(write: Callable[[Path], None], path: Path) -> None:
    with atomic_file(path) as part:
        try:
            write(part)
        except ValueError:
            raise UsageError(f"cannot draw to {path}: '{path.suffix}' is no picture's suffix (use .png)") from None
    log.info("drawn: %s", path)
