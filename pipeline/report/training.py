"""How a run came about: curves, timings, configuration."""

from __future__ import annotations

import json
import math
from typing import Any

from fluidline.errors import UsageError
from pipeline.config import NOT_OPTIONS, TrainConfig
from pipeline.metrics import Row
from pipeline.report import words
from pipeline.report.chart import Axis, Series, chart, span
from pipeline.report.markup import Html, element, facts, join, number, table
from pipeline.report.subject import Subject

SPLITS = {"train": "training", "valid": "validation", "test": "test"}
MEASURES = {"cost": "{:.4f}".format, "accuracy": "{:.2%}".format}

_WHICH = {"model", "data", "run", "runs_dir"}  # options that say which training it is, not how it is done
_MOST_PASSES = 30  # that are rows of the table


def curves(subject: Subject) -> Html:
    """Cost and accuracy over the passes."""
    passes, chooses = subject.passes, subject.chooses
    x = Axis("passes over the training data", 0, passes[-1]["epoch"] + 1, least_step=1)
    charts = [_cost(x, subject)]
    if passes[-1].get("train_accuracy") is not None:
        charts.append(_accuracy(x, subject))
    keys = [("train", "training, mean of the pass"), (chooses, f"{SPLITS[chooses]}, after the pass")]
    if subject.batches:
        keys.append(("batch", "training, single batches"))
    legend = [element("span", text, class_=f"key {style}") for style, text in keys]
    return join([element("div", *charts, class_="charts"), element("p", *legend, class_="legend")])


def timings(subject: Subject) -> Html:
    """What each pass came to, and what it took."""
    passes, best = subject.passes, subject.best["epoch"]
    measures = [
        (f"{SPLITS[split]} {name}", f"{split}_{name}", says)
        for split in ("train", subject.chooses)
        for name, says in MEASURES.items()
        if passes[-1].get(f"{split}_{name}") is not None
    ]
    every = math.ceil(len(passes) / _MOST_PASSES)
    rows = []
    for before, row in zip([{"seconds": 0.0, "step": 0}, *passes], passes, strict=False):
        seconds, steps = row["seconds"] - before["seconds"], row["step"] - before["step"]
        rate = steps * subject.config["batch_size"] / seconds if seconds > 0 else 0
        if row["epoch"] == best or not (passes[-1]["epoch"] - row["epoch"]) % every:
            name = element("strong", f"{row['epoch']}, the best") if row["epoch"] == best else row["epoch"]
            figures = [says(row[key]) for _, key, says in measures]
            figures += [words.number(seconds), words.number(rate)]
            rows.append((name, *map(number, figures)))
    some = f", one in {every}: all are in metrics.csv" if every > 1 else ""
    caption = f"The passes, counted from 0{some}. Seconds are those of the steps alone; samples/s count whole batches."
    return table(caption, ("pass", *(title for title, _, _ in measures), "seconds", "samples/s"), rows)


def configuration(subject: Subject) -> Html:
    """Every option, and which of them differ from the model's recipe."""
    options = {name: value for name, value in subject.config.items() if name not in NOT_OPTIONS}
    recipe = {name: value for name, value in _recipe(options["model"]).items() if name not in _WHICH}
    pairs: list[tuple[str, object]] = []
    for name, value in options.items():
        usual = recipe.get(name, value)
        marked = [element("mark", _written(value)), " ", element("small", f"recipe: {_written(usual)}")]
        pairs.append((name, _written(value) if value == usual else join(marked)))
    text = f"Marked are the options that differ from the recipe of {options['model']}."
    return join([element("p", text), facts(pairs, "options")])


def _cost(x: Axis, subject: Subject) -> Html:
    means = _means("cost", subject)
    per_pass = subject.passes[-1]["step"] / x.high
    batches = Series("batch", [(row["step"] / per_pass, row["train_cost"]) for row in subject.batches])
    values = [cost for each in (batches, *means) for _, cost in each.points]
    log = min(values) > 0
    # The single batches first: what is drawn later lies above.
    return chart(f"Cost: {_course('cost', subject)}", x, Axis("cost", *span(values, log), log), [batches, *means])


def _accuracy(x: Axis, subject: Subject) -> Html:
    means = _means("accuracy", subject)  # not of single batches, where it is a step of 1 / batch size
    low, high = span([share for each in means for _, share in each.points])
    y = Axis("accuracy", max(low, 0.0), min(high, 1.0), words=lambda share: f"{100 * share:g}%")
    return chart(f"Accuracy: {_course('accuracy', subject)}", x, y, means)


def _means(name: str, subject: Subject) -> list[Series]:
    """Return a line of training and one of what chooses the best pass, with a point where each pass ends."""
    return [
        Series(
            split,
            [(row["epoch"] + 1, row[f"{split}_{name}"]) for row in subject.passes],
            [_says(row, split, name) for row in subject.passes],
        )
        for split in ("train", subject.chooses)
    ]


def _says(row: Row, split: str, name: str) -> str:
    return f"pass {row['epoch']}: {SPLITS[split]} {name} {MEASURES[name](row[f'{split}_{name}'])}"


def _course(name: str, subject: Subject) -> str:
    first, last = subject.passes[0], subject.passes[-1]
    return ", ".join(_says(row, subject.chooses, name) for row in ([first, last] if first is not last else [last]))


def _recipe(model: str) -> dict[str, Any]:
    """Return the options of a training that is told the model alone; none where the model is no longer to be had."""
    try:
        return TrainConfig(model=model).as_dict()
    except UsageError:
        return {}


def _written(value: Any) -> str:
    return "not set" if value is None else value if isinstance(value, str) else json.dumps(value)
