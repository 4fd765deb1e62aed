"""The options of a training, each named once: flags, keys of a config file and Python keywords come from `TrainConfig`.

An option is taken from the flags, else from the config file, else from the preset, else from the model's recipe.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from fluidline.cli import Choice
from fluidline.errors import UsageError, closest
from pipeline import decays, gradients, loggers, optimizers
from pipeline.augment import TRANSFORMS, parse
from pipeline.decays import DECAYS
from pipeline.device import DEVICES
from pipeline.losses import LOSSES, MSE
from pipeline.models import DROPOUT_MODES, MODELS, PRESETS, Recipe, find_model, short_name
from pipeline.optimizers import OPTIMIZERS
from pipeline.settings import NONE, Setting, Value

NOT_OPTIONS = {"versions", "machine"}  # what a run's config.json says beside its options

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class _Option(Value):
    """What a value of an option must be."""

    help: str = dataclasses.field(kw_only=True)
    choices: Iterable[str] = dataclasses.field(default=(), kw_only=True)
    parse: Callable[[str], Any] | None = dataclasses.field(default=None, kw_only=True)  # raises UsageError

    def check(self, name: str, value: Any) -> Any:
        """Return `value` as the option's kind. Raises UsageError where it is of another kind, out of range or unknown."""
        value = super().check(name, value)
        if value is None:
            return None
        if self.choices and value not in self.choices:
            raise UsageError(f"no such {name}: '{value}'{closest(value, self.choices)}")
        if self.parse:
            self.parse(value)
        return value


def _option(help: str, *args: Any, default: Any = None, **kwargs: Any) -> Any:
    return dataclasses.field(default=default, metadata={"option": _Option(*args, help=help, **kwargs)})


