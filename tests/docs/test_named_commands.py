"""Each command and option that a page names exists, and so does each chore of `make`; nothing is run."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest
from markdown_pages import PAGES, ROOT, code

GROUPS = {
    package: getattr(importlib.import_module(f"{package}.__main__"), package) for package in ("pipeline", "export")
}
COMMANDS = {name: group.get_command(click.Context(group), name) for group in GROUPS.values() for name in group.table}
FLUID = (ROOT / "legacy_fluid" / "__main__.py").read_text()  # read, as importing it would bring paddle
SCRIPTS = [path.read_text() for folder in ("benchmarks", "examples", "tools") for path in (ROOT / folder).rglob("*.py")]

_MODULE = re.compile(r"python -m ([\w.]+)([^|&#]*)")
_SHORT = re.compile(rf"^({'|'.join(COMMANDS)}) ([^|&#]*)$")  # as tables have it, without `python -m pipeline`
_OPTION = re.compile(r"^(--[a-z][\w-]*)(?: .*)?$")
_CHORE = re.compile(r"^make ([a-z-]+(?: [a-z-]+)*)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_options_and_chores_of_a_page_exist(page: Path) -> None:
    wrong = [f"{line}: {reason}" for line in code(page) for reason in _wrong(line)]
    assert not wrong, "\n".join(wrong)


def test_what_does_not_exist_is_found() -> None:
    lines = [
        "python -m pipeline trian",
        "python -m export onnx --form-fluid saved",
        "OMP_NUM_THREADS=1 python -m legacy_fluid --chekc x.py",
        "python -m examples.housing.drew",
        "python -m examples.housing.draw --sed 1",
        "sweep --vari optimizer=sgd",
        "--no-such-option 3",
        "make trian MODEL=lenet",
    ]
    for line in lines:
        assert len(list(_wrong(line))) == 1, line
    assert not list(_wrong("python -m pipeline train --model lenet  # or: --none"))


def _wrong(line: str) -> Iterator[str]:
    """Yield what of a line of a page does not exist."""
    for module, arguments in _MODULE.findall(line):
        yield from _wrong_call(module, shlex.split(arguments))
    if short := _SHORT.match(line):
        yield from _wrong_options(COMMANDS[short[1]], shlex.split(short[2]))
    if (option := _OPTION.match(line)) and option[1] not in _options():
        yield f"no command has {option[1]}"
    if chores := _CHORE.match(line):
        yield from (f"no chore {chore}" for chore in chores[1].split() if chore not in _chores())


def _wrong_call(module: str, arguments: list[str]) -> Iterator[str]:
    if module in GROUPS:
        if arguments and arguments[0] in GROUPS[module].table:
            yield from _wrong_options(COMMANDS[arguments[0]], arguments[1:])
        elif arguments and not arguments[0].startswith("{"):  # {train,sweep} is of them all
            yield f"no such command of {module}"
        return
    if module == "legacy_fluid":
        source = FLUID
        arguments = arguments[:1]  # what follows is the script's
    elif importlib.util.find_spec(module):
        source = _source(module)
    else:
        yield f"no module {module}"
        return
    options = {word for word in arguments if word.startswith("--")} - {"--help"}
    yield from (f"{module} has no {option}" for option in options if option not in source)


def _wrong_options(command: click.Command, arguments: list[str]) -> Iterator[str]:
    try:
        command.make_parser(click.Context(command)).parse_args(list(arguments))
    except click.UsageError as error:
        yield error.format_message()


@cache
def _options() -> set[str]:
    """Return all that there is, in whatever command."""
    ours = {option for command in COMMANDS.values() for parameter in command.params for option in parameter.opts}
    return ours.union(*(re.findall(r"--[a-z][\w-]*", source) for source in [FLUID, *SCRIPTS]))


def _source(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    origin = Path(spec.origin or "")
    return (origin.with_name("__main__.py") if origin.name == "__init__.py" else origin).read_text()


def _chores() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)) | {"all"}
