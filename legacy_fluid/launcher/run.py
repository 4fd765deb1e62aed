"""Runs a script, a module or a string of code as `python` would, with `paddle.fluid` there to import."""

from __future__ import annotations

import builtins
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
import zipfile
from collections.abc import Sequence
from typing import Any

from . import bridges, spawn, tracebacks


class CannotRun(Exception):
    """There is nothing to run: no such script or module."""


def run_script(path: str, arguments: Sequence[str]) -> None:
    """Run a file, standard input for `-`, or the `__main__.py` of a folder or zip file, as `python path arguments`.

    Raises:
        CannotRun: no such file.
    """
    argv = [path, *arguments]
    if path == "-":
        return _run_source(sys.stdin.buffer.read(), "<stdin>", argv, "")
    if os.path.isdir(path) or zipfile.is_zipfile(path):
        return _run_folder(path, argv)
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        raise CannotRun(f"can't open file '{path}': {error.strerror}") from error
    full = os.path.abspath(path)
    loader = importlib.machinery.SourceFileLoader("__main__", full)
    folder = os.path.dirname(os.path.realpath(path))
    _run_source(source, full, argv, folder, __file__=full, __cached__=None, __loader__=loader)


def run_module(name: str, arguments: Sequence[str]) -> None:
    """Run a module, or the `__main__` of a package, as `python -m name arguments`.

    Raises:
        CannotRun: no such module.
    """
    tracebacks.install()
    _find(name.partition(".")[0], name)  # what is not there at all can be told without paddle
    _enter(["-m", *arguments], os.getcwd())
    spec = _find(name, name)
    if spec.submodule_search_locations is not None:
        spec = _find(f"{name}.__main__", f"{name}.__main__; {name} is a package and cannot be run itself")
    _run_spec(spec)


def run_code(code: str, arguments: Sequence[str]) -> None:
    """Run a string as `python -c code arguments`."""
    _run_source(code, "<string>", ["-c", *arguments], "")


def prepare_process() -> None:
    """Make the process what the program expects: fluid to import, the libraries of its time, its own tracebacks."""
    tracebacks.install()
    package = importlib.import_module(__name__.partition(".")[0])
    if "Program" not in vars(package):
        importlib.reload(package)  # `python -m` has imported it without fluid
    package.install()
    bridges.build()
    spawn.install()


def _run_source(source: str | bytes, filename: str, argv: list[str], folder: str, **names: Any) -> None:
    tracebacks.install()
    # dont_inherit: this file's own __future__ import is not the program's.
    code = compile(source, filename, "exec", dont_inherit=True)
    _enter(argv, folder)
    _execute(code, names)


def _run_folder(path: str, argv: list[str]) -> None:
    folder = os.path.abspath(path)
    spec = importlib.machinery.PathFinder.find_spec("__main__", [folder])
    if spec is None:
        raise CannotRun(f"can't find '__main__' module in '{path}'")
    _enter(argv, folder)
    _run_spec(spec, argv[0])


def _run_spec(spec: Any, program: str | None = None) -> None:
    """Run a module that was found; `program` is what sys.argv[0] stays, the module's file where None."""
    code = spec.loader.get_code(spec.name) if hasattr(spec.loader, "get_code") else None
    if code is None:
        raise CannotRun(f"{spec.name} has no Python code to run")
    sys.argv[0] = program or spec.origin
    names = {"__file__": spec.origin, "__cached__": spec.cached, "__loader__": spec.loader}
    _execute(code, {**names, "__package__": spec.parent, "__spec__": spec})


def _find(name: str, wanted: str) -> Any:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            raise  # a package on the way was found, and lacks something itself
        spec = None
    if spec is None:
        raise CannotRun(f"No module named {wanted}")
    return spec


def _enter(argv: list[str], folder: str) -> None:
    prepare_process()
    sys.argv = argv
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _execute(code: types.CodeType, names: dict[str, Any]) -> None:
    main = types.ModuleType("__main__")
    vars(main).update(__builtins__=builtins, **names)
    sys.modules["__main__"] = main  # for good: pickles, threads and exit handlers look for it later
    exec(code, vars(main))
