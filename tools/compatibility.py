"""Write docs/compatibility.md: every public name of fluid 1.8.5, whether it is there, and what differs.

The internal names that are not there go to legacy_fluid/internals_absent.json, for `--check` to tell.

    python -m tools.compatibility            write both
    python -m tools.compatibility --check    say whether they are up to date; exit 1 where they are not
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from legacy_fluid import coverage

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "compatibility.md"
INTERNALS = ROOT / "legacy_fluid" / "internals_absent.json"

_HEAD = """\
# Compatibility with paddle.fluid 1.8.5

Made by `python -m tools.compatibility` from the code and from the record of 1.8.5's names; edits here are lost.
`python -m legacy_fluid --check PATH` says which of these names a code base uses.

*Supported* means: there, with the signature and the meaning of 1.8.5. *Deviates*: there, and different in what the
note says. *Refused*: raises NotImplementedError, which says what to use instead.
"""


def find(name: str) -> Any:
    """Return what answers for a recorded name. Raises AttributeError or ImportError where nothing does."""
    parts = name.split(".")
    parts[0] = "legacy_fluid" if parts[0] == "fluid" else parts[0]
    thing = importlib.import_module(parts[0])
    for index, part in enumerate(parts[1:], start=1):
        try:
            thing = getattr(thing, part)  # before a module of that name: fluid.data is a function
        except AttributeError:
            thing = importlib.import_module(".".join(parts[: index + 1]))
    return thing


def is_there(name: str) -> bool:
    """Say whether something answers for a recorded name, be it an attribute that a class's instances get."""
    holder, _, last = name.rpartition(".")
    try:
        find(name)
    except (AttributeError, ImportError):
        return holder in coverage.record() and is_there(holder) and f"self.{last} = " in _source(find(holder))
    return True


def _source(thing: Any) -> str:
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):
        return ""  # of the core


def public_names() -> list[str]:
    """Return the recorded names that programs are meant to use, classes' members left out."""
    record = coverage.record()
    return [
        name
        for name, description in record.items()
        if not description.startswith("~ ") and name.rpartition(".")[0] not in record
    ]


def page() -> str:
    """Return the page's text."""
    names = [name for name in public_names() if name.startswith("fluid.")]
    rows: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    aliases: dict[str, list[str]] = defaultdict(list)
    for name in names:
        aliases[coverage.canonical(name)].append(name)
    for name in sorted(names):
        if coverage.canonical(name) == name:
            also = [alias for alias in aliases[name] if alias != name]
            rows[name.rpartition(".")[0]].append((name, *_status(name, also)))
    counts = Counter(status for group in rows.values() for _, status, _ in group)
    parts = [
        _HEAD,
        ", ".join(f"{count} {status}" for status, count in counts.most_common()) + ".\n",
        "## Refused\n",
        _table(["name", "why", "instead"], [(n, r.why, r.instead) for n, r in coverage.REFUSED.items()]),
        "## Deviates\n",
        _table(["name", "note"], list(coverage.DEVIATES.items())),
        "## Not there\n\nWho names one of these under `paddle.fluid`, or imports one, is told so in the error.\n",
        _table(["name", "why", "instead"], [(n, r.why, r.instead) for n, r in coverage.ABSENT.items()]),
        "## From before 1.8\n\n1.8.5 had dropped these; programs of its predecessors use them, and they are here.\n",
        _table(["name", "note"], list(coverage.EARLIER.items())),
    ]
    for namespace, group in rows.items():
        parts += [f"## {namespace}\n", _table(["name", "status", "note"], group)]
    return "\n".join(parts)


def _status(name: str, also: list[str]) -> tuple[str, str]:
    if not is_there(name):
        return "missing", ""
    covered = coverage.covered(name)
    notes = [covered.note] if covered.note else []
    shallow = [f"`{alias}`" for alias in also if alias.count(".") <= 2 and not _is_home(alias)]
    if shallow:
        notes.append(f"also {', '.join(shallow)}")
    return covered.status, "; ".join(notes)


def _is_home(alias: str) -> bool:
    """Say whether an alias is but the module in which the name is defined, as fluid.executor.Executor is."""
    return alias.rpartition(".")[0] not in ("fluid", "fluid.dygraph", "fluid.layers", "fluid.io", "fluid.contrib")


def _table(head: list[str], rows: list[tuple[str, ...]]) -> str:
    if not rows:
        return "None.\n"
    lines = [head, ["---"] * len(head), *([f"`{row[0]}`", *row[1:]] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def internals_absent() -> str:
    """Return, as JSON, the recorded internal names that are not there."""
    absent = [name for name, how in coverage.record().items() if how.startswith("~ ") and not is_there(name)]
    outermost = [name for name in absent if name.rpartition(".")[0] not in absent]
    return json.dumps(outermost, indent=0) + "\n"


def main(argv: list[str]) -> int:
    files = {PAGE: page(), INTERNALS: internals_absent()}
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if argv == ["--check"]:
        for path in stale:
            print(f"{path} is out of date: python -m tools.compatibility", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(files[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
