"""Links from page to page lead somewhere, and so do those to a heading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_pages import PAGES, ROOT

_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for place, heading in _LINK.findall(page.read_text()):
        target = page.parent / place if place else page
        assert target.exists(), f"{page} links to {place}"
        assert not heading or heading in _anchors(target), f"{page} links to {place}#{heading}"


def _anchors(page: Path) -> set[str]:
    """Return what GitHub calls the page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
