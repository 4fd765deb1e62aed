"""The options of a training, each named once: flags, keys of a config file and Python keywords come from `TrainConfig`.

An option is taken from the flags, else from the config file, else from the preset, else from the model's recipe.
"""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from fluidline.cli import Choice
from fluidline.errors import UsageError, closest
from pipeline.decays import DECAYS
from pipeline.models import MODELS, PRESETS, Recipe

NOT_OPTIONS = {"versions"}  # what a run's config.json says beside its options

Command = TypeVar("Command", bound=Callable[..., Any])


def _option(
    help: str,
    kind: type[Any] = str,
    default: Any = None,
    choices: Iterable[str] = (),
    least: float | None = None,
    above: float | None = None,
) -> Any:
    facts = {"help": help, "kind": kind, "choices": tuple(choices), "least": least, "above": above}
    return dataclasses.field(default=default, metadata=facts)


@dataclass(frozen=True)
class TrainConfig:
    """A training, described completely: what is left out is filled in from the preset or the model's recipe.

    Raises UsageError for a value of the wrong type, out of range or unknown.
    """

    model: str = _option("The graph to train.", default="lenet", choices=MODELS)
    data: str | None = _option("Folder or file of training data, or 'builtin'; else the first that is at hand.")
    preset: str = _option("Settings to start from; 'book' is the book's own.", default="default", choices=PRESETS)
    epochs: int = _option("Passes over the training data.", int, least=1)
    batch_size: int = _option("Images in a step.", int, least=1)
    learning_rate: float = _option("Adam's learning rate, before its decay.", float, above=0)
    decay: str = _option("How the learning rate falls over the whole training.", choices=DECAYS)
    l2: float = _option("Coefficient of the L2 penalty on all parameters.", float, least=0)
    shuffle_buffer: int = _option("Samples among which the reader shuffles; 1 keeps the order.", int, least=1)
    seed: int = _option("Fixes initial parameters and the order of samples.", int, default=1, least=0)
    log_every: int = _option("Batches from one line of cost to the next.", int, default=100, least=1)
    run: str = _option("Name of the run's folder; the model's name unless given.")
    runs_dir: str = _option("Folder that holds the runs.", default="runs")

    def __post_init__(self) -> None:
        for name, check in (("model", MODELS), ("preset", PRESETS)):  # what the other defaults hang on
            _check(name, getattr(self, name), {"kind": str, "choices": tuple(check)})
        recipe = PRESETS[self.preset] or MODELS[self.model].recipe
        for name, value in {**dataclasses.asdict(recipe), "run": self.model}.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        for field in dataclasses.fields(self):
            if not (field.name == "data" and self.data is None):
                object.__setattr__(self, field.name, _check(field.name, getattr(self, field.name), field.metadata))

    def as_dict(self) -> dict[str, Any]:
        """Return the options by name, as they stand in config.json."""
        return dataclasses.asdict(self)


def load_config(file: Path | None = None, **given: Any) -> TrainConfig:
    """Return the configuration of the options `given` (None counts as not given) over those of `file`, JSON or TOML.

    A run's config.json is such a file. Raises UsageError where the file cannot be read or names an unknown option.
    """
    options = _read(file) if file else {}
    try:
        return TrainConfig(**{**options, **{name: value for name, value in given.items() if value is not None}})
    except UsageError as error:
        raise UsageError(f"{error} (among the options of {file} and the command)" if file else str(error)) from None


def config_options(command: Command) -> Command:
    """Give a click command a flag for every option of TrainConfig; a flag that is not used passes None."""
    for field in reversed(dataclasses.fields(TrainConfig)):
        facts = field.metadata
        command = click.option(
            "--" + field.name.replace("_", "-"),
            type=Choice(facts["choices"]) if facts["choices"] else facts["kind"],
            help=facts["help"],
            show_default="the model's" if field.name in _RECIPE else field.default is not None and str(field.default),
        )(command)
    return command


_RECIPE = {field.name for field in dataclasses.fields(Recipe)}
_KINDS = {int: "a whole number", float: "a number", str: "a text"}


def _check(name: str, value: Any, facts: Mapping[str, Any]) -> Any:
    """Return `value` as the option's type. Raises UsageError where it is of another type or out of range."""
    kind = facts["kind"]
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise UsageError(f"{name} is {value!r}, which is not {_KINDS[kind]}")
    if facts["choices"] and value not in facts["choices"]:
        raise UsageError(f"no such {name}: '{value}'{closest(value, facts['choices'])}")
    least, above = facts.get("least"), facts.get("above")
    if least is not None and value < least:
        raise UsageError(f"{name} is {value}, and must be at least {least}")
    if above is not None and value <= above:
        raise UsageError(f"{name} is {value}, and must be above {above}")
    return value


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        options = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the options in {file}: {error} (JSON, or TOML in a file *.toml)") from error
    if not isinstance(options, dict):
        raise UsageError(f'{file} holds no options by name, as in {{"epochs": 5}}')
    options = {name.replace("-", "_"): value for name, value in options.items() if name not in NOT_OPTIONS}
    known = [field.name for field in dataclasses.fields(TrainConfig)]
    for name in options:
        if name not in known:
            raise UsageError(f"{file}: no such option '{name}'{closest(name, known)}")
    return options
