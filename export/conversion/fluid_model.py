"""A model that fluid 1.x saved: found in its folder, told apart from a training checkpoint, and read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.conversion.paddle_files import load_parameters, parse_program
from export.conversion.paddle_model import PaddleModel, make_model, parameter_names, strip_feed_fetch
from fluidline.errors import DataError

MODEL_FILE = "__model__"
_PROGRAM_START = b"\n"  # a program is a protobuf message whose first field is the list of blocks
_TENSOR_START = b"\0\0\0\0"  # a parameter begins with its version, 0
_BACKWARD, _OPTIMIZE = 1, 2  # bits of an operator's role

_MEND = (
    "save an inference model from the script that trained it: build the network, load the parameters, and call "
    "fluid.io.save_inference_model(folder, [names of the inputs], [predictions], exe)"
)


@dataclass(frozen=True)
class FluidModel:
    """A model and the files that it was read from."""

    model: PaddleModel
    program_file: Path
    parameter_files: tuple[Path, ...]


def read_fluid(folder: Path, model_filename: str | None = None, params_filename: str | None = None) -> FluidModel:
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
    _refuse_training(program, program_file)
    feeds, fetches = strip_feed_fetch(program)
    if not feeds or not fetches:
        ends = "inputs and outputs" if not feeds and not fetches else "outputs" if feeds else "inputs"
        raise DataError(
            f"{program_file} is a program without declared {ends} (it has no {'feed' if not feeds else 'fetch'} "
            f"operators, so that save_inference_model did not write it); {_MEND}"
        )
    parameters = _find_parameters(folder, program, program_file, params_filename)
    files = (parameters,) if isinstance(parameters, Path) else tuple(parameters.values())
    return FluidModel(make_model(program, feeds, fetches, load_parameters(program, parameters)), program_file, files)


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


def _refuse_training(program: Any, file: Path) -> None:
    ops = [op for block in program.blocks for op in block.ops]
    training = [op.type for op in ops if op.has_attr("op_role") and op.attr("op_role") & (_BACKWARD | _OPTIMIZE)]
    training = list(dict.fromkeys(training + [op.type for op in ops if op.type.endswith("_grad")]))
    if training:
        shown = ", ".join(training[:4]) + (", ..." if len(training) > 4 else "")
        raise DataError(f"{file} is a training program, not an inference model (it has {shown}); {_MEND}")


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
