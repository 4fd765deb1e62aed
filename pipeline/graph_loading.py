"""The graph of a model: a function of the project's own, or of a user's file, and what is said where it fails."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import legacy_fluid as fluid
from fluidline.errors import DataError, FluidlineError, UsageError, closest
from legacy_fluid.install import install, uninstall
from pipeline.config import TrainConfig
from pipeline.models import MODELS, find_model


@dataclass(frozen=True)
class Graph:
    """What builds a model's graph; of a user's own, the file and its content as it was when it was loaded."""

    model: str
    function: Callable[..., Any]
    file: Path | None = None
    source: bytes | None = None

    @property
    def digest(self) -> str | None:
        """The SHA-256 of a user's file."""
        return None if self.source is None else hashlib.sha256(self.source).hexdigest()

    def build(self, samples: Any, outputs: int, config: TrainConfig) -> Any:
        """Append the graph to the current program and return its answers, [N, outputs] float32.

        Raises DataError where the function fails or returns something else, and UsageError where `config` has a dropout
        and the function no place for it.
        """
        with _paddle_fluid() if self.file else nullcontext():
            try:
                answers = self.function(samples, outputs, **self._dropout(config))
            except FluidlineError:
                raise
            except Exception as error:
                told = _told(error, self.file)
                raise DataError(f"model {self.model} fails on {_described(samples)}: {told}") from error
        given, wanted = _described(answers), f"[-1, {outputs}] of float32"
        if given != wanted:
            raise DataError(
                f"model {self.model} returns {given}, and {wanted} is needed"
                f" ({'a probability for each class' if outputs > 1 else 'a number'}: its second argument says how many)"
            )
        return answers

    def _dropout(self, config: TrainConfig) -> dict[str, Any]:
        places = inspect.signature(self.function).parameters
        if config.dropout and "dropout" not in places:
            having = [name for name in MODELS if "dropout" in inspect.signature(load_graph(name).function).parameters]
            raise UsageError(
                f"dropout is {config.dropout}, and model {self.model} has no place for it"
                f" (those with: {', '.join(having)}, and functions with an argument of this name)"
            )
        options = {"dropout": config.dropout, "dropout_mode": config.dropout_mode}
        return {name: value for name, value in options.items() if config.dropout and name in places}


def load_graph(model: str, kept: Path | None = None) -> Graph:
    """Return the graph of a model; a user's own comes from the file it names, or from `kept`, a copy of that.

    Raises UsageError where there is no such model, and DataError where the file is not there, fails, or has no such
    function.
    """
    place, _, name = find_model(model).graph.rpartition(":")
    if not place.endswith(".py"):
        return Graph(model, getattr(importlib.import_module(place), name))
    file = kept or Path(place).expanduser()
    try:
        source = file.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the graph {file}: {error.strerror} (--model FILE.py:FUNCTION)") from error
    names = _run(file, source)
    if not callable(names.get(name)):
        functions = [key for key, value in names.items() if inspect.isfunction(value) and value.__globals__ is names]
        raise DataError(
            f"{file} has no function '{name}'{closest(name, functions) if functions else ', nor any other'}"
        )
    return Graph(model, names[name], file, source)


def _run(file: Path, source: bytes) -> dict[str, Any]:
    """Return what a user's file defines."""
    module = ModuleType(f"_graph_{file.stem}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # where dataclasses, say, look for the names that they stand among
    with _paddle_fluid():
        try:
            exec(compile(source, str(file), "exec", dont_inherit=True), vars(module))
        except (Exception, SystemExit) as error:
            raise DataError(f"{file} cannot be loaded: {_told(error, file)}") from error
    return vars(module)


@contextmanager
def _paddle_fluid() -> Iterator[None]:
    """Let `import paddle.fluid` find the layer, and not beyond unless it did before."""
    before = "paddle.fluid" in sys.modules
    install()
    try:
        yield
    finally:
        if not before:
            uninstall()


def _described(value: Any) -> str:
    if not isinstance(value, fluid.Variable):
        return repr(value)
    return f"{list(value.shape)} of {fluid.data_feeder.convert_dtype(value.dtype)}"


def _told(error: BaseException, file: Path | None) -> str:
    """Return what went wrong in a line, and where in a user's file."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    for frame in traceback.extract_tb(error.__traceback__):
        line = frame.lineno if frame.filename == str(file) else line
    words = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {words}" + (f" ({file}, line {line})" if line else "")
