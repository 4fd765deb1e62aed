"""metrics.jsonl and metrics.csv: rows of batches and of passes, continued without a seam after a resume."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fluidline.errors import FluidlineError
from fluidline.files import write_text
from pipeline.events import EndEpochEvent, EndStepEvent, Event

Row = dict[str, Any]

COLUMNS = (
    "kind", "epoch", "batch", "step",
    "train_cost", "train_accuracy", "valid_cost", "valid_accuracy", "test_cost", "test_accuracy", "seconds",
    "learning_rate",
)  # fmt: skip

_OF_BATCH = {"cost": "train_cost", "accuracy": "train_accuracy"}  # a batch's numbers are in the columns of its pass


class MetricsLog:
    """The event handler that keeps the rows of a run, in memory and in both files.

    A row of kind "batch" has the cost, the accuracy and the learning rate of one batch; a row of kind "epoch" the cost and
    the accuracy of a whole pass, the test's or the validation's beside them, and the seconds that the training's steps
    took so far. Passes, batches and steps count from 0; where there are no classes there is no accuracy.
    """

    def __init__(self, jsonl: Path, *, before: tuple[int, int] = (0, 0)) -> None:
        """Open the log at `jsonl` (and the .csv beside it), keeping its rows before (epoch, step)."""
        self.jsonl, self.csv = jsonl, jsonl.with_suffix(".csv")
        epoch, step = before
        self.rows = [
            row for row in read_rows(jsonl) if (row["epoch"] < epoch if row["kind"] == "epoch" else row["step"] < step)
        ]
        write_text(self.jsonl, "".join(map(_json_line, self.rows)))
        write_text(self.csv, _csv_lines([dict(zip(COLUMNS, COLUMNS, strict=True)), *self.rows]))

    def __call__(self, event: Event) -> None:
        match event:
            case EndStepEvent():
                self._append({"kind": "batch", **_facts(event)})
            case EndEpochEvent():
                self._append(
                    {"kind": "epoch", **_facts(event)}, sync=True
                )  # the checkpoint that follows counts on the row

    def _append(self, row: Row, sync: bool = False) -> None:
        self.rows.append(row)
        for path, line in ((self.jsonl, _json_line(row)), (self.csv, _csv_lines([row]))):
            try:
                with open(path, "a", encoding="utf-8") as file:
                    file.write(line)
                    if sync:
                        file.flush()
                        os.fsync(file.fileno())
            except OSError as error:
                raise FluidlineError(
                    f"cannot write {path}: {error.strerror} (the last checkpoint stands: free space, then --resume)"
                ) from error


def read_rows(jsonl: Path) -> list[Row]:
    """Return the rows of a metrics.jsonl, none where there is no such file; a torn last line is left out."""
    rows: list[Row] = []
    if jsonl.exists():
        for line in jsonl.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                break  # the process was killed while it wrote this line
    return rows


def _facts(event: EndStepEvent | EndEpochEvent) -> Row:
    return {_OF_BATCH.get(name, name): value for name, value in asdict(event).items() if value is not None}


def _json_line(row: Row) -> str:
    return json.dumps(row) + "\n"


def _csv_lines(rows: list[Row]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerows(rows)
    return text.getvalue()
