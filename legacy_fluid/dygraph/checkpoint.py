"""`fluid.dygraph.checkpoint`: states of models and optimizers on disk, in the files of fluid 1.8."""

from __future__ import annotations

import os
import pickle
from typing import Any

from paddle import _legacy_C_ops

from .. import core
from ..framework import ParamBase, Variable, _dygraph_tracer, dygraph_only
from ..io.pickles import load_pickle

__all__ = ["load_dygraph", "save_dygraph"]

_NAME_TABLE = "StructuredToParameterName@@"


@dygraph_only
def save_dygraph(state_dict: dict[str, Any], model_path: str) -> None:
    """Write the state of a model as `model_path` with `.pdparams`, or that of an optimizer with `.pdopt`.

    Args:
        state_dict: as a Layer's or an Optimizer's `state_dict` returned it.
        model_path: folder/name; the folder is made.

    Raises:
        AssertionError: there is no name, or nothing to save.
    """
    assert os.path.basename(model_path), f"model_path is folder/name, and {model_path!r} has no name"
    assert len(state_dict) > 0, f"there is nothing in the state to save as {model_path}"
    is_model = isinstance(next(iter(state_dict.values())), ParamBase)
    values, names = {}, {}
    for key, value in state_dict.items():
        if isinstance(value, Variable | core.VarBase):
            values[key], names[key] = value.numpy(), value.name
        else:
            values[key] = value
    values[_NAME_TABLE] = names
    if folder := os.path.dirname(model_path):
        os.makedirs(folder, exist_ok=True)
    with open(model_path + (".pdparams" if is_model else ".pdopt"), "wb") as file:
        pickle.dump(values, file, protocol=2)


@dygraph_only
def load_dygraph(model_path: str, keep_name_table: bool = False) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return what `save_dygraph` wrote: the state of the model, and that of the optimizer or None.

    Args:
        model_path: as given to `save_dygraph`, with or without an ending.
        keep_name_table: leave the parameters' own names in the model's state.

    Raises:
        RuntimeError: there is no file of parameters.
        pickle.UnpicklingError: a file holds anything else than arrays and plain containers.
    """
    for ending in (".pdparams", ".pdopt"):
        model_path = model_path.removesuffix(ending)
    if not os.path.exists(f"{model_path}.pdparams"):
        raise RuntimeError(f"there is no file {model_path}.pdparams")
    params = load_pickle(f"{model_path}.pdparams")
    if not keep_name_table:
        params.pop(_NAME_TABLE, None)
    opt_path = f"{model_path}.pdopt"
    return params, load_pickle(opt_path) if os.path.exists(opt_path) else None


# --- of 1.5: a folder with a file for each parameter ------------------------------------------------------------------

_OPTIMIZERS = "optimizers"


@dygraph_only
def save_persistables(model_dict: dict[str, Any], dirname: str = "save_dir", optimizers: Any = None) -> None:
    """Write a state as 1.5 did: a file for each parameter, in the format of fluid.io.save_params.

    Args:
        model_dict: as a Layer's `state_dict` returned it.
        optimizers: an Optimizer or a list of them, whose states go to a folder beside.
    """
    listed = optimizers if isinstance(optimizers, list | tuple) else [optimizers] if optimizers else []
    states = [(dirname, model_dict)]
    states += [(os.path.join(dirname, _OPTIMIZERS), optimizer.state_dict()) for optimizer in listed]
    for folder, state in states:
        os.makedirs(folder, exist_ok=True)
        for name, value in state.items():
            if isinstance(value, core.VarBase):
                _legacy_C_ops.save(value, "file_path", os.path.join(folder, name))


@dygraph_only
def load_persistables(dirname: str = "save_dir") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `save_persistables` wrote: the state of the model, and that of the optimizers."""
    return _read_folder(dirname), _read_folder(os.path.join(dirname, _OPTIMIZERS))


def _read_folder(folder: str) -> dict[str, Any]:
    if not os.path.isdir(folder):
        return {}
    names = [name for name in sorted(os.listdir(folder)) if os.path.isfile(os.path.join(folder, name))]
    return dict(zip(names, read_tensors(folder, names), strict=True))


def read_tensors(folder: str, names: list[str], filename: str | None = None) -> list[Any]:
    """Return as Variables what files of fluid's tensor format hold: one for each name, or one for all."""
    if filename is None:
        return [_read("load", [core.VarBase()], os.path.join(folder, name))[0] for name in names]
    return _read("load_combine", [core.VarBase() for _ in names], os.path.join(folder, filename))


def _read(op_type: str, variables: list[Any], path: str) -> list[Any]:
    _dygraph_tracer().trace_op(op_type, {}, {"Out": variables}, {"file_path": path})
    return variables
