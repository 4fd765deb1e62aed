"""Networks as drawings: side by side in one picture (PNG or SVG), and in Graphviz's language."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from fluidline.files import atomic_file
from pipeline.inspect.layout import Layout, Point, lay_out
from pipeline.inspect.network import Network, Operator, Tensor, setting_texts, shape_text
from pipeline.inspect.page import font

_INK, _FAINT, _LINE = "#333333", "#6b6b6b", "#9a9a9a"
_DPI, _MOST_PIXELS = 110, 30_000
_HEADLINE, _TITLE, _TEXT = 11.0, 9.0, 7.5  # sizes of letters; these and all that follows in points
_ROW, _HEAD, _PAD, _CORNER = 11.0, 17.0, 8.0, 3.0
_GAP = (26.0, 32.0)
_MARGIN, _BETWEEN, _HEADING = 16.0, 60.0, 28.0
_LETTERS = 48  # of a line in a box, at most

# Colours for what operators are about, by the first of these words that is in their name.
_FAMILIES = {
    "conv": "#4c72b0",
    "norm": "#8a6fb0",
    "pool": "#3f8f7f",
    "mul": "#b0643a",
    "gemm": "#b0643a",
    "fc": "#b0643a",
    "relu": "#a8812c",
    "sigmoid": "#a8812c",
    "tanh": "#a8812c",
    "softmax": "#a8812c",
}
_OTHERS, _ENDS = "#6b7480", "#333333"


@dataclass(frozen=True)
class _Box:
    title: str
    lines: tuple[str, ...]
    color: str

    @property
    def size(self) -> tuple[float, float]:
        widths = [_width(self.title, _TITLE, bold=True), *(_width(line, _TEXT) for line in self.lines)]
        return max(widths) + 2 * _PAD, _HEAD + (len(self.lines) * _ROW + _PAD / 2 if self.lines else 0)


_Edge = tuple[int, int, Tensor]


def draw_networks(networks: Sequence[Network], *paths: Path) -> None:
    """Draw networks side by side, to each path in the format of its suffix, .png or .svg."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    drawn = [(network.title, *_arranged(network)) for network in networks]
    widths = [max(layout.size[0], _width(title, _HEADLINE, bold=True)) for title, _, _, layout in drawn]
    width = sum(widths) + _BETWEEN * (len(drawn) - 1) + 2 * _MARGIN
    height = max(layout.size[1] for *_, layout in drawn) + _HEADING + 2 * _MARGIN
    figure = Figure(figsize=(width / 72, height / 72), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))  # so that a unit is a point
    axes.set_axis_off()
    left = _MARGIN
    for (title, boxes, edges, layout), wide in zip(drawn, widths, strict=True):
        axes.text(
            left + wide / 2,
            _MARGIN + 4,
            title,
            size=_HEADLINE,
            weight="bold",
            color=_INK,
            ha="center",
            va="center",
            parse_math=False,
        )
        _draw(axes, boxes, edges, layout, left + (wide - layout.size[0]) / 2, _MARGIN + _HEADING)
        left += wide + _BETWEEN
    dpi = min(_DPI, _MOST_PIXELS * 72 / max(width, height))
    for path in paths:
        with atomic_file(path) as part, rc_context({"svg.fonttype": "none"}):  # letters that can be searched
            figure.savefig(part, dpi=dpi)


def as_dot(network: Network) -> str:
    """Return a network in Graphviz's language."""
    boxes, edges = _boxes(network)
    lines = ['node [shape=box, style="rounded,filled", fontname="sans-serif", fontcolor=white, color=white];']
    for number, box in enumerate(boxes):
        lines.append(f'n{number} [label={_quoted(chr(10).join((box.title, *box.lines)))}, fillcolor="{box.color}"];')
    lines += [
        f"n{source} -> n{target} [label={_quoted(shape_text(tensor.shape))}];" for source, target, tensor in edges
    ]
    return "\n".join([f"digraph {_quoted(network.title)} {{", *lines, "}"]) + "\n"


def _arranged(network: Network) -> tuple[list[_Box], list[_Edge], Layout]:
    boxes, edges = _boxes(network)
    return boxes, edges, lay_out([box.size for box in boxes], [edge[:2] for edge in edges], _GAP)


