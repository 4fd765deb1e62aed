"""`fluid.save` and `fluid.load`: the state of a program by name, in `.pdparams`, `.pdopt` and `.pdmodel`."""

from __future__ import annotations

import logging
import os
import pickle
import warnings
from typing import Any

import numpy as np

from .. import core
from ..executor import Executor, global_scope, scope_guard
from ..framework import Program, Variable
from .description import serialized
from .pickles import load_pickle
from .variables import (
    get_program_parameter,
    get_program_persistable_vars,
    is_belong_to_optimizer,
    load_vars,
)

__all__ = ["load", "load_program_state", "save", "set_program_state"]

_log = logging.getLogger(__name__)
_ENDINGS = (".pdparams", ".pdopt", ".pdmodel")


def save(program: Any, model_path: str) -> None:
    """Write parameters, optimizer state and program as `model_path` with `.pdparams`, `.pdopt` and `.pdmodel`."""
    assert os.path.basename(model_path), f"model_path is folder/name, and {model_path!r} has no name"
    if folder := os.path.dirname(model_path):
        os.makedirs(folder, exist_ok=True)
    for ending, variables in (
        (".pdparams", get_program_parameter(program)),
        (".pdopt", [var for var in program.list_vars() if is_belong_to_optimizer(var)]),
    ):
        values = {var.name: np.array(_tensor(var)) for var in variables}
        with open(model_path + ending, "wb") as file:
            pickle.dump(values, file, protocol=2)
    program.desc.flush()
    with open(model_path + ".pdmodel", "wb") as file:
        file.write(serialized(program))


def load(program: Any, model_path: str, executor: Any = None, var_list: Any = None) -> None:
    """Read into the current scope what `save`, or save_params, save_persistables or save_vars, wrote.

    Args:
        model_path: as given to `save`, with or without an ending; or the folder or file of the older functions.
        executor: needed for the older functions' files.
        var_list: Variables in the file, needed where the older functions wrote one file.

    Raises:
        AssertionError: a variable of the program is not in the file.
    """
    assert executor is None or isinstance(executor, Executor)
    prefix = _without_ending(model_path)
    if not os.path.exists(prefix + ".pdparams"):
        _load_older(program, model_path, executor, var_list)
        return
    optimizer_vars = [var for var in program.list_vars() if is_belong_to_optimizer(var)]
    for ending, variables in ((".pdparams", get_program_parameter(program)), (".pdopt", optimizer_vars)):
        if not variables:
            continue
        assert os.path.exists(prefix + ending), f"there is no file {prefix + ending}"
        if executor:
            core._create_loaded_parameter(variables, global_scope(), executor._default_executor)
        values = load_pickle(prefix + ending)
        for var in variables:
            assert var.name in values, f"there is no {var.name} in {prefix + ending}"
            _set(_tensor(var), values[var.name])


def _load_older(program: Any, model_path: str, executor: Any, var_list: Any) -> None:
    _log.warning("there is no %s.pdparams; trying it as files of save_params and the like", model_path)
    if executor is None:
        raise ValueError("an executor is needed to load what save_params, save_persistables or save_vars wrote")
    if os.path.isdir(model_path):
        files = {os.path.join(root, name) for root, _, names in os.walk(model_path) for name in names}
        found = [var for var in program.list_vars() if os.path.join(model_path, var.name) in files]
        unused = files - {os.path.join(model_path, var.name) for var in found}
        if unused:
            _log.warning("not used: %s", " ".join(sorted(unused)))
        load_vars(executor=executor, dirname=model_path, vars=found)
    elif os.path.isfile(model_path):
        if var_list is None:
            raise ValueError(f"var_list is needed to load the one file {model_path} of several variables")
        known = {var.name for var in program.list_vars()}
        for var in var_list:
            if var.name not in known:
                raise LookupError(f"the program has no variable {var.name}")
        folder, name = os.path.split(model_path)
        load_vars(executor=executor, dirname=folder, vars=var_list, filename=name)


def load_program_state(model_path: str, var_list: Any = None) -> dict[str, np.ndarray]:
    """Return the arrays by name that `save`, or the older functions, wrote.

    Args:
        var_list: Variables in the file, needed where the older functions wrote one file.
    """
    prefix = _without_ending(model_path)
    if not os.path.exists(prefix + ".pdparams"):
        return _older_state(model_path, var_list)
    state = load_pickle(prefix + ".pdparams")
    if os.path.exists(prefix + ".pdopt"):
        state.update(load_pickle(prefix + ".pdopt"))
    return state


def _older_state(model_path: str, var_list: Any) -> dict[str, np.ndarray]:
    _log.warning("there is no %s.pdparams; trying it as files of save_params and the like", model_path)
    is_file = os.path.isfile(model_path)
    if is_file and var_list is None:
        raise ValueError(f"var_list is needed to load the one file {model_path} of several variables")
    program = Program()
    block = program.global_block()
    if var_list is not None:
        for var in var_list:
            if not isinstance(var, Variable):
                raise TypeError(f"var_list holds Variables, not {var!r}")
        variables = [block._clone_variable(var) for var in var_list]
    else:
        paths = [os.path.join(root, name) for root, _, names in os.walk(model_path) for name in names]
        variables = [block.create_var(name=os.path.relpath(path, model_path), persistable=True) for path in paths]
    folder, name = os.path.split(model_path) if is_file else (model_path, None)
    with scope_guard(core.Scope()):
        try:
            load_vars(Executor(core.CPUPlace()), folder, main_program=program, vars=variables, filename=name)
        except Exception as error:
            raise RuntimeError(f"{model_path} is not what save_params, save_persistables or save_vars wrote") from error
        return {var.name: np.array(_tensor(var)) for var in variables}


def set_program_state(program: Any, state_dict: dict[str, np.ndarray]) -> None:
    """Put arrays by name into the current scope's variables of a program; warn of those that it does not have.

    Raises:
        AssertionError: the startup program has not run, or a shape or dtype differs.
    """
    used = set()
    for var in get_program_persistable_vars(program):
        found = global_scope().find_var(var.name)
        assert found is not None, f"variable {var.name} has no value: run the startup program first"
        if var.name not in state_dict:
            continue
        now, new = np.array(found.get_tensor()), state_dict[var.name]
        assert now.shape == new.shape, f"{var.name} has the shape {now.shape} in the program, {new.shape} in the state"
        assert now.dtype == new.dtype, f"{var.name} is {now.dtype} in the program, {new.dtype} in the state"
        _set(found.get_tensor(), new)
        used.add(var.name)
    unused = [name for name in state_dict if name not in used]
    if unused:
        warnings.warn(f"the program has no variables {' '.join(unused)}: they are not set", stacklevel=2)


def _without_ending(path: str) -> str:
    for ending in _ENDINGS:
        if path.endswith(ending):
            return path.removesuffix(ending)
    return path


def _tensor(var: Any) -> Any:
    return global_scope().find_var(var.name).get_tensor()


def _set(tensor: Any, value: np.ndarray) -> None:
    place = tensor._place()
    if place.is_gpu_place():
        tensor.set(value, core.CUDAPlace(place.gpu_device_id()))
    elif place.is_cuda_pinned_place():
        tensor.set(value, core.CUDAPinnedPlace())
    else:
        tensor.set(value, core.CPUPlace())