@dataclass(frozen=True)
class TrainConfig:
    """A training, described completely: what is left out is filled in from the preset or the model's recipe.

    Raises UsageError for a value of the wrong kind, out of range or unknown.
    """

    model: str = _option(
        f"The graph to train: {', '.join(MODELS)}; or a fluid graph of your own, FILE.py:FUNCTION.",
        parse=find_model,
        default="lenet",
    )
    data: str | None = _option(
        "Folder or file of training data, or 'builtin'; the first at hand unless given.", optional=True
    )
    preset: str = _option(
        "Settings to start from: the model's own, the book's, or the best for lenet.",
        choices=PRESETS,
        default="default",
    )
    epochs: int = _option("Passes over the training data.", int, least=1)
    batch_size: int = _option("Samples in a step.", int, least=1)
    loss: str = _option("What is lowered: cross_entropy of classes, or mse of one number.", choices=LOSSES)
    optimizer: str = _option(
        "What moves the parameters, also with settings, as in adam:beta1=0.8,epsilon=1e-7: "
        + ", ".join(OPTIMIZERS)
        + ".",
        parse=optimizers.parse,
    )
    momentum: float | None = _option(
        "Momentum of an optimizer that has one, over its settings.", float, least=0, below=1, optional=True
    )
    lookahead: str = _option(
        "Go back part of the way every k steps: 'none', or as in k=5,alpha=0.5.",
        parse=optimizers.parse_lookahead, default=NONE,
    )  # fmt: skip
    learning_rate: float = _option(
        "Learning rate at its highest; the optimizer's own where it is not the model's.", float, above=0
    )
    decay: str = _option(
        "How the learning rate falls, also with settings, as in polynomial_decay:power=2: " + ", ".join(DECAYS) + ".",
        parse=decays.parse,
    )
    warmup: float = _option("Share of the steps in which the learning rate rises first.", float, least=0, below=1)
    linear_lr_warmup: str = _option(
        "Fluid's warmup in its stead: 'none', or as in warmup_steps=500,start_lr=0,end_lr=0.01.",
        parse=decays.parse_warmup, default=NONE,
    )  # fmt: skip
    l1: float = _option("Coefficient of the L1 penalty on all parameters.", float, least=0, default=0.0)
    l2: float = _option("Coefficient of the L2 penalty on all parameters.", float, least=0)
    penalty: str = _option(
        "Penalties of single parameters, by name or pattern, in place of those of all, as in fc_0.w_0:l2=0.001,conv2d_*:l1=0.",
        parse=gradients.parse_penalty, default=NONE,
    )  # fmt: skip
    clip: str = _option(
        "Limit on the gradients: 'none', or value=0.5 of each number, norm=1 of each parameter's, global_norm=5 of all.",
        parse=gradients.parse_clip, default=NONE,
    )  # fmt: skip
    weight_decay: float = _option(
        "Share of the weights, times the learning rate, taken off at each step; not of biases.", float, least=0
    )
    dropout: float = _option(
        "Share of what the last layers are given that is dropped in training, in models that have a place for it.",
        float, least=0, below=1, default=0.0,
    )  # fmt: skip
    dropout_mode: str = _option(
        "What makes up for it: scaling up in training, or down in use.", choices=DROPOUT_MODES, default=DROPOUT_MODES[0]
    )
    label_smoothing: float = _option("Share of each label given to all classes alike.", float, least=0, below=1)
    average: float = _option(
        "Test and keep a running average of the parameters, in which each step leaves this share of what was; 0 for none.",
        float, least=0, below=1,
    )  # fmt: skip
    precise_bn: int = _option(
        "Training samples, unaugmented, over which batch_norm's statistics are taken anew before each test;"
        " 0 keeps those of the steps.",
        int, least=0,
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
    check_shape: bool = _option(
        "Print each layer's settings and its shapes at the first batch; the training stays what it is.",
        bool, default=False,
    )  # fmt: skip
    check_content: bool = _option(
        "Print statistics of parameters and activations with each line of cost in the first pass; likewise.",
        bool, default=False,
    )  # fmt: skip
    log_to: str = _option(
        f"Log for these too, below the run's folder: 'none', or {','.join(loggers.PACKAGES)}.",
        parse=loggers.parse, default=NONE,
    )  # fmt: skip
    run: str = _option("Name of the run's folder; the model's name unless given.")
    runs_dir: str = _option("Folder that holds the runs.", default="runs")

    def __post_init__(self) -> None:
        self._check("model", "preset")  # first, because the others' defaults hang on them
        model = find_model(self.model)
        recipe = PRESETS[self.preset] or model.recipe
        self._fill_in({"optimizer": recipe.optimizer, "loss": model.loss, "run": short_name(self.model)})
        self._check("optimizer", "momentum")
        optimizer, _ = optimizers.settings_of(self)
        if optimizer != optimizers.parse(recipe.optimizer)[0]:
            row = OPTIMIZERS[optimizer]
            self._fill_in({"learning_rate": row.learning_rate, "decay": row.decay})
        self._fill_in(dataclasses.asdict(recipe))
        # Indexing an array is not worth a thread: a batch of MNIST's takes less than handing it over.
        self._fill_in({"prefetch": 0 if self.augment == NONE else 4})
        self._check(*_OPTIONS)
        if self.label_smoothing and self.loss == MSE:
            raise UsageError(f"label_smoothing is {self.label_smoothing}, and {MSE} has no labels (leave it out)")
        if self.warmup and self.linear_lr_warmup != NONE:
            raise UsageError(f"warmup is {self.warmup}, and a linear_lr_warmup comes in its stead (--warmup 0)")

    def _check(self, *names: str) -> None:
        for name in names:
            object.__setattr__(self, name, _OPTIONS[name].check(name, getattr(self, name)))

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
    options = read_options(file, **given)
    try:
        return TrainConfig(**options)
    except UsageError as error:
        raise UsageError(f"{error} (among the options of {file} and the command)" if file else str(error)) from None


def read_options(file: Path | None = None, **given: Any) -> dict[str, Any]:
    """Return the options `given` (None counts as not given) over those of `file`, JSON or TOML.

    Raises UsageError where the file cannot be read or names an unknown option.
    """
    options = _read(file) if file else {}
    options.update({name: value for name, value in given.items() if value is not None})
    return options


def read_option(name: str, text: str) -> Any:
    """Return what `text` says for an option of TrainConfig, the kind being right.

    Raises UsageError where it is of another kind or there is no such option.
    """
    if name not in _OPTIONS:
        raise UsageError(f"no such option '{name}'{closest(name, _OPTIONS)}")
    return Setting(_OPTIONS[name].kind).read(name, text)


def config_options(command: Command) -> Command:
    """Give a click command a flag for every option of TrainConfig; a flag that is not used passes None."""
    of_model = {"loss", *(field.name for field in dataclasses.fields(Recipe))}
    for field in reversed(dataclasses.fields(TrainConfig)):
        option = _OPTIONS[field.name]
        flag = field.name.replace("_", "-")
        has_default = field.default not in (None, False)
        command = click.option(
            f"--{flag}/--no-{flag}" if option.kind is bool else f"--{flag}",
            default=None,
            type=Choice(list(option.choices)) if option.choices else option.kind,
            help=option.help,
            show_default="the model's" if field.name in of_model else has_default and str(field.default),
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
