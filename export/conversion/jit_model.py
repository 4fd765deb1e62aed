"""A model that paddle.jit.save wrote in Paddle 2: found by its prefix, told apart from what else has such names, and read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from export.conversion.paddle_files import load_parameters, parse_program, suffixed
from export.conversion.paddle_model import make_model, parameter_names, strip_feed_fetch
from export.conversion.saved_model import SavedModel, refuse_training, refuse_without_ends
from fluidline.errors import DataError

PROGRAM, PARAMETERS = ".pdmodel", ".pdiparams"
_SUFFIXES = (PROGRAM, PARAMETERS, f"{PARAMETERS}.info")
_PADDLE_3, _PADDLE_3_MARK, _PADDLE_3_HEAD = ".json", b'"pir"', 200  # its program, which says so in its first bytes
_CHECKPOINT = (".pdparams", ".pdopt")

_MEND = (
    "save the layer for inference: layer.set_state_dict(paddle.load(FILE)), layer.eval(), and "
    "paddle.jit.save(layer, PREFIX, input_spec=[paddle.static.InputSpec(shape, dtype, name)])"
)


def read_jit(prefix: Path) -> SavedModel:
    """Return the model in PREFIX.pdmodel and PREFIX.pdiparams; any of its files stands for the prefix.

    A network without parameters has no second file. Raises DataError where a half is missing or torn, or where the files
    are something else: a state dict, a training program, a model of Paddle 3.
    """
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if prefix.is_file() and prefix.name.endswith(suffix):
            prefix = prefix.with_name(prefix.name.removesuffix(suffix))
    program_file, parameters_file = suffixed(prefix, PROGRAM), suffixed(prefix, PARAMETERS)
    if not program_file.is_file():
        raise DataError(_explained(prefix, parameters_file))
    program = parse_program(program_file)
    refuse_training(program, program_file, _MEND)
    feeds, fetches = strip_feed_fetch(program)
    refuse_without_ends(program_file, feeds, fetches, _MEND)
    names = parameter_names(program)
    if names and not parameters_file.is_file():
        also = _checkpoint_beside(prefix)
        raise DataError(
            f"{program_file} lacks its other half, {parameters_file.name} with {len(names)} parameters"
            + (f" ({also.name} is a state dict, not that); {_MEND}" if also else " (copy both files, or save it again)")
        )
    files = (parameters_file,) if names else ()
    scope = load_parameters(program, parameters_file if names else {})
    return SavedModel(replace(make_model(program, feeds, fetches, scope), is_fluid=False), program_file, files)


def _explained(prefix: Path, parameters: Path) -> str:
    """Say what is there in place of a program."""
    if prefix.suffix in _CHECKPOINT and prefix.is_file():
        return f"{prefix} is a state dict, parameters without a network; {_MEND}"
    paddle_3 = suffixed(prefix, _PADDLE_3)
    if paddle_3.is_file() and _PADDLE_3_MARK in paddle_3.read_bytes()[:_PADDLE_3_HEAD]:
        return (
            f"{paddle_3} is a program of Paddle 3 (save it there with FLAGS_enable_pir_api=0 in the environment, which "
            "writes a .pdmodel, or in Paddle 2.6)"
        )
    if parameters.is_file():
        return f"{parameters} lacks its other half, {prefix.name}{PROGRAM} (copy both files, or save it again)"
    if also := _checkpoint_beside(prefix):
        return f"{also} is a state dict, parameters without a network; {_MEND}"
    folder = prefix if prefix.is_dir() else prefix.parent
    found = sorted(file.name.removesuffix(PROGRAM) for file in folder.glob(f"*{PROGRAM}")) if folder.is_dir() else []
    there = (
        f"{folder} holds models by the prefixes {', '.join(found)}"
        if found
        else "give --from-jit what paddle.jit.save got"
    )
    return f"no such model: {prefix}{PROGRAM} ({there})"


def _checkpoint_beside(prefix: Path) -> Path | None:
    files = (suffixed(prefix, suffix) for suffix in _CHECKPOINT)
    return next((file for file in files if file.is_file()), None)
