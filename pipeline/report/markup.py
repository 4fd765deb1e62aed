"""HTML out of Python values: whatever is no markup yet is escaped before it becomes part of any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fluidline.pages import data_uri, escape

if TYPE_CHECKING:
    from PIL.Image import Image

_VOID = {"img"}
_NUMBER = "number"
_NUMBER_CELL = f'<td class="{_NUMBER}"'


class Html(str):
    """Markup, as opposed to text."""


def element(name: str, *content: object, **attributes: object) -> Html:
    """Return an HTML or SVG element with its content, in which only Html is taken as it is.

    Attributes that are None or False are left out, those that are True have no value; `class_` is class, and other
    underscores are hyphens.
    """
    names = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{names}>")
    return Html(f"<{name}{names}>{join(content)}</{name}>")


def join(parts: Iterable[object]) -> Html:
    """Return the parts one after the other, each escaped unless it is Html."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def section(identity: str, title: str, *content: object) -> Html:
    """Return a section with a heading, which is its name and which links lead to."""
    return element("section", element("h2", title, id=identity), *content, aria_labelledby=identity)


def table(
    caption: object, header: Sequence[object], rows: Iterable[Sequence[object]], class_: str | None = None
) -> Html:
    """Return a table whose first column names its rows, in a region that can be scrolled where the screen is narrow.

    A cell may be a `td` already; any other value becomes one. A column that begins with a `number` is one of numbers.
    """
    cells = [[element("th", first, scope="row"), *map(_cell, rest)] for first, *rest in rows]
    kinds = [_NUMBER if cell.startswith(_NUMBER_CELL) else None for cell in cells[0]] if cells else [None] * len(header)
    head = [element("th", name, scope="col", class_=kind) for name, kind in zip(header, kinds, strict=True)]
    body = [element("tr", *row) for row in cells]
    whole = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", *head)),
        element("tbody", *body),
        class_=class_,
    )
    return element("div", whole, class_="scroll", role="region", tabindex=0, aria_label=caption)


def facts(pairs: Iterable[tuple[object, object]], class_: str | None = None) -> Html:
    """Return a list of names and values; those whose value is None are left out."""
    items = [element("div", element("dt", name), element("dd", value)) for name, value in pairs if value is not None]
    return element("dl", *items, class_=class_)


def number(value: object) -> Html:
    """Return a cell of a table whose content is a number."""
    return element("td", value, class_=_NUMBER)


def picture(image: Image, alt: str, **attributes: object) -> Html:
    """Return an image with its pixels in the page itself."""
    return element("img", src=data_uri(image), alt=alt, width=image.width, height=image.height, **attributes)


def _cell(value: object) -> Html:
    return value if isinstance(value, Html) and value.startswith("<td") else element("td", value)


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(value)}"'
