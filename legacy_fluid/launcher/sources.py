"""The programs under a path: Python files and notebooks, as syntax trees whose lines can be named."""

from __future__ import annotations

import ast
import json
import re
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import python2

_SKIPPED = {"__pycache__", "node_modules", "site-packages", "build", "dist", "venv", "env"}


@dataclass(frozen=True)
class Place:
    """A line of a file or, in a notebook, of a cell."""

    file: str
    line: int
    cell: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.cell is None else f"{self.file}:cell {self.cell}:{self.line}"


@dataclass(frozen=True)
class Source:
    """A program that can be read: its syntax tree, and the place of each of the tree's lines."""

    tree: ast.Module
    places: list[Place]

    def place(self, line: int) -> Place:
        return self.places[line - 1]


@dataclass(frozen=True)
class Unreadable:
    """A program that cannot be read: where and why, and what mends it."""

    place: Place
    why: str
    mend: str


def files(paths: Sequence[str]) -> list[Path]:
    """Return the Python files and notebooks among and under `paths`, without hidden and installed ones."""
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = (file for file in path.rglob("*") if file.suffix in (".py", ".ipynb") and file.is_file())
            found += sorted(file for file in inside if not _is_skipped(file.relative_to(path)))
        else:
            found.append(path)
    return found


def read(path: Path) -> Source | Unreadable:
    """Return the program in a file."""
    places: list[Place] = []
    try:
        code, places = _notebook(path) if path.suffix == ".ipynb" else _script(path)
        return Source(ast.parse(code), places)
    except TabError as error:
        return _unreadable(path, places, error, f"let spaces stand for its tabs: `expand -t 8 {path}`")
    except SyntaxError as error:
        return _unreadable(path, places, error, _mend(path, error))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"
        return Unreadable(Place(str(path), 1), why, "make sure that it is what its name says")


def _unreadable(path: Path, places: list[Place], error: SyntaxError, mend: str) -> Unreadable:
    line = error.lineno or 1
    return Unreadable(places[line - 1] if line <= len(places) else Place(str(path), line), error.msg, mend)


def _mend(path: Path, error: SyntaxError) -> str:
    if not python2.is_syntax(error):
        return "no Python 3 can run it as it is"
    script = "SCRIPT, which it is saved as" if path.suffix == ".ipynb" else path
    return python2.converting(script)


def _script(path: Path) -> tuple[str, list[Place]]:
    with tokenize.open(path) as file:  # in the encoding that the file declares
        code = file.read()
    return code, [Place(str(path), line) for line in range(1, code.count("\n") + 2)]


def _notebook(path: Path) -> tuple[str, list[Place]]:
    """Return the code of a notebook's cells, without its magics, and the place of each line."""
    code, places = [], []
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"], start=1):
        text = "".join(cell["source"])
        if cell["cell_type"] != "code" or text.lstrip().startswith("%%"):
            continue
        for line_number, line in enumerate(text.splitlines(), start=1):
            code.append(re.sub(r"^(\s*)[%!?].*", r"\1pass", line))
            places.append(Place(str(path), line_number, number))
    return "\n".join(code) + "\n", places


def _is_skipped(path: Path) -> bool:
    return any(part.startswith(".") or part in _SKIPPED for part in path.parts)
