"""Where the boxes of a graph go, and what is drawn there."""

from __future__ import annotations

import random
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import write_small_onnx
from PIL import Image

from pipeline.inspect.drawing import as_dot, draw_networks
from pipeline.inspect.from_onnx import read_onnx
from pipeline.inspect.layout import lay_out

GAP = (10.0, 12.0)


def test_a_chain_is_a_straight_line_downwards() -> None:
    layout = lay_out([(60, 20), (100, 40), (30, 20)], [(0, 1), (1, 2)], GAP)
    assert layout.boxes == [(50, 10), (50, 52), (50, 94)]
    assert layout.size == (100, 104)


def test_a_shortcut_goes_by_what_it_passes() -> None:
    sizes = [(40.0, 20.0)] * 4
    layout = lay_out(sizes, [(0, 1), (1, 2), (2, 3), (0, 3)], GAP)
    passed = layout.lines[3][1:-1]
    assert len(passed) == 2
    for (x, y), box in zip(passed, layout.boxes[1:3], strict=True):
        assert y == box[1]
        assert abs(x - box[0]) >= 20 + GAP[0]


@pytest.mark.parametrize("seed", range(5))
def test_boxes_of_any_graph_lie_apart_and_lines_lead_downwards(seed: int) -> None:
    dice = random.Random(seed)
    sizes = [(dice.uniform(20, 120), dice.uniform(10, 60)) for _ in range(25)]
    edges = [(dice.randrange(node), node) for node in range(1, 25) for _ in range(dice.randint(0, 2))]
    layout = lay_out(sizes, edges, GAP)
    boxes = list(zip(layout.boxes[:25], sizes, strict=True))
    for ((x, y), (width, height)), ((right, down), (wide, high)) in combinations(boxes, 2):
        beside = abs(x - right) >= (width + wide) / 2 + GAP[0] - 1e-6
        below = abs(y - down) >= (height + high) / 2 + GAP[1] - 1e-6
        assert beside or below
    assert all(x - size[0] / 2 >= -1e-6 and x + size[0] / 2 <= layout.size[0] + 1e-6 for (x, _), size in boxes)
    for line in layout.lines:
        heights = [y for _, y in line]
        assert heights == sorted(set(heights))


def test_networks_are_drawn_side_by_side_with_their_titles(tmp_path: Path) -> None:
    write_small_onnx(tmp_path / "model.onnx")
    network = read_onnx(tmp_path / "model.onnx")
    draw_networks([network], tmp_path / "one.png")
    draw_networks([network, network], tmp_path / "two.png", tmp_path / "two.svg")
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "two.png") as two:
        assert two.height == one.height
        assert two.width > 1.8 * one.width
    words = [element.text for element in ElementTree.parse(tmp_path / "two.svg").iter() if element.text]
    assert words.count("model.onnx: opset 17") == 2
    assert words.count("kernel 3x3") == 2


def test_a_name_may_look_like_a_formula(tmp_path: Path) -> None:
    write_small_onnx(tmp_path / "a $x_ b.onnx")
    draw_networks([read_onnx(tmp_path / "a $x_ b.onnx")], tmp_path / "graph.png")
    assert (tmp_path / "graph.png").stat().st_size > 1000


def test_graphviz_is_told_each_box_and_line(tmp_path: Path) -> None:
    write_small_onnx(tmp_path / "model.onnx")
    lines = as_dot(read_onnx(tmp_path / "model.onnx")).splitlines()
    assert lines[0] == 'digraph "model.onnx: opset 17" {'
    assert sum("fillcolor" in line for line in lines) == 5
    assert 'n1 -> n2 [label="[batch, 4, 28, 28]"];' in lines
