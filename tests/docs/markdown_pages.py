"""What pages in Markdown tell a reader to type: files to write, commands to run, what they answer; commands in passing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md"), *ROOT.glob("examples/*/README.md")])

_STEPS = re.compile(r"^```(?:console|python (?P<file>\S+))\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCES = re.compile(r"^```\w*.*?^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(`+)(.+?)\1", re.DOTALL)


class File(NamedTuple):
    """A block "```python NAME": the reader saves it under this name."""

    name: str
    text: str


class Command(NamedTuple):
    """A line "$ COMMAND" of a block "```console", with the lines that follow it; in these "..." is anything."""

    line: str
    answer: str


def steps(page: Path) -> list[File | Command]:
    """Return what the page has its reader do, in order."""
    found: list[File | Command] = []
    for block in _STEPS.finditer(page.read_text()):
        if block["file"]:
            found.append(File(block["file"], block["text"]))
        else:
            found.extend(_commands(block["text"]))
    return found


def code(page: Path) -> Iterator[str]:
    """Yield the lines of the page's code blocks, those that a backslash continues joined, and its code in passing."""
    text = re.sub(r"\\\n[ >]*", " ", page.read_text())
    for fence in _FENCES.findall(text):
        yield from fence.splitlines()[1:-1]
    text = _FENCES.sub("", text)
    yield from re.findall(r"^    (.*)$", text, re.MULTILINE)
    for _, passing in _INLINE.findall(text):
        yield " ".join(passing.split())


def _commands(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", re.sub(r"\\\n\s*", "", text), flags=re.MULTILINE)[1:]:
        line, _, answer = part.partition("\n")
        yield Command(line, answer.strip())
