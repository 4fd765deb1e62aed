"""The options of a training, each named once: flags, keys of a config file and Python keywords come from `TrainConfig`.

An option is taken from the flags, else from the config file, else from the preset, else from the model's recipe.
"""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from fluidline.cli import Choice
from fluidline.errors import UsageError, closest
from pipeline.augment import NONE, TRANSFORMS, parse
from pipeline.decays import DECAYS
from pipeline.device import DEVICES
from pipeline.models import MODELS, PRESETS, Recipe

NOT_OPTIONS = {"versions"}  # what a run's config.json says beside its options

Command = TypeVar("Command", bound=Callable[..., Any])

_KINDS = {int: "a whole number", float: "a number", str: "a text"}


@dataclass(frozen=True)
class _Option:
    """What a value of an option must be."""

    help: str
    kind: type[Any] = str
    choices: Iterable[str] = ()
    least: float = -math.inf
    above: float = -math.inf
    most: float = math.inf
    below: float = math.inf
    optional: bool = False
    parse: Callable[[str], Any] | None = None  # raises UsageError for a text that makes no sense

    def check(self, name: str, value: Any) -> Any:
        """Return `value` as the option's kind. Raises UsageError where it is of another kind or out of range."""
        if value is None and self.optional:
            return None
        if self.kind is float and type(value) is int:
            value = float(value)
        if type(value) is not self.kind or (self.kind is float and not math.isfinite(value)):
            raise UsageError(f"{name} is {value!r}, which is not {_KINDS[self.kind]}")
        if self.choices and value not in self.choices:
            raise UsageError(f"no such {name}: '{value}'{closest(value, self.choices)}")
        if self.parse:
            self.parse(value)
        if self.kind is not str:
            self._check_range(name, value)
        return value

    def _check_range(self, name: str, value: float) -> None:
        if value < self.least:
            raise UsageError(f"{name} is {value}, and must be at least {self.least}")
        if value <= self.above:
            raise UsageError(f"{name} is {value}, and must be above {self.above}")
        if value > self.most:
            raise UsageError(f"{name} is {value}, and must be at most {self.most}")
        if value >= self.below:
            raise UsageError(f"{name} is {value}, and must be below {self.below}")


def _option(help: str, *args: Any, default: Any = None, **kwargs: Any) -> Any:
    return dataclasses.field(default=default, metadata={"option": _Option(help, *args, **kwargs)})


