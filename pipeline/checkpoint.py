"""Checkpoints: folders that hold a program's state at one moment, written whole and checked when they are read.

    checkpoints/last        the training as it stands: parameters, optimizer state, position, random state
    checkpoints/previous    the one before, for the day that `last` turns out damaged
    checkpoints/best        the test program and the parameters of the best pass

Each holds what `fluid.save` writes (model.pdparams, model.pdopt, model.pdmodel), random.json, and state.json with the
SHA-256 of the others and of itself.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fluidline.errors import DataError
from fluidline.files import atomic_folder, recover, sha256, write_json

SCHEMA_VERSION = 2
LAST, PREVIOUS, BEST = "last", "previous", "best"

MODEL = "model"  # what fluid's files are called before their endings

_STATE, _RANDOM = "state.json", "random.json"
_log = logging.getLogger(__name__)


def write_checkpoint(folder: Path, program: Any, state: Mapping[str, Any]) -> None:
    """Write the variables of `program` in the current scope, the random state and `state` as the checkpoint `folder`.

    What `folder` held before is kept beside it as `previous` where it is `last`. Raises FluidlineError where the place
    cannot be written; the old checkpoint then stands.
    """
    import legacy_fluid as fluid

    with atomic_folder(folder, keep=folder.with_name(PREVIOUS) if folder.name == LAST else None) as part:
        fluid.save(program, str(part / MODEL))
        (part / _RANDOM).write_text(json.dumps(_random_state()), encoding="utf-8")
        files = {file.name: sha256(file) for file in sorted(part.iterdir())}
        whole = {"schema_version": SCHEMA_VERSION, **state, "files": files}
        write_json(part / _STATE, {**whole, "sha256": _digest(whole)})


def read_checkpoint(folder: Path) -> dict[str, Any]:
    """Return the state of a checkpoint, its files compared with their checksums.

    Raises DataError that names the file which is missing, torn or altered.
    """
    path = folder / _STATE
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        digest, version, files = state.pop("sha256"), state["schema_version"], state["files"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"checkpoint {folder} cannot be used: {path.name} is missing or torn ({error})") from error
    if digest != _digest(state):
        raise DataError(f"checkpoint {folder} cannot be used: {path.name} was altered (its SHA-256 differs)")
    if version != SCHEMA_VERSION:
        raise DataError(f"checkpoint {folder} has schema version {version}, this is version {SCHEMA_VERSION}")
    for name, digest in files.items():
        if not (folder / name).is_file():
            raise DataError(f"checkpoint {folder} cannot be used: {name} is missing")
        if sha256(folder / name) != digest:
            raise DataError(f"checkpoint {folder} cannot be used: {name} is torn or was altered (its SHA-256 differs)")
    return state


def find_checkpoint(checkpoints: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return folder and state of the last checkpoint, or with a warning of the one before it where that is damaged.

    None where a training was stopped before its first checkpoint. Raises DataError where there are only damaged ones.
    """
    folders = [checkpoints / name for name in (LAST, PREVIOUS) if (checkpoints / name).is_dir()]
    damage: list[DataError] = []
    for folder in folders:
        try:
            state = read_checkpoint(folder)
        except DataError as error:
            damage.append(error)
            continue
        if folder.name == PREVIOUS:
            _log.warning("warning: %s; going on from %s", damage[0] if damage else f"no {LAST} checkpoint", folder)
        return folder, state
    if damage:
        raise DataError(f"{damage[0]}, and there is no other to go on from (train again: --overwrite)")
    return None


def sweep(checkpoints: Path, found: Path | None) -> None:
    """Undo what a killed process left half written, and remove a damaged `last` where `previous` was found instead.

    Only for who holds the run's lock. A damaged checkpoint that stayed would in time take the place of `previous`.
    """
    recover(checkpoints)
    if found and found.name == PREVIOUS:
        shutil.rmtree(found.with_name(LAST), ignore_errors=True)


def check_best(checkpoints: Path) -> None:
    """Raise DataError where the best pass of a training that goes on is damaged: it cannot be had again from the rest."""
    try:
        read_checkpoint(checkpoints / BEST)
    except DataError as error:
        raise DataError(f"{error}, and the best pass is not in any other (train again: --overwrite)") from error


def load_checkpoint(folder: Path, program: Any, executor: Any) -> None:
    """Put a checkpoint's variables into the current scope and its random state into `random` and `numpy.random`."""
    import legacy_fluid as fluid

    fluid.load(program, str(folder / MODEL), executor)
    _restore_random_state(json.loads((folder / _RANDOM).read_text(encoding="utf-8")))


def load_program(folder: Path, place: Any) -> Any:
    """Return the program that a checkpoint was written with, and put its variables into the current scope."""
    import legacy_fluid as fluid

    for name, value in fluid.load_program_state(str(folder / MODEL)).items():
        fluid.global_scope().var(name).get_tensor().set(value, place)
    return fluid.Program.parse_from_string((folder / f"{MODEL}.pdmodel").read_bytes())


def _digest(state: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _random_state() -> dict[str, Any]:
    name, keys, *rest = np.random.get_state(legacy=True)
    return {"python": random.getstate(), "numpy": [name, np.asarray(keys).tolist(), *rest]}


def _restore_random_state(state: Mapping[str, Any]) -> None:
    version, keys, gauss = state["python"]
    random.setstate((version, tuple(keys), gauss))
    np.random.set_state(tuple(state["numpy"]))
