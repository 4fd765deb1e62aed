"""The options of a training: where each comes from, and what is said about a wrong one."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from fluidline.errors import UsageError
from pipeline.config import TrainConfig, load_config
from pipeline.models import MODELS, PRESETS
from pipeline.train import command

OPTIONS = [field.name for field in dataclasses.fields(TrainConfig)]


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_a_flag_with_help_and_a_key_of_a_file(name: str, tmp_path: Path) -> None:
    flag = next(param for param in command.params if param.name == name)
    assert flag.opts == ["--" + name.replace("_", "-")]
    assert flag.help

    value = getattr(TrainConfig(data="builtin"), name)
    file = tmp_path / "options.json"
    file.write_text(json.dumps({name: value}))
    assert getattr(load_config(file), name) == value


@pytest.mark.parametrize("model", MODELS)
def test_what_is_left_out_comes_from_the_models_recipe(model: str) -> None:
    config = TrainConfig(model=model)
    assert config.run == model
    for name, value in dataclasses.asdict(MODELS[model].recipe).items():
        assert getattr(config, name) == value


def test_the_books_preset_is_the_books_settings() -> None:
    config = TrainConfig(preset="book")
    assert (config.epochs, config.batch_size, config.learning_rate, config.decay) == (5, 64, 0.001, "constant")
    assert (config.l2, config.shuffle_buffer) == (0.0, 500)


def test_flags_win_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "options.toml"
    file.write_text('preset = "book"\nbatch-size = 32\nepochs = 7\n')
    config = load_config(file, epochs=9, seed=None)
    assert PRESETS["book"] is not None
    assert (config.epochs, config.batch_size, config.learning_rate) == (9, 32, PRESETS["book"].learning_rate)


def test_a_run_can_be_made_again_from_its_own_config(tmp_path: Path) -> None:
    config = TrainConfig(model="mlp", epochs=3, learning_rate=0.01, seed=7)
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**config.as_dict(), "versions": {"numpy": "1"}}))
    assert load_config(file) == config


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("model", "lenat", "no such model: 'lenat' (did you mean 'lenet'?)"),
        ("preset", "boook", "did you mean 'book'?"),
        ("decay", "linea", "did you mean 'linear'?"),
        ("epochs", 0, "epochs is 0, and must be at least 1"),
        ("epochs", 2.5, "epochs is 2.5, which is not a whole number"),
        ("epochs", True, "epochs is True, which is not a whole number"),
        ("learning_rate", 0, "learning_rate is 0.0, and must be above 0"),
        ("learning_rate", float("nan"), "learning_rate is nan, which is not a number"),
        ("l2", -1.0, "l2 is -1.0, and must be at least 0"),
        ("seed", -1, "seed is -1, and must be at least 0"),
        ("seed", 2**31, "seed is 2147483648, and must be at most"),
        ("model", 5, "model is 5, which is not a text"),
        ("data", 5, "data is 5, which is not a text"),
    ],
)
def test_a_wrong_value_is_named_with_its_mend(option: str, value: object, words: str) -> None:
    with pytest.raises(UsageError) as error:
        TrainConfig(**{option: value})
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", '{"epoch": 5}', "no such option 'epoch' (did you mean 'epochs'?)"),
        ("a.toml", "batchsize = 5", "no such option 'batchsize' (did you mean 'batch_size'?)"),
        ("a.json", '{"epochs": "five"}', "epochs is 'five', which is not a whole number"),
        ("a.json", "[5]", "holds no options by name"),
        ("a.json", "epochs = 5", "cannot read the options in"),
        ("a.toml", "epochs: 5", "cannot read the options in"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong_in_it(tmp_path: Path, name: str, text: str, words: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(UsageError) as error:
        load_config(file)
    assert words in str(error.value)
    assert str(file) in str(error.value)