def _boxes(network: Network) -> tuple[list[_Box], list[_Edge]]:
    """Return a box for each input, operator and output, and which is joined to which by what."""
    inputs = {tensor.name: number for number, tensor in enumerate(network.inputs)}
    first, last = len(inputs), len(inputs) + len(network.operators)
    outputs = {tensor.name: last + number for number, tensor in enumerate(network.outputs)}
    boxes = [_Box(tensor.name, (tensor.dtype,), _ENDS) for tensor in network.inputs]
    boxes += [_Box(each.type, tuple(map(_cut, _lines(each))), _color(each.type)) for each in network.operators]
    boxes += [_Box(tensor.name, (tensor.dtype,), _ENDS) for tensor in network.outputs]
    edges = []
    for maker, user, tensor in network.edges():
        source = inputs.get(tensor.name) if maker is None else first + maker
        if source is not None:
            edges.append((source, outputs[tensor.name] if user is None else first + user, tensor))
    return boxes, edges


def _lines(operator: Operator) -> list[str]:
    return [f"{each.name} {shape_text(each.shape)}" for each in operator.parameters] + setting_texts(operator.settings)


def _draw(axes: Any, boxes: list[_Box], edges: list[_Edge], layout: Layout, left: float, top: float) -> None:
    labelled: set[tuple[int, str]] = set()
    for (source, target, tensor), points in zip(edges, layout.lines, strict=True):
        line = [(x + left, y + top) for x, y in points]
        line[0] = line[0][0], line[0][1] + boxes[source].size[1] / 2
        line[-1] = line[-1][0], line[-1][1] - boxes[target].size[1] / 2
        _draw_line(axes, line)
        if (source, tensor.name) not in labelled:  # what goes to several places says its shape once
            x, y = line[0]
            halo = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
            axes.text(
                x + 5, y + 9, shape_text(tensor.shape), size=_TEXT, color=_FAINT, va="center", zorder=3, bbox=halo
            )
            labelled.add((source, tensor.name))
    for box, (x, y) in zip(boxes, layout.boxes, strict=False):  # after the boxes come the places that lines pass
        _draw_box(axes, box, x + left, y + top)


def _draw_line(axes: Any, points: list[Point]) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Curve

    vertices, codes = [points[0]], [Curve.MOVETO]
    for (x, y), (right, down) in pairwise(points):
        middle = (y + down) / 2
        vertices += [(x, middle), (right, middle), (right, down)]
        codes += [Curve.CURVE4] * 3
    arrow = FancyArrowPatch(path=Curve(vertices, codes), arrowstyle="-|>", mutation_scale=8, linewidth=1.1, color=_LINE)
    axes.add_patch(arrow)


def _draw_box(axes: Any, box: _Box, x: float, y: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    width, height = box.size
    left, top = x - width / 2, y - height / 2
    rounded = f"round,pad=0,rounding_size={_CORNER}"
    frame: dict[str, Any] = {"boxstyle": rounded, "linewidth": 1.1, "edgecolor": box.color, "zorder": 2}
    if box.lines:
        axes.add_patch(FancyBboxPatch((left, top), width, height, facecolor="white", **frame))
    axes.add_patch(FancyBboxPatch((left, top), width, _HEAD, facecolor=box.color, **frame))
    place = {"va": "center", "zorder": 4, "parse_math": False}
    axes.text(x, top + _HEAD / 2, box.title, size=_TITLE, weight="bold", color="white", ha="center", **place)
    for row, line in enumerate(box.lines):
        axes.text(left + _PAD, top + _HEAD + (row + 0.7) * _ROW, line, size=_TEXT, color=_INK, **place)


def _width(text: str, size: float, bold: bool = False) -> float:
    return (
        font(10 * size, bold).getlength(text) / 10
    )  # as it is on paper: small letters are fitted to a screen's pixels


def _color(type_: str) -> str:
    return next((color for word, color in _FAMILIES.items() if word in type_.lower()), _OTHERS)


def _cut(line: str) -> str:
    return line if len(line) <= _LETTERS else line[: _LETTERS - 1] + "…"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
