"""Which trainings a sweep is made of: the product of the varied options, each combination with a name of its own."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fluidline.errors import UsageError
from pipeline.config import TrainConfig, load_config, read_option

Vary = Mapping[str, Sequence[Any]]

_FIXED = {
    "run": "each training has a name of its own",
    "runs_dir": "all trainings are below the sweep's folder",
    "log_to": "it changes no training",
}
_LONGEST_NAME = 100


def parse_vary(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values to try of each option, from texts as in `learning_rate=0.1,0.01`.

    A semicolon divides values that have commas of their own: `augment=none;rotate=10,shift=2`. Raises UsageError where
    that makes no sense.
    """
    vary: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise UsageError(f"--vary {text} has no values (as in --vary learning_rate=0.1,0.01)")
        if name in vary:
            raise UsageError(f"{name} is varied twice (give all its values in one --vary)")
        parts = values.split(";" if ";" in values else ",")
        vary[name] = [read_option(name, part.strip()) for part in parts if part.strip()]
    return vary


def configs(options: Mapping[str, Any], vary: Vary, folder: Path) -> list[TrainConfig]:
    """Return the configurations of a sweep in the order of its product, the last option changing fastest.

    Raises UsageError for a value that no training can have, and where an option cannot be varied.
    """
    _check_names(options, vary)
    made = []
    for values in itertools.product(*vary.values()):
        config = load_config(None, **options, **dict(zip(vary, values, strict=True)), runs_dir=str(folder))
        made.append(dataclasses.replace(config, run=run_name(varied(config, vary))))
    names = [config.run for config in made]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"two trainings would be the same, {twice} (name each value once)")
    return made


def varied(config: TrainConfig, vary: Vary) -> dict[str, Any]:
    """Return the varied options of a training."""
    return {name: getattr(config, name) for name in vary}


def run_name(values: Mapping[str, Any]) -> str:
    """Return the name of the run with these options; one that had to be changed or cut to be a file's name has a digest."""
    whole = "-".join(f"{name}-{value}" for name, value in values.items())
    name = re.sub(r"[^\w.-]+", "_", whole)[:_LONGEST_NAME]
    return name if name == whole else f"{name}-{hashlib.sha256(whole.encode()).hexdigest()[:6]}"


def _check_names(options: Mapping[str, Any], vary: Vary) -> None:
    if not vary:
        raise UsageError("nothing is varied (as in --vary learning_rate=0.1,0.01)")
    if "run" in options:
        raise UsageError("--run names a single training (--name names a sweep)")
    for name, values in vary.items():
        if name in _FIXED:
            raise UsageError(f"{name} cannot be varied: {_FIXED[name]}")
        if not values:
            raise UsageError(f"{name} is varied and has no values (as in {name}=1,2)")
        if name in options:
            raise UsageError(f"{name} is both varied and given as {options[name]} (leave one of them out)")
