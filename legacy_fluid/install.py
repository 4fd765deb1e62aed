"""`install()`: `import paddle.fluid`, and what 2.x dropped beside it, answer with legacy_fluid."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType

import paddle

_OURS = __name__.rpartition(".")[0]
_FLUID = "paddle.fluid"


def install() -> None:
    """Make `paddle.fluid`, every submodule of it and `paddle.utils.plot` importable in this process."""
    if any(isinstance(finder, _FluidFinder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _FluidFinder())
    paddle.fluid = importlib.import_module(_FLUID)


class _FluidFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `paddle.fluid.X` as the very module `legacy_fluid.X`, so that both names share one state."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _FLUID and not fullname.startswith(_FLUID + "."):
            return None
        ours = _OURS + fullname[len(_FLUID) :]
        try:
            importlib.import_module(ours)
        except ModuleNotFoundError as error:
            if error.name == ours:
                return None
            raise
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = sys.modules[_OURS + spec.name[len(_FLUID) :]]
        self._identity = (module, module.__spec__, module.__loader__, module.__package__)
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has renamed the module's spec to paddle.fluid's: give it its own back.
        _, module.__spec__, module.__loader__, module.__package__ = self._identity
