"""`--check`: which names of fluid a code base uses, and how each is covered, without running it or importing paddle."""

from __future__ import annotations

import functools
import importlib.util
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..coverage import Coverage, covered
from .names_used import names_used
from .sources import Place, Source, Unreadable, files, read

_ORDER = ("unknown", "refused", "deviates", "supported")
_SHOWN = 3  # places of a name, in the text


@dataclass
class Report:
    """What was found: the places of each name, what cannot be read, and libraries that are not installed."""

    files: int
    places: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    unreadable: list[Unreadable] = field(default_factory=list)
    not_installed: dict[str, Place] = field(default_factory=dict)

    @functools.cached_property
    def coverage(self) -> dict[str, Coverage]:
        """The coverage of each name, the worst first."""
        found = {name: covered(name) for name in sorted(self.places)}
        return dict(sorted(found.items(), key=lambda item: _ORDER.index(item[1].status)))

    @property
    def is_covered(self) -> bool:
        return not self.unreadable and all(c.status in ("supported", "deviates") for c in self.coverage.values())


def check(paths: Sequence[str]) -> Report:
    """Read every Python file and notebook among and under `paths`."""
    found = files(paths)
    report = Report(files=len(found))
    own = {path.stem for folder in {file.parent for file in found} for path in folder.iterdir()}
    own |= {part for file in found for part in file.parts}
    for file in found:
        source = read(file)
        if isinstance(source, Unreadable):
            report.unreadable.append(source)
        else:
            _add(report, source, own)
    return report


def _add(report: Report, source: Source, own: set[str]) -> None:
    used = names_used(source.tree)
    for use in used.uses:
        report.places[use.name].append(source.place(use.line))
    for module, line in used.imports.items():
        if not (module in own or _is_installed(module)):
            report.not_installed.setdefault(module, source.place(line))


def _is_installed(module: str) -> bool:
    try:
        return module in sys.stdlib_module_names or importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return True  # there, in a way of its own


def as_json(report: Report) -> str:
    """Return the report for machines."""
    value = {
        "ok": report.is_covered,
        "files": report.files,
        "summary": dict(Counter(c.status for c in report.coverage.values())),
        "names": [
            {"name": name, "coverage": c.status, "note": c.note, "count": len(places), "places": _plain(places)}
            for name, c in report.coverage.items()
            if (places := report.places[name])
        ],
        "unreadable": [{**_plain([u.place])[0], "why": u.why, "mend": u.mend} for u in report.unreadable],
        "not_installed": [{"module": name, **_plain([p])[0]} for name, p in report.not_installed.items()],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _plain(places: list[Place]) -> list[dict[str, Any]]:
    return [{name: value for name, value in vars(place).items() if value is not None} for place in places]


def as_text(report: Report) -> str:
    """Return the report for people: what needs a hand first, and a summary last."""
    sections = {"cannot be read": [f"{u.place}  {u.why}\n      {u.mend}" for u in report.unreadable]}
    sections |= {status: _rows(report, status) for status in _ORDER}
    sections["not installed"] = [f"{name}  {place}" for name, place in report.not_installed.items()]
    text = "".join(
        f"{title}\n" + "".join(f"  {row}\n" for row in rows) + "\n" for title, rows in sections.items() if rows
    )
    return text + _summary(report)


def _rows(report: Report, status: str) -> list[str]:
    coverage = {name: c for name, c in report.coverage.items() if c.status == status}
    width = max(map(len, coverage), default=0)
    return [
        f"{name:{width}}  {len(report.places[name]):4}  {_listed(report.places[name])}"
        + (f"\n      {c.note}" if c.note else "")
        for name, c in coverage.items()
    ]


def _listed(places: list[Place]) -> str:
    """Return the first places, a file's name once for all that follow in it, and how many more there are."""
    shown, file = [], None
    for place in places[:_SHOWN]:
        text = str(place)
        shown.append(text.removeprefix(f"{place.file}:") if place.file == file else text)
        file = place.file
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return ", ".join(shown) + more


def _summary(report: Report) -> str:
    counts = Counter(c.status for c in report.coverage.values())
    what = ", ".join(f"{counts[status]} {status}" for status in reversed(_ORDER) if counts[status]) or "none"
    files, names = _counted(report.files, "file"), _counted(len(report.coverage), "name")
    uses = _counted(sum(map(len, report.places.values())), "use")
    unreadable = f", {len(report.unreadable)} of them unreadable" if report.unreadable else ""
    return f"{files}{unreadable}; {names} of fluid, {uses}: {what}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
