"""`python -m export predict DIR`: which digit each image of a folder shows, as a table, at the speed of the machine.

Or another label or a value, as the model has it; and the same for the rows of a table (`export.predict_table`).

    file names -> batches -> pixels, by processes that read -> probabilities, by threads -> rows

No stage runs ahead of the next by more than a fixed number of batches, so memory does not grow with the folder. numpy
and onnxruntime are imported while the first images are being read already.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from export.answers import Summary, to_predictions
from export.choices import DEVICES, MAX_PIXELS, POLARITIES
from export.predictions import FORMATS, Layout, Prediction, format_of, open_rows, read_done
from export.reading.files import check_folder, find_images
from export.reading.messages import Settings
from export.reading.readers import Batch, Readers
from fluidline.cli import Choice
from fluidline.errors import DataError, FluidlineError, UsageError
from fluidline.machine import cores
from fluidline.runs import DEFAULT_ROOT

if TYPE_CHECKING:
    from export.contact_sheet import ContactSheet
    from export.model import Model

BATCH_SIZE = 128
_OF_IMAGES = ("polarity", "fit", "html", "every", "workers", "max_pixels")  # and not of tables

Item = TypeVar("Item")
Result = TypeVar("Result")

log = logging.getLogger(__name__)


def predict(source: str | Path, out: str | Path = "predictions.csv", **options: Any) -> Summary:
    """Predict for a folder of images (`predict_folder`) or a table (`export.predict_table.predict_table`)."""
    if not os.path.isfile(source):
        return predict_folder(source, out, **options)
    from export.predict_table import predict_table

    usual = predict_folder.__kwdefaults__ or {}
    if other := [name for name in _OF_IMAGES if options.get(name, usual[name]) != usual[name]]:
        raise UsageError(
            f"{source} is a file, taken for a table; {', '.join(other)} is for a folder of images (leave it out)"
        )
    return predict_table(source, out, **{name: value for name, value in options.items() if name not in _OF_IMAGES})


def predict_folder(
    folder: str | Path,
    out: str | Path = "predictions.csv",
    *,
    run: str | None = None,
    model: str | Path | None = None,
    runs_dir: str | Path = DEFAULT_ROOT,
    polarity: str = "auto",
    fit: bool = False,
    top: int = 1,
    form: str | None = None,
    html: str | Path | None = None,
    every: bool = False,
    device: str = "auto",
    approximate: bool = False,
    batch_size: int = BATCH_SIZE,
    workers: int | None = None,
    max_pixels: int = MAX_PIXELS,
    resume: bool = False,
) -> Summary:
    """Predict for the images in `folder` and below, and write a row for each, sorted by name, to `out`; '-' is stdout.

    The model is that of run `run`, the latest if None, or the file or run folder `model`. `polarity`, `fit` and
    `max_pixels` are those of `export.prepare.prepare`; `every` tries files that do not end as images too. A row has the
    `top` likeliest labels, or the model's value, as `form`, csv or jsonl, else as the ending of `out` says. `html` is the
    place of a contact sheet. `approximate` lets a model of fewer bits answer where `export bench` found one fast and
    good enough. `workers` processes read, as many as there are cores if None. Rows go to OUT.partial until all are
    there; with `resume` those that it has, or else `out`, are kept, and only the other files are read.

    A file that cannot be read is a row with the reason. Raises DataError where there are no images or the model is
    unusable, RunError where the run has none, and FluidlineError where a file cannot be written or the device is not
    to be had; then `out` stays as it was. Summary, contact sheet and progress are about the files that were read.
    """
    started = time.perf_counter()
    out, form = str(out), format_of(str(out), form)
    done = read_done(out, form) if resume else set()
    settings = Settings(os.path.abspath(folder), polarity, fit, max_pixels)

    def readers(settings: Settings) -> Readers:
        names = (name for name in _names(folder, every) if name not in done)
        return Readers(names, settings, batch_size, workers or cores())

    with ExitStack() as stack:
        batches = stack.enter_context(readers(settings))
        from export.model import load, locate  # numpy and onnxruntime, while the first images are being read

        opened = load(locate(run, model, runs_dir), device, "throughput", approximate)
        size, top = opened.images.size, min(top, len(opened.labels))
        if size != settings.size:  # which could not be known before
            stack.close()
            batches = stack.enter_context(readers(settings._replace(size=size)))
        if html and not opened.labels:
            raise UsageError(f"--html shows the least certain labels, and {opened.path} gives a value (leave it out)")
        summary = Summary(opened.name, opened.provider)
        sheet = _sheet(folder, max_pixels, size) if html else None
        answered = _in_order(lambda batch: (batch, _answer(opened, batch, top)), batches, opened.setting.calls)
        with open_rows(out, form, Layout("file", top), resume) as rows, _progress(folder, every, len(done)) as advance:
            for batch, predictions in answered:
                rows.write(predictions)
                summary.add(predictions)
                if sheet:
                    sheet.add(predictions, batch.pixels)
                advance(len(predictions))
    summary.seconds = time.perf_counter() - started
    if sheet and html:
        sheet.write(html, str(summary))
    return summary


def _sheet(folder: str | Path, max_pixels: int, size: tuple[int, int]) -> ContactSheet:
    from export.contact_sheet import ContactSheet

    return ContactSheet(folder, max_pixels, size)


def _names(folder: str | Path, every: bool) -> Iterator[str]:
    check_folder(folder)
    names = find_images(folder, every)
    first = next(names, None)
    if first is None:
        hint = "" if every else ": no file ends in .png, .jpg or the like (--all tries every file)"
        raise DataError(f"{folder} holds no images{hint}")
    return chain([first], names)


def _answer(model: Model, batch: Batch, top: int) -> list[Prediction]:
    import numpy as np

    answers = model.classify(np.frombuffer(batch.pixels, np.uint8))
    return to_predictions(model, batch.names, answers, batch.failures, top)


def _in_order(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """Map in threads, at most twice as many items ahead as there are threads."""
    with ThreadPoolExecutor(threads) as pool:
        pending: deque[Future[Result]] = deque()
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


@contextmanager
def _progress(folder: str | Path, every: bool, done: int) -> Iterator[Callable[[int], object]]:
    """Yield a function that counts images, on a bar where there is a terminal to show it."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from tqdm import tqdm

    total = sum(1 for _ in find_images(folder, every))
    with tqdm(total=total, initial=done, unit=" images", leave=False) as bar:
        yield bar.update


