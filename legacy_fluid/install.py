"""`install()`: `import paddle.fluid`, and what 2.x dropped beside it, answer as they did in 1.8."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import paddle

from . import beside, coverage

_OURS = __name__.rpartition(".")[0]

ALIASES = {
    "paddle.fluid": _OURS,
    "paddle.compat": f"{_OURS}.beside.compat",
    "paddle.distributed.fs_wrapper": f"{_OURS}.beside.fs_wrapper",
    "paddle.utils.plot": f"{_OURS}.beside.plot",
}
"""Modules that 2.x lacks, and those that stand in for them and, name by name, for their submodules."""

_undo: list[tuple[Any, str, Any]] = []
_MISSING = object()


def install() -> None:
    """Turn static mode on, make the modules of ALIASES importable in this process, and mend `paddle.dataset`.

    Calling it again changes nothing.
    """
    paddle.enable_static()
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _Finder())
    for alias in ALIASES:
        parent, _, name = alias.rpartition(".")
        _remember(sys.modules[parent], name)
        importlib.import_module(alias)  # which sets the parent's attribute
    for owner, name, value in beside.changes():
        _remember(owner, name)
        setattr(owner, name, value)


def uninstall() -> None:
    """Undo `install()`; what was imported meanwhile stays with those who hold it."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    for name in [name for name in sys.modules if _ours(name)]:
        del sys.modules[name]
    while _undo:
        owner, name, value = _undo.pop()
        if value is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, value)


def _remember(owner: Any, name: str) -> None:
    _undo.append((owner, name, vars(owner).get(name, _MISSING)))


def _ours(name: str) -> str | None:
    """Return the name of the module that answers for `name`, or None where Paddle answers itself."""
    for alias, ours in ALIASES.items():
        if name == alias or name.startswith(alias + "."):
            return ours + name[len(alias) :]
    return None


class _Finder(importlib.abc.MetaPathFinder):
    """Finds `paddle.fluid.X` as the very module `legacy_fluid.X`, so that both names share one state."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if refusal := coverage.ABSENT.get(coverage.as_written(fullname)):
            # without its name, for a `from package import name` drops the error of that name and tells nothing
            raise ModuleNotFoundError(f"No module named '{fullname}': {refusal}")
        ours = _ours(fullname)
        if ours is None:
            return None
        try:
            module = importlib.import_module(ours)
        except ModuleNotFoundError as error:
            if error.name == ours:
                return None
            raise
        return importlib.machinery.ModuleSpec(fullname, _Alias(module), is_package=hasattr(module, "__path__"))


class _Alias(importlib.abc.Loader):
    """Gives the import system a module that is there already."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has put the alias's in its place
