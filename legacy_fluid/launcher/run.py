"""Runs a script, a module or a string of code as `python` would, with `paddle.fluid` there to import."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
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
    if path == "-":
        return _run([path, *arguments], "", sys.stdin.buffer.read(), "<stdin>")
    if os.path.isdir(path) or path.endswith((".zip", ".pyz")):
        return _run_module("__main__", [path, *arguments], path, f"can't find '__main__' module in '{path}'")
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        raise CannotRun(f"can't open file '{path}': {error.strerror}") from error
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    folder = os.path.dirname(os.path.realpath(path))
    _run([path, *arguments], folder, source, path, __file__=path, __cached__=None, __loader__=loader)


def run_module(name: str, arguments: Sequence[str]) -> None:
    """Run a module, or the `__main__` of a package, as `python -m name arguments`.

    Raises:
        CannotRun: no such module.
    """
    _run_module(name, ["-m", *arguments], os.getcwd(), f"No module named {name}")


def run_code(code: str, arguments: Sequence[str]) -> None:
    """Run a string as `python -c code arguments`."""
    _run(["-c", *arguments], "", code, "<string>")


def prepare_process() -> None:
    """Make the process what the program expects: fluid to import, the libraries of its time, its own tracebacks."""
    package = importlib.import_module(__name__.partition(".")[0])
    if not hasattr(package, "install"):
        importlib.reload(package)  # `python -m` has imported it without fluid
    package.install()
    bridges.build()
    tracebacks.install()
    spawn.install()


def _run_module(name: str, argv: list[str], folder: str, unfound: str) -> None:
    _prepare(argv, folder)
    spec = _find(name, unfound)
    if spec.submodule_search_locations is not None:
        spec = _find(f"{name}.__main__", f"{name} is a package without a __main__ module, and cannot be run")
    code = spec.loader.get_code(spec.name) if hasattr(spec.loader, "get_code") else None
    if code is None:
        raise CannotRun(f"{name} has no Python code to run")
    argv[0] = spec.origin
    _execute(
        code,
        __file__=spec.origin,
        __cached__=spec.cached,
        __loader__=spec.loader,
        __package__=spec.parent,
        __spec__=spec,
    )


def _find(name: str, unfound: str) -> Any:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise  # a parent package was found, and it lacks something itself
        spec = None
    if spec is None:
        raise CannotRun(unfound)
    return spec


def _run(argv: list[str], folder: str, source: str | bytes, filename: str, **names: Any) -> None:
    _prepare(argv, folder)
    # dont_inherit: this file's own __future__ import is not the script's.
    _execute(compile(source, filename, "exec", dont_inherit=True), **names)


def _prepare(argv: list[str], folder: str) -> None:
    prepare_process()
    sys.argv = argv
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _execute(code: types.CodeType, **names: Any) -> None:
    main = types.ModuleType("__main__")
    vars(main).update(__builtins__=__builtins__, **names)
    sys.modules["__main__"] = main  # for good: pickles, threads and exit handlers look for it later
    exec(code, vars(main))