@click.command(name="predict")
@click.argument("source", metavar="DIR|TABLE", type=click.Path(path_type=Path))
@click.option("--run", help="Name of the run whose model to use.  [default: latest]")
@click.option("--runs-dir", type=click.Path(path_type=Path), default=DEFAULT_ROOT, show_default=True, help="Its place.")
@click.option("--model", type=click.Path(path_type=Path), help="An ONNX file, or a run's folder, instead of --run.")
@click.option(
    "--out", default="predictions.csv", show_default=True, help="Table to write, .csv or .jsonl; - is stdout."
)
@click.option("--format", "form", type=Choice(FORMATS), help="Its format, where the ending does not say it.")
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, help="How many labels an image gets.")
@click.option(
    "--polarity",
    type=Choice(POLARITIES),
    default="auto",
    show_default=True,
    help="The ink's colour: light as in MNIST, dark as on paper, or auto, by each image's border.",
)
@click.option(
    "--fit", is_flag=True, help="Cut the ink out, scale and centre it as MNIST does: for photos, scans, drawings."
)
@click.option("--html", type=click.Path(path_type=Path), help="Contact sheet to write: the least certain images first.")
@click.option("--all", "every", is_flag=True, help="Try every file, not only those that end as images.")
@click.option("--resume", is_flag=True, help="Keep the rows that the table has, and predict what it lacks.")
@click.option("--strict", is_flag=True, help="Exit with 1 where a file could not be read.")
@click.option("--device", type=Choice(DEVICES), default="auto", show_default=True, help="Where the model runs.")
@click.option(
    "--approximate",
    is_flag=True,
    help="Let int8 or float16 answer, where the benchmark found it faster and good enough.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, 8192),
    default=BATCH_SIZE,
    show_default=True,
    help="Images that the model gets at a time.",
)
@click.option("--workers", type=click.IntRange(1), help="Processes that read images.  [default: one a core]")
@click.option(
    "--max-pixels", type=click.IntRange(1), default=MAX_PIXELS, show_default=True, help="Larger images are not decoded."
)
def command(strict: bool, **options: Any) -> None:
    """Say which label, or value, each image in DIR and its sub-folders has, or each row of a CSV file TABLE."""
    try:
        summary = predict(**options)
    except KeyboardInterrupt:
        log.info("stopped; --resume goes on with the rows that are there")
        raise
    log.info("%s", summary)
    if strict and summary.failures:
        raise FluidlineError(
            f"{summary.failures} of {summary.count} {summary.unit} could not be read (see the column error)"
        )
