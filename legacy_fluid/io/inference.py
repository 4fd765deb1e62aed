"""Inference models: the part of a program that leads from what is fed to what is wanted, with its parameters."""

from __future__ import annotations

import os
import warnings
from typing import Any

from .. import core, layers
from ..framework import Program, Variable, program_guard
from .description import serialized
from .variables import load_persistables, save_persistables, valid_program

__all__ = ["load_inference_model", "save_inference_model"]


def save_inference_model(
    dirname: str,
    feeded_var_names: Any,
    target_vars: Any,
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
        target_vars: Variables.
        model_filename: of the program; `__model__` where None.
        params_filename: of all parameters in one; a file each where None.
        export_for_deployment: False keeps the whole program, to train on, as `MODEL.main_program`.
        program_only: leave the parameters out.

    Returns:
        the names of the outputs.

    Raises:
        ValueError: names that are no strings, targets that are no Variables, or none.
    """
    feeds = [feeded_var_names] if isinstance(feeded_var_names, str) else list(feeded_var_names or [])
    targets = [target_vars] if isinstance(target_vars, Variable) else list(target_vars or [])
    if export_for_deployment:
        if not all(isinstance(name, str) for name in feeds):
            raise ValueError(f"feeded_var_names is a list of names, not {feeded_var_names!r}")
        if not targets or not all(isinstance(var, Variable) for var in targets):
            raise ValueError(f"target_vars is a list of Variables, not {target_vars!r}")
    program = valid_program(main_program)
    for op in program.global_block().ops:
        op._set_attr(core.op_proto_and_checker_maker.kOpDeviceAttrName(), "")
        if op.type == "auc":
            warnings.warn("set the states of auc to zero before saving an inference model", stacklevel=2)
    with program_guard(program):
        # A scale by one: without it an output that another operator overwrites would be pruned.
        targets = [
            layers.scale(var, 1.0, name=f"save_infer_model/scale_{index}") if isinstance(var, Variable) else var
            for index, var in enumerate(targets)
        ]
    names = [var.name for var in targets]
    dirname = os.path.normpath(dirname)
    os.makedirs(dirname, exist_ok=True)
    model_path = os.path.join(dirname, os.path.basename(model_filename or "__model__"))
    if export_for_deployment:
        program = _inference_program(program, feeds, targets)
    else:
        model_path += ".main_program"
    with open(model_path, "wb") as file:
        file.write(serialized(program))
    if program_only:
        warnings.warn("program_only: the parameters are not saved", stacklevel=2)
        return names
    save_persistables(executor, dirname, program, os.path.basename(params_filename) if params_filename else None)
    return names


def _inference_program(program: Any, feeds: list[str], targets: list[Any]) -> Any:
    """Return a pruned copy with the feed and fetch operators around it."""
    copy = program.clone()
    block = copy.global_block()
    for index in reversed(range(len(block.ops))):
        block.ops[index].desc.set_is_target(False)
        if block.ops[index].type in ("feed", "fetch"):
            block._remove_op(index)
    copy.desc.flush()
    pruned = copy._prune_with_input(feeded_var_names=feeds, targets=targets)
    pruned = pruned._inference_optimize(prune_read_op=True)
    prepend_feed_ops(pruned, feeds)
    append_fetch_ops(pruned, [var.name for var in targets])
    return pruned


def prepend_feed_ops(inference_program: Any, feed_target_names: list[str], feed_holder_name: str = "feed") -> None:
    """Put an operator that feeds each variable at the head of a program."""
    if not feed_target_names:
        return
    block = inference_program.global_block()
    holder = block.create_var(name=feed_holder_name, type=core.VarDesc.VarType.FEED_MINIBATCH, persistable=True)
    for index, name in enumerate(feed_target_names):
        block._prepend_op(type="feed", inputs={"X": [holder]}, outputs={"Out": [block.var(name)]}, attrs={"col": index})


def append_fetch_ops(inference_program: Any, fetch_target_names: list[str], fetch_holder_name: str = "fetch") -> None:
    """Put an operator that fetches each variable at the end of a program."""
    block = inference_program.global_block()
    holder = block.create_var(name=fetch_holder_name, type=core.VarDesc.VarType.FETCH_LIST, persistable=True)
    for index, name in enumerate(fetch_target_names):
        block.append_op(type="fetch", inputs={"X": [name]}, outputs={"Out": [holder]}, attrs={"col": index})


def load_inference_model(
    dirname: str | None,
    executor: Any,
    model_filename: Any = None,
    params_filename: Any = None,
    pserver_endpoints: Any = None,
) -> list[Any]:
    """Read an inference model into the current scope.

    Args:
        dirname: with None, `model_filename` and `params_filename` are the bytes of the program and of the parameters.
        model_filename: of the program; `__model__` where None.
        params_filename: of all parameters in one; a file each where None.

    Returns:
        the program, the names of its inputs, and its output Variables.

    Raises:
        ValueError: no such folder.
    """
    if dirname is None:
        if params_filename is None:
            raise ValueError("without a dirname, params_filename is the bytes of the parameters, and cannot be None")
        binary = model_filename
    else:
        dirname = os.path.normpath(dirname)
        if not os.path.isdir(dirname):
            raise ValueError(f"there is no folder {dirname} to load an inference model from")
        params_filename = os.path.basename(params_filename) if params_filename else None
        with open(os.path.join(dirname, os.path.basename(model_filename or "__model__")), "rb") as file:
            binary = file.read()
    program = Program.parse_from_string(binary)
    load_persistables(executor, dirname, program, params_filename)
    block = program.global_block()
    outputs = [block.var(name) for name in program.desc.get_fetch_target_names()]
    return [program, program.desc.get_feed_target_names(), outputs]
