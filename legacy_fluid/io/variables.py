"""Variables of a scope in files: one a variable, or one for all."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

from .. import core, unique_name
from ..compiler import CompiledProgram
from ..executor import global_scope
from ..framework import Parameter, Program, Variable, default_main_program

__all__ = [
    "get_program_parameter",
    "get_program_persistable_vars",
    "load_params",
    "load_persistables",
    "load_vars",
    "save_params",
    "save_persistables",
    "save_vars",
]

_NOT_ON_DISK = {
    core.VarDesc.VarType.FEED_MINIBATCH,
    core.VarDesc.VarType.FETCH_LIST,
    core.VarDesc.VarType.READER,
}


# --- which variables --------------------------------------------------------------------------------------------------


def is_parameter(var: Any) -> bool:
    """Whether a variable is a parameter."""
    return isinstance(var, Parameter)


def is_persistable(var: Any) -> bool:
    """Whether a variable outlives a run and is kept on disk."""
    return var.desc.type() not in _NOT_ON_DISK and var.persistable


def is_belong_to_optimizer(var: Any) -> bool:
    """Whether a variable is persistable and neither a parameter nor fed."""
    return not (isinstance(var, Parameter) or var.desc.need_check_feed()) and is_persistable(var)


def get_program_parameter(program: Any) -> list[Any]:
    """Return the parameters of a program."""
    return [var for var in program.list_vars() if is_parameter(var)]


def get_program_persistable_vars(program: Any) -> list[Any]:
    """Return the persistable variables of a program."""
    return [var for var in program.list_vars() if is_persistable(var)]


def get_parameter_value(para: Any, executor: Any) -> Any:
    """Return a parameter's value as an array."""
    assert is_parameter(para), f"{para} is no parameter"
    program = Program()
    return executor.run(program, feed={}, fetch_list=[_clone_into(program.global_block(), para)])[0]


def get_parameter_value_by_name(name: str, executor: Any, program: Any = None) -> Any:
    """Return the value of the parameter `name` of a program as an array."""
    return get_parameter_value((program or default_main_program()).global_block().var(name), executor)


def valid_program(main_program: Any) -> Any:
    """Return the Program that `main_program` stands for: itself, a compiled one's, or the default.

    Raises:
        TypeError: it is neither.
    """
    if main_program is None:
        return default_main_program()
    if isinstance(main_program, CompiledProgram):
        warnings.warn("a Program is saved and loaded, not a CompiledProgram: its Program is used", stacklevel=3)
        main_program = main_program._program
    if not isinstance(main_program, Program):
        raise TypeError(f"main_program is a fluid.Program, not {type(main_program)}")
    return main_program


# --- saving -----------------------------------------------------------------------------------------------------------


def save_vars(
    executor: Any,
    dirname: str | None,
    main_program: Any = None,
    vars: Any = None,
    predicate: Callable[[Any], bool] | None = None,
    filename: str | None = None,
) -> bytes | None:
    """Write variables of the current scope into `dirname`: a file each, or all in `filename`.

    Args:
        dirname: with None, and no filename, the bytes of such a file are returned.
        vars: which; those for which `predicate` holds where None.
    """
    to_memory = dirname is None and filename is None
    program = valid_program(main_program)
    chosen = list(filter(predicate, program.list_vars())) if vars is None else list(vars)
    if not chosen:
        warnings.warn("there is no variable to save in the program", stacklevel=2)
        return None
    saving = Program()
    block = saving.global_block()
    clones = {var.name: _clone_into(block, var) for var in chosen if var.type != core.VarDesc.VarType.RAW}
    if filename is None and not to_memory:
        for name, clone in clones.items():
            path = os.path.normpath(os.path.join(dirname or "", name))
            block.append_op(type="save", inputs={"X": [clone]}, outputs={}, attrs={"file_path": path})
        executor.run(saving)
        return None
    blob = block.create_var(type=core.VarDesc.VarType.RAW, name=unique_name.generate("saved_params"))
    blob.desc.set_persistable(True)
    block.append_op(
        type="save_combine",
        inputs={"X": [clones[name] for name in sorted(clones)]},
        outputs={"Y": blob},
        attrs={"file_path": _path(dirname, filename), "save_to_memory": to_memory},
    )
    executor.run(saving)
    return global_scope().find_var(blob.name).get_bytes() if to_memory else None


