"""`fluid.io`: parameters and models on disk, in the formats of fluid 1.8."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from . import core
from .executor import global_scope
from .framework import Parameter, Program, Variable, default_main_program, program_guard

__all__ = [
    "load_inference_model",
    "load_params",
    "load_persistables",
    "load_vars",
    "save_inference_model",
    "save_params",
    "save_persistables",
    "save_vars",
]

_NOT_ON_DISK = (
    core.VarDesc.VarType.FEED_MINIBATCH,
    core.VarDesc.VarType.FETCH_LIST,
    core.VarDesc.VarType.READER,
)


def is_persistable(var: Any) -> bool:
    """Whether a variable outlives a run and is kept on disk."""
    return var.desc.type() not in _NOT_ON_DISK and var.persistable


def is_parameter(var: Any) -> bool:
    """Whether a variable is a parameter."""
    return isinstance(var, Parameter)


def _transfer(op_type: str, program: Any, variables: list[Any], dirname: str | None, filename: str | None) -> Program:
    """Return a program of `save` or `load` operators: one a variable, or one `*_combine` for all where `filename`."""
    transfer = Program()
    block = transfer.global_block()
    clones = [
        block.create_var(
            name=var.name,
            shape=var.shape,
            dtype=var.dtype,
            type=var.type,
            lod_level=var.lod_level if var.type == core.VarDesc.VarType.LOD_TENSOR else None,
            persistable=True,
        )
        for var in sorted(variables, key=lambda var: var.name)
        if var.type != core.VarDesc.VarType.RAW
    ]
    side = "inputs" if op_type == "save" else "outputs"
    slot = "X" if op_type == "save" else "Out"
    other = {"outputs": {}} if op_type == "save" else {"inputs": {}}
    if filename is None:
        for var in clones:
            path = os.path.join(os.path.normpath(dirname or ""), var.name)
            block.append_op(type=op_type, **{side: {slot: [var]}}, **other, attrs={"file_path": path})
    elif clones:
        path = os.path.join(dirname or "", filename)
        block.append_op(type=f"{op_type}_combine", **{side: {slot: clones}}, **other, attrs={"file_path": path})
    return transfer


def _chosen(main_program: Any, vars: Any, predicate: Callable[[Any], bool] | None) -> tuple[Any, list[Any]]:
    program = main_program or default_main_program()
    if not isinstance(program, Program):
        raise TypeError(f"main_program is a Program, not {program!r}")
    if vars is None:
        return program, [var for var in program.list_vars() if predicate is None or predicate(var)]
    return program, [program.global_block().var(var) if isinstance(var, str) else var for var in vars]


def save_vars(
    executor: Any,
    dirname: str | None,
    main_program: Any = None,
    vars: Any = None,
    predicate: Callable[[Any], bool] | None = None,
    filename: str | None = None,
) -> None:
    """Write variables of the current scope: a file each, or all in `filename`.

    Args:
        vars: which; those for which `predicate` holds where None.
    """
    program, chosen = _chosen(main_program, vars, predicate)
    os.makedirs(dirname or ".", exist_ok=True)
    executor.run(_transfer("save", program, chosen, dirname, filename))


def load_vars(
    executor: Any,
    dirname: str | None,
    main_program: Any = None,
    vars: Any = None,
    predicate: Callable[[Any], bool] | None = None,
    filename: str | None = None,
) -> None:
    """Read into the current scope what `save_vars` wrote.

    Raises:
        ValueError: a parameter on disk has another shape than in the program.
    """
    program, chosen = _chosen(main_program, vars, predicate)
    executor.run(_transfer("load", program, chosen, dirname, filename))
    for var in chosen:
        if not isinstance(var, Parameter):
            continue
        found = global_scope().find_var(var.name).get_tensor().shape()
        if list(found) != list(var.shape):
            raise ValueError(f"parameter {var.name} has the shape {var.shape} in the program and {found} in {dirname}")


def save_params(executor: Any, dirname: str, main_program: Any = None, filename: str | None = None) -> None:
    """Write the parameters: a file each, or all in `filename`."""
    save_vars(executor, dirname, main_program, predicate=is_parameter, filename=filename)


def load_params(executor: Any, dirname: str, main_program: Any = None, filename: str | None = None) -> None:
    """Read what `save_params` wrote."""
    load_vars(executor, dirname, main_program, predicate=is_parameter, filename=filename)


def save_persistables(executor: Any, dirname: str, main_program: Any = None, filename: str | None = None) -> None:
    """Write parameters and optimizer state: a file each, or all in `filename`."""
    save_vars(executor, dirname, main_program, predicate=is_persistable, filename=filename)


def load_persistables(executor: Any, dirname: str, main_program: Any = None, filename: str | None = None) -> None:
    """Read what `save_persistables` wrote."""
    load_vars(executor, dirname, main_program, predicate=is_persistable, filename=filename)


# --- inference models -------------------------------------------------------------------------------------------------


def save_inference_model(
    dirname: str,
    feeded_var_names: list[str],
    target_vars: list[Any],
    executor: Any,
    main_program: Any = None,
    model_filename: str | None = None,
    params_filename: str | None = None,
    export_for_deployment: bool = True,
    program_only: bool = False,
) -> list[str]:
    """Write the part of a program that computes `target_vars` from what is fed, and its parameters.

    Args:
        feeded_var_names: the inputs' names.
        model_filename: of the program; `__model__` where None.
        params_filename: of all parameters in one; a file each where None.
        export_for_deployment: False keeps the whole program, to train on.
        program_only: leave the parameters out.

    Returns:
        the names of the target variables.
    """
    feeds = [feeded_var_names] if isinstance(feeded_var_names, str) else list(feeded_var_names)
    targets = [target_vars] if isinstance(target_vars, Variable) else list(target_vars)
    program = main_program or default_main_program()
    os.makedirs(dirname, exist_ok=True)
    # A scale by one gives each target a name of its own, whatever else reads or writes it.
    with program_guard(program.clone() if export_for_deployment else program):
        if export_for_deployment:
            program = default_main_program()
            targets = [_scaled_by_one(program.global_block(), var, i) for i, var in enumerate(targets)]
    model_path = os.path.join(dirname, os.path.basename(model_filename or "__model__"))
    whole = program
    if export_for_deployment:
        program = _inference_program(program, feeds, targets)
    with open(model_path, "wb") as file:
        file.write(program.desc.serialize_to_string())
    if not program_only:
        kept = program if export_for_deployment else whole
        name = os.path.basename(params_filename) if params_filename else None
        save_persistables(executor, dirname, kept, name)
    return [var.name for var in targets]


def _scaled_by_one(block: Any, var: Any, index: int) -> Any:
    out = block.create_var(name=f"save_infer_model/scale_{index}", dtype=var.dtype, lod_level=var.lod_level)
    block.append_op(type="scale", inputs={"X": [block.var(var.name)]}, outputs={"Out": [out]}, attrs={"scale": 1.0})
    return out


def _inference_program(program: Any, feeds: list[str], targets: list[Any]) -> Any:
    """Return the pruned program with feed and fetch operators around it."""
    for index, op in reversed(list(enumerate(program.global_block().ops))):
        if op.type in ("feed", "fetch"):
            program.global_block()._remove_op(index)
    program.desc.flush()
    pruned = program._prune_with_input(feeded_var_names=feeds, targets=targets)._inference_optimize(prune_read_op=True)
    _prepend_feed_ops(pruned, feeds)
    _append_fetch_ops(pruned, [var.name for var in targets])
    pruned.desc._set_version()
    return pruned


def _prepend_feed_ops(program: Any, names: list[str], holder_name: str = "feed") -> None:
    block = program.global_block()
    holder = block.create_var(name=holder_name, type=core.VarDesc.VarType.FEED_MINIBATCH, persistable=True)
    for index, name in enumerate(names):
        if not block.has_var(name):
            raise ValueError(f"the program has no variable {name} to feed (it does not lead to the targets)")
        block._prepend_op(type="feed", inputs={"X": [holder]}, outputs={"Out": [block.var(name)]}, attrs={"col": index})


def _append_fetch_ops(program: Any, names: list[str], holder_name: str = "fetch") -> None:
    block = program.global_block()
    holder = block.create_var(name=holder_name, type=core.VarDesc.VarType.FETCH_LIST, persistable=True)
    for index, name in enumerate(names):
        block.append_op(type="fetch", inputs={"X": [name]}, outputs={"Out": [holder]}, attrs={"col": index})


def load_inference_model(
    dirname: str,
    executor: Any,
    model_filename: str | None = None,
    params_filename: str | None = None,
    pserver_endpoints: Any = None,
) -> list[Any]:
    """Read an inference model into the current scope.

    Args:
        model_filename: of the program; `__model__` where None.
        params_filename: of all parameters in one; a file each where None.

    Returns:
        the program, the names of its inputs, and its output Variables.

    Raises:
        ValueError: no such folder.
    """
    if not os.path.isdir(dirname):
        raise ValueError(f"there is no folder {dirname} to load an inference model from")
    with open(os.path.join(dirname, os.path.basename(model_filename or "__model__")), "rb") as file:
        program = Program.parse_from_string(file.read())
    name = os.path.basename(params_filename) if params_filename else None
    load_persistables(executor, dirname, program, name)
    block = program.global_block()
    feeds = sorted((op for op in block.ops if op.type == "feed"), key=lambda op: op.attr("col"))
    fetches = sorted((op for op in block.ops if op.type == "fetch"), key=lambda op: op.attr("col"))
    return [program, [op.output("Out")[0] for op in feeds], [block.var(op.input("X")[0]) for op in fetches]]
