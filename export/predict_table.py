"""What a model says of each row of a table of numbers: `houses.csv` in place of a folder of images."""

from __future__ import annotations

import time
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from export.answers import Summary, to_predictions
from export.predictions import Layout, Prediction, format_of, open_rows, read_done
from export.reading.table import Row, read_rows
from fluidline.runs import DEFAULT_ROOT

if TYPE_CHECKING:
    from export.model import Model


def predict_table(
    path: str | Path,
    out: str | Path = "predictions.csv",
    *,
    run: str | None = None,
    model: str | Path | None = None,
    runs_dir: str | Path = DEFAULT_ROOT,
    top: int = 1,
    form: str | None = None,
    device: str = "auto",
    approximate: bool = False,
    batch_size: int = 128,
    resume: bool = False,
) -> Summary:
    """Predict for each row of the table `path`, and write a row for each, by its number, to `out`; '-' is stdout.

    The table is as `export.reading.table.read_rows` has it: columns by the names that the model was trained with, or as
    many numbers as it takes. The options are those of `export.predict.predict_folder`, and so are the errors raised.
    """
    from export.model import load, locate  # numpy and onnxruntime, which --help can do without

    started = time.perf_counter()
    out, form = str(out), format_of(str(out), form)
    done = read_done(out, form) if resume else set()
    opened = load(locate(run, model, runs_dir), device, "throughput", approximate)
    table, top = opened.table, min(top, len(opened.labels))
    missing = (row for row in read_rows(Path(path), table.count, table.features) if str(row.number) not in done)
    batches = iter(lambda: list(islice(missing, batch_size)), [])
    first = next(batches, [])  # before the output is opened: the table may be none
    summary = Summary(opened.name, opened.provider, unit="rows")
    with open_rows(out, form, Layout("row", top), resume) as rows:
        for batch in chain([first] if first else [], batches):
            predictions = _answer(opened, batch, top)
            rows.write(predictions)
            summary.add(predictions)
    summary.seconds = time.perf_counter() - started
    return summary


def _answer(model: Model, batch: list[Row], top: int) -> list[Prediction]:
    import numpy as np

    numbers = np.array([row.values or [0.0] * model.table.count for row in batch])
    failures = {index: row.error for index, row in enumerate(batch) if row.error}
    names = [str(row.number) for row in batch]
    return to_predictions(model, names, model.run(model.table.normalise(numbers)), failures, top)
