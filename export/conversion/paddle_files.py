"""Paddle models on disk: programs and parameters read and written, in the layouts of Paddle 2.x and of fluid."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from export.conversion.paddle_model import PaddleModel, make_model, parameter_names, static_mode, strip_feed_fetch
from export.conversion.tensor_files import read_tensors
from fluidline.errors import DataError


def load_2x(prefix: Path) -> PaddleModel:
    """Return the model in PREFIX.pdmodel and PREFIX.pdiparams. Raises DataError where they are absent or torn."""
    program = parse_program(suffixed(prefix, ".pdmodel"))
    feeds, fetches = strip_feed_fetch(program)
    return make_model(program, feeds, fetches, load_parameters(program, suffixed(prefix, ".pdiparams")))


def load_fluid(folder: Path) -> PaddleModel:
    """Return the model in `__model__` and a file for each parameter. Raises DataError where one is absent or torn."""
    program = parse_program(folder / "__model__")
    feeds, fetches = strip_feed_fetch(program)
    files = {name: folder / name for name in parameter_names(program)}
    return make_model(program, feeds, fetches, load_parameters(program, files))


@static_mode()
def load_checkpoint(prefix: Path, inputs: Sequence[str], outputs: Sequence[str]) -> tuple[PaddleModel, PaddleModel]:
    """Return the whole program of a checkpoint as fluid.save wrote it, and the part of it from `inputs` to `outputs`.

    The whole one also takes what else its program must be fed. Raises DataError where a file is absent, torn or lacks
    a parameter.
    """
    from legacy_fluid.io import load_program_state  # whose pickles may hold arrays and plain containers only

    program = parse_program(prefix.with_suffix(".pdmodel"))
    state = load_program_state(os.fspath(prefix))
    scope = set_parameters(program, state, prefix.with_suffix(".pdparams"))
    targets = [program.global_block().var(name) for name in outputs]
    pruned = program._prune_with_input(list(inputs), targets)._inference_optimize(prune_read_op=True)
    return make_model(program, _fed_names(program), outputs, scope), make_model(pruned, inputs, outputs, scope)


@static_mode()
def save_2x(model: PaddleModel, prefix: Path) -> None:
    """Write PREFIX.pdmodel and PREFIX.pdiparams, the layout that paddle.inference and paddle2onnx read."""
    import paddle

    variables = [[model.block.var(spec.name) for spec in specs] for specs in (model.inputs, model.outputs)]
    with paddle.static.scope_guard(model.scope), paddle.utils.unique_name.guard():
        executor = paddle.static.Executor(paddle.CPUPlace())
        paddle.static.save_inference_model(os.fspath(prefix), *variables, executor, program=model.program.clone())


@static_mode()
def save_fluid(model: PaddleModel, folder: Path) -> None:
    """Write `__model__` and a file for each parameter, as fluid.io.save_inference_model does."""
    import legacy_fluid as fluid

    targets = [model.block.var(spec.name) for spec in model.outputs]
    with fluid.scope_guard(model.scope):
        executor = fluid.Executor(fluid.CPUPlace())
        names = [spec.name for spec in model.inputs]
        fluid.io.save_inference_model(os.fspath(folder), names, targets, executor, main_program=model.program)


@static_mode()
def parse_program(path: Path) -> Any:
    """Return the Program in a file. Raises DataError where it is absent, empty or no program."""
    import paddle

    if not path.is_file():
        raise DataError(f"no such program file: {path}")
    content = path.read_bytes()
    try:
        program = paddle.static.Program.parse_from_string(content)
    except ValueError as error:
        raise DataError(f"{path} is not a Paddle program, or is torn ({len(content)} bytes); save it again") from error
    if not any(block.ops for block in program.blocks):
        raise DataError(f"{path} holds no operators ({len(content)} bytes); save it again")
    for block in program.blocks:
        for op in block.ops:
            _complete_attributes(op)
    return program


def suffixed(prefix: Path, suffix: str) -> Path:
    """Return the file of a prefix, whose name may have dots of its own."""
    return prefix.with_name(prefix.name + suffix)


def load_parameters(program: Any, files: Mapping[str, Path] | Path) -> Any:
    """Return a new scope with the parameters of `program`, from a file each or from one file that holds all.

    Raises DataError where a file is missing, torn or of another program.
    """
    names = parameter_names(program)
    if isinstance(files, Path):
        values = read_tensors(files, len(names))
        return set_parameters(program, dict(zip(names, values, strict=True)), files)
    state = {}
    for name in names:
        if not files[name].is_file():
            raise DataError(f"the parameter '{name}' has no file {files[name]} (save the model again)")
        [state[name]] = read_tensors(files[name], 1)
    return set_parameters(program, state, next(iter(files.values()), Path()).parent)


def set_parameters(program: Any, state: Mapping[str, np.ndarray], source: Path) -> Any:
    """Return a new scope with the parameters of `program` out of `state`.

    Raises DataError where one is missing or of another shape.
    """
    import paddle

    scope = paddle.static.Scope()
    for name in parameter_names(program):
        if name not in state:
            raise DataError(f"{source} lacks the parameter '{name}' of its program (train again)")
        value, expected = np.asarray(state[name]), tuple(program.global_block().var(name).shape)
        if value.shape != expected:
            raise DataError(f"parameter '{name}' in {source} has shape {value.shape}, its program says {expected}")
        scope.var(name).get_tensor().set(value, paddle.CPUPlace())
    return scope


def _complete_attributes(op: Any) -> None:
    """Set the attributes that the operator has gained since the file was written to their defaults.

    Paddle's executor does that by itself; paddle2onnx aborts without them.
    """
    from paddle.base import core

    for name, value in core.get_op_attrs_default_value(op.type.encode()).items():
        if not op.has_attr(name):
            op._set_attr(name, value)


def _fed_names(program: Any) -> list[str]:
    """Return the names of the variables that operators read and none writes, parameters aside: what must be fed."""
    block = program.global_block()
    written: set[str] = set()
    fed: dict[str, None] = {}
    for op in block.ops:
        unknown = set(op.input_arg_names) - written
        fed.update((name, None) for name in sorted(unknown) if not block.var(name).persistable)
        written.update(op.output_arg_names)
    return list(fed)
