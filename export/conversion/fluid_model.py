"""A model that fluid 1.x saved: found in its folder, told apart from a training checkpoint, and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from export.conversion.paddle_files import load_parameters, parse_program
from export.conversion.paddle_model import make_model, parameter_names, strip_feed_fetch
from export.conversion.saved_model import SavedModel, refuse_training, refuse_without_ends
from fluidline.errors import DataError

MODEL_FILE = "__model__"
_PROGRAM_START = b"\n"  # a program is a protobuf message whose first field is the list of blocks
_TENSOR_START = b"\0\0\0\0"  # a parameter begins with its version, 0

_MEND = (
    "save an inference model from the script that trained it: build the network, load the parameters, and call "
    "fluid.io.save_inference_model(folder, [names of the inputs], [predictions], exe)"
)


def read_fluid(folder: Path, model_filename: str | None = None, params_filename: str | None = None) -> SavedModel:
    """Return the inference model in `folder`, with a file for each parameter or one for all of them.

    `model_filename` is `__model__`, or the only program there, unless given; `params_filename` the only file of
    parameters, where they have not a file each. Raises DataError where the folder holds no inference model, saying
    what it holds instead, or where a file is missing or torn.
    """
    if not folder.is_dir():
        what = f"is a file; give the folder that holds it: {folder.parent}" if folder.exists() else "does not exist"
        raise DataError(f"{folder} {what}")
    program_file = _find_program(folder, model_filename)
    program = parse_program(program_file)
    refuse_training(program, program_file, _MEND)
    feeds, fetches = strip_feed_fetch(program)
    refuse_without_ends(program_file, feeds, fetches, _MEND)
    parameters = _find_parameters(folder, program, program_file, params_filename)
    files = (parameters,) if isinstance(parameters, Path) else tuple(parameters.values())
    return SavedModel(make_model(program, feeds, fetches, load_parameters(program, parameters)), program_file, files)


def _find_program(folder: Path, name: str | None) -> Path:
    if name is not None:
        if not (folder / name).is_file():
            raise DataError(f"no such file: {folder / name} (there is: {_listed(folder)})")
        return folder / name
    if (folder / MODEL_FILE).is_file():
        return folder / MODEL_FILE
    programs = [file for file in _files(folder) if _is_program(file)]
    if len(programs) > 1:
        names = ", ".join(file.name for file in programs)
        raise DataError(f"{folder} holds several programs: {names} (name one: --model-filename FILE)")
    if not programs:
        raise DataError(f"{folder} holds no inference model: {_described(folder)}")
    return programs[0]


def _is_program(file: Path) -> bool:
    if not _starts_with(file, _PROGRAM_START):
        return False
    try:
        parse_program(file)
    except DataError:
        return False
    return True


def _described(folder: Path) -> str:
    """Say what a folder without a program holds, and how to come to an inference model."""
    files = _files(folder)
    saved = sorted(file.name for file in files if file.suffix in (".pdparams", ".pdopt"))
    if saved:
        return f"{', '.join(saved)} are a training checkpoint of fluid.save or fluid.save_dygraph; {_MEND}"
    tensors = [file.name for file in files if _starts_with(file, _TENSOR_START)]
    if tensors:
        shown = ", ".join(tensors[:3]) + (", ..." if len(tensors) > 3 else "")
        return (
            f"there are {len(tensors)} files of parameters ({shown}) and no program, as fluid.io.save_params and "
            f"save_persistables write them; {_MEND}"
        )
    return f"there is no {MODEL_FILE} (there is: {_listed(folder)})"


def _find_parameters(folder: Path, program: Any, program_file: Path, name: str | None) -> Path | dict[str, Path]:
    """Return the file of all parameters, or a file for each."""
    if name is not None:
        if not (folder / name).is_file():
            raise DataError(f"no such file: {folder / name} (there is: {_listed(folder)})")
        return folder / name
    separate = {parameter: folder / parameter for parameter in parameter_names(program)}
    missing = [parameter for parameter, file in separate.items() if not file.is_file()]
    if not missing:
        return separate
    candidates = [file for file in _files(folder) if _starts_with(file, _TENSOR_START) and file.name not in separate]
    if len(missing) < len(separate) or not candidates:
        raise DataError(
            f"{folder} lacks {len(missing)} of the {len(separate)} parameters of {program_file.name}: {missing[0]}"
            f"{', ...' if len(missing) > 1 else ''} (if one file holds them all, name it: --params FILE)"
        )
    if len(candidates) > 1:
        names = ", ".join(file.name for file in candidates)
        raise DataError(f"{folder} holds several files that may be the parameters: {names} (name one: --params FILE)")
    return candidates[0]


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file())


def _starts_with(file: Path, start: bytes) -> bool:
    with open(file, "rb") as opened:
        return opened.read(len(start)) == start


def _listed(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "nothing"