@dataclass(frozen=True)
class TrainConfig:
    """A training, described completely: what is left out is filled in from the preset or the model's recipe.

    Raises UsageError for a value of the wrong kind, out of range or unknown.
    """

    model: str = _option("The graph to train.", choices=MODELS, default="lenet")
    data: str | None = _option(
        "Folder or file of training data, or 'builtin'; the first at hand unless given.", optional=True
    )
    preset: str = _option(
        "Settings to start from: the model's own, the book's, or the best for lenet.",
        choices=PRESETS,
        default="default",
    )
    epochs: int = _option("Passes over the training data.", int, least=1)
    batch_size: int = _option("Images in a step.", int, least=1)
    learning_rate: float = _option("Adam's learning rate at its highest.", float, above=0)
    decay: str = _option("How the learning rate falls until the last step.", choices=DECAYS)
    warmup: float = _option("Share of the steps in which the learning rate rises first.", float, least=0, below=1)
    l2: float = _option("Coefficient of the L2 penalty on all parameters.", float, least=0)
    weight_decay: float = _option(
        "Share of the weights, times the learning rate, taken off at each step; not of biases.", float, least=0
    )
    label_smoothing: float = _option("Share of each label given to all classes alike.", float, least=0, below=1)
    average: float = _option(
        "Test and keep a running average of the parameters, in which each step leaves this share of what was; 0 for none.",
        float, least=0, below=1,
    )  # fmt: skip
    augment: str = _option(
        "Change the training images at random: 'none', or amounts as in rotate=10,shift=2. "
        + "; ".join(f"{name}: {row.help}" for name, row in TRANSFORMS.items())
        + ".",
        parse=parse,
    )
    valid_size: int = _option(
        "Training images held out to choose the best pass by, where the data hold out none; 0: the test images choose.",
        int, least=0,
    )  # fmt: skip
    shuffle_buffer: int = _option("Samples among which the reader shuffles; 1 keeps their order.", int, least=1)
    prefetch: int = _option(
        "Batches that a thread makes ahead of the step; 4 where images are augmented, else 0 for none, unless given.",
        int, least=0,
    )  # fmt: skip
    device: str = _option("Where to compute.", choices=DEVICES, default="cpu")
    threads: int | None = _option(
        "Threads that compute an operator; OMP_NUM_THREADS, or else all cores, unless given.",
        int,
        least=1,
        optional=True,
    )
    seed: int = _option(
        "Fixes all that is random: initial parameters, order, augmentation, dropout.",
        int, least=0, most=2**31 - 2, default=1,
    )  # fmt: skip
    checkpoint_every: float = _option(
        "Seconds from one checkpoint to the next within a pass; 0: only after each pass.", float, least=0, default=30.0
    )
    log_every: int = _option("Batches from one line of cost to the next.", int, least=1, default=100)
    run: str = _option("Name of the run's folder; the model's name unless given.")
    runs_dir: str = _option("Folder that holds the runs.", default="runs")

    def __post_init__(self) -> None:
        for name in ("model", "preset"):  # first, because the others' defaults hang on them
            _OPTIONS[name].check(name, getattr(self, name))
        recipe = PRESETS[self.preset] or MODELS[self.model].recipe
        self._fill_in({**dataclasses.asdict(recipe), "run": self.model})
        # Indexing an array is not worth a thread: a batch of MNIST's takes less than handing it over.
        self._fill_in({"prefetch": 0 if self.augment == NONE else 4})
        for name, option in _OPTIONS.items():
            object.__setattr__(self, name, option.check(name, getattr(self, name)))

    def _fill_in(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """Return the options by name, as they stand in config.json."""
        return dataclasses.asdict(self)


_OPTIONS: dict[str, _Option] = {field.name: field.metadata["option"] for field in dataclasses.fields(TrainConfig)}


def load_config(file: Path | None = None, **given: Any) -> TrainConfig:
    """Return the configuration of the options `given` (None counts as not given) over those of `file`, JSON or TOML.

    A run's config.json is such a file. Raises UsageError where the file cannot be read or names an unknown option.
    """
    options = _read(file) if file else {}
    options.update({name: value for name, value in given.items() if value is not None})
    try:
        return TrainConfig(**options)
    except UsageError as error:
        raise UsageError(f"{error} (among the options of {file} and the command)" if file else str(error)) from None


def config_options(command: Command) -> Command:
    """Give a click command a flag for every option of TrainConfig; a flag that is not used passes None."""
    of_recipe = {field.name for field in dataclasses.fields(Recipe)}
    for field in reversed(dataclasses.fields(TrainConfig)):
        option = _OPTIONS[field.name]
        command = click.option(
            "--" + field.name.replace("_", "-"),
            type=Choice(list(option.choices)) if option.choices else option.kind,
            help=option.help,
            show_default="the model's" if field.name in of_recipe else field.default is not None and str(field.default),
        )(command)
    return command


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        options = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the options in {file}: {error} (JSON, or TOML in a file *.toml)") from error
    if not isinstance(options, dict):
        raise UsageError(f'{file} holds no options by name, as in {{"epochs": 5}}')
    options = {name.replace("-", "_"): value for name, value in options.items() if name not in NOT_OPTIONS}
    for name in options:
        if name not in _OPTIONS:
            raise UsageError(f"{file}: no such option '{name}'{closest(name, _OPTIONS)}")
    return options