def _path(dirname: str | None, filename: str | None) -> str:
    return "" if filename is None else os.path.join(os.path.normpath(dirname or "."), filename)


def _clone_into(block: Any, var: Any) -> Any:
    assert isinstance(var, Variable), f"{var!r} is no Variable"
    dense = {"lod_level": var.lod_level} if var.desc.type() == core.VarDesc.VarType.LOD_TENSOR else {}
    return block.create_var(name=var.name, shape=var.shape, dtype=var.dtype, type=var.type, persistable=True, **dense)


def save_params(executor: Any, dirname: str | None, main_program: Any = None, filename: str | None = None) -> Any:
    """Write the parameters: a file each, or all in `filename`."""
    return save_vars(executor, dirname, main_program, predicate=is_parameter, filename=filename)


def save_persistables(executor: Any, dirname: str | None, main_program: Any = None, filename: str | None = None) -> Any:
    """Write parameters, statistics and optimizer state: a file each, or all in `filename`."""
    return save_vars(executor, dirname, main_program, predicate=is_persistable, filename=filename)


# --- loading ----------------------------------------------------------------------------------------------------------


def load_vars(
    executor: Any,
    dirname: str | None,
    main_program: Any = None,
    vars: Any = None,
    predicate: Callable[[Any], bool] | None = None,
    filename: Any = None,
) -> None:
    """Read into the current scope what `save_vars` wrote.

    Args:
        dirname: with None, `filename` is the bytes that `save_vars` returned.

    Raises:
        RuntimeError: a parameter on disk has another shape than in the program.
    """
    program = main_program or default_main_program()
    if not isinstance(program, Program):
        raise TypeError(f"main_program is a fluid.Program, not {type(program)}")
    chosen = list(filter(predicate, program.list_vars())) if vars is None else list(vars)
    loading = Program()
    block = loading.global_block()
    clones = {var.name: _clone_into(block, var) for var in chosen if var.type != core.VarDesc.VarType.RAW}
    if filename is None:
        if dirname is None:
            raise ValueError("where from? give a dirname, or the bytes of the variables as filename")
        for name, clone in clones.items():
            path = os.path.join(os.path.normpath(dirname), name)
            block.append_op(type="load", inputs={}, outputs={"Out": [clone]}, attrs={"file_path": path})
    else:
        block.append_op(
            type="load_combine",
            inputs={},
            outputs={"Out": [clones[name] for name in sorted(clones)]},
            attrs={
                "file_path": filename if dirname is None else _path(dirname, filename),
                "model_from_memory": dirname is None,
            },
        )
    shapes = {var.name: tuple(var.desc.shape()) for var in chosen if isinstance(var, Parameter)}
    executor.run(loading)
    for name, shape in shapes.items():
        found = tuple(global_scope().find_var(name).get_tensor().shape())
        if found != shape:
            raise RuntimeError(f"parameter {name} has the shape {shape} in the program, and {found} in the file")


def load_params(executor: Any, dirname: str | None, main_program: Any = None, filename: Any = None) -> None:
    """Read what `save_params` wrote."""
    load_vars(executor, dirname, main_program, predicate=is_parameter, filename=filename)


def load_persistables(executor: Any, dirname: str | None, main_program: Any = None, filename: Any = None) -> None:
    """Read what `save_persistables` wrote."""
    load_vars(executor, dirname, main_program, predicate=is_persistable, filename=filename)
