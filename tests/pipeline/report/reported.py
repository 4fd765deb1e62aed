"""A report as a test reads it, and what its runs were trained on."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

CLASSES = ("<img src=x onerror=document.title='taken'>", 'a "quoted" & plain', "three")  # as a user might call them
VOID = {"meta", "link", "img"}

Attributes = dict[str, str | None]


class Page(HTMLParser):
    """The elements of a report, the text of each of its sections, and its tables as rows of texts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, Attributes]] = []
        self.sections: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self._open: list[str] = []
        self._section = self._caption = ""
        self._rows: list[list[str]] = []
        self.feed(path.read_text(encoding="utf-8"))
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        match tag:
            case "section":
                self._section = str(attributes["aria-labelledby"])
                self.sections[self._section] = ""
            case "table":
                self._caption, self._rows = "", []
            case "tr":
                self._rows.append([])
            case "td" | "th":
                self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "table":
            self.tables[self._caption] = self._rows
        if self._section and tag in ("p", "dt", "dd", "div", "h2", "h3", "td", "th", "li"):
            self.sections[self._section] += "\n"

    def handle_data(self, data: str) -> None:
        if "caption" in self._open:
            self._caption += data
        elif {"td", "th"} & set(self._open):
            self._rows[-1][-1] += data
        if self._section and "svg" not in self._open:
            self.sections[self._section] += data

    def table(self, beginning: str) -> list[list[str]]:
        """Return the rows of the table whose caption begins so, the header first."""
        return next(rows for caption, rows in self.tables.items() if caption.startswith(beginning))

    def all(self, tag: str) -> list[Attributes]:
        """Return the attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def lines(self, section: str) -> list[str]:
        """Return the lines of a section that have text."""
        return [line for line in re.sub(r" +", " ", self.sections[section]).split("\n") if line.strip()]
