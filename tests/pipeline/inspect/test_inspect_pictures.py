"""Filters, feature maps and examples as pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.inspect.examples import draw_mistakes, draw_surest, mistakes_table
from pipeline.inspect.network import Network, Operator, Parameter, Tensor
from pipeline.inspect.page import bars, gray, grid, signed, zoomed
from pipeline.inspect.pictures import draw_feature_maps, draw_filters

LABELS = ("ankle boot", "shirt", "a label that is far too long for a caption")


def test_colours_show_sign_and_strength() -> None:
    colors = signed(np.array([[0.0, 2.0, -2.0, 1.0]], np.float32), 2.0)[0].astype(int)
    zero, strong, negative, weak = colors
    assert zero.tolist() == [255, 255, 255]
    assert strong[2] > strong[0]  # blue
    assert negative[0] > negative[2]  # orange
    assert (strong < weak).all()


def test_numbers_that_are_all_zero_are_white() -> None:
    assert (signed(np.zeros((2, 2), np.float32), 0.0) == 255).all()


def test_a_grid_holds_the_tiles_row_by_row() -> None:
    tiles = [zoomed(gray(np.full((2, 2), value, np.uint8)), 20) for value in (10, 20, 30)]
    sheet = np.asarray(grid(tiles, columns=2))[..., 0]
    found = {value: np.argwhere(sheet == value) for value in (10, 20, 30)}
    assert [len(places) for places in found.values()] == [400] * 3
    assert (found[10].min(axis=0) == (6, 6)).all()
    assert (found[20].min(axis=0) == (6, 32)).all()
    assert (found[30].min(axis=0) == (32, 6)).all()


def test_a_bar_is_as_long_as_its_share() -> None:
    blue = (np.asarray(bars([0.25, 1.0], ["a", "b"], width=400)) == (42, 77, 136)).all(axis=2)
    lengths = [int(row.sum()) for row in (blue[:22], blue[22:])]
    assert lengths[1] / lengths[0] == pytest.approx(4, rel=0.03)


def network(*operators: Operator) -> Network:
    return Network("", (Tensor("img", ("N", 1, 28, 28)),), operators, operators[-1].outputs)


def test_what_looks_at_pixels_is_drawn_and_what_does_not_is_left_out(tmp_path: Path) -> None:
    image, flat, maps = Tensor("img", ("N", 1, 28, 28)), Tensor("flat", ("N", 784)), Tensor("maps", ("N", 4, 9, 9))
    hidden, answer = Tensor("hidden", ("N", 7)), Tensor("answer", ("N", 3))
    operators = (
        Operator("reshape2", (image,), (flat,)),
        Operator("mul", (flat,), (hidden,), (Parameter("on_pixels", (784, 7)),)),
        Operator("conv2d", (image,), (maps,), (Parameter("filters/1", (4, 1, 5, 5)),), {"kernel": [5, 5]}),
        Operator("mul", (hidden,), (answer,), (Parameter("on_hidden", (7, 3)),)),
    )
    random = np.random.default_rng(0)
    values = {
        name: random.normal(size=parameter.shape).astype(np.float32)
        for name, parameter in network(*operators).parameters.items()
    }
    paths = draw_filters(tmp_path, network(*operators), values, LABELS)
    assert [path.name for path in paths] == ["filters_on_pixels.png", "filters_filters_1.png"]
    assert all(len(np.unique(pixels(path).reshape(-1, 3), axis=0)) > 50 for path in paths)


def test_a_unit_s_weights_stand_where_the_pixels_are(tmp_path: Path) -> None:
    def drawn(row: int, column: int) -> np.ndarray:
        """Return where the picture is blue if the second unit looks at one pixel alone."""
        weights = np.zeros((784, 3), np.float32)
        weights[row * 28 + column, 1] = 1.0
        operator = Operator("mul", (Tensor("img"),), (Tensor("out"),), (Parameter("w", (784, 3)),))
        [path] = draw_filters(tmp_path, network(operator), {"w": weights}, LABELS)
        return np.argwhere((pixels(path) == (42, 77, 136)).all(axis=2))

    corner, other = drawn(0, 0), drawn(2, 7)
    assert len(corner) == 25  # 5 pixels for one, each way
    assert (other - corner == (2 * 5, 7 * 5)).all()


@pytest.mark.parametrize("labels", [LABELS, ()])
def test_feature_maps_are_drawn_for_classes_and_for_numbers(tmp_path: Path, labels: tuple[str, ...]) -> None:
    layers = {"conv": np.ones((1, 300, 6, 6), np.float32), "fc": np.zeros((1, 9), np.float32)}
    answer = np.array([[0.2, 0.5, 0.3]] if labels else [[3.4]], np.float32)
    image = np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)
    draw_feature_maps(tmp_path / "maps.png", "an image", image, layers, answer, labels)
    with Image.open(tmp_path / "maps.png") as picture:
        assert picture.width < 1000 < picture.height


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of five images and their labels; the second and the last are taken for another class."""
    probabilities = np.array([[0.9, 0.1, 0], [0.6, 0.4, 0], [0, 1, 0], [0.2, 0.1, 0.7], [0.01, 0.99, 0]], np.float32)
    return probabilities, np.array([0, 1, 1, 2, 2])


def test_mistakes_are_listed_the_surest_first(answers: tuple[np.ndarray, np.ndarray]) -> None:
    table = mistakes_table(*answers, LABELS)
    assert table.title == "2 of 5 test samples are taken for another class"
    assert [row["image"] for row in table.rows] == [4, 1]
    assert table.rows[1] == {
        "image": 1,
        "label": "shirt",
        "predicted": "ankle boot",
        "probability": pytest.approx(0.6),
        "of_label": pytest.approx(0.4),
    }


def test_mistakes_and_surest_examples_are_drawn(tmp_path: Path, answers: tuple[np.ndarray, np.ndarray]) -> None:
    images = np.arange(5, dtype=np.uint8)[:, None, None] * np.full((28, 28), 40, np.uint8)
    assert draw_mistakes(tmp_path / "mistakes.png", images, mistakes_table(*answers, LABELS))
    draw_surest(tmp_path / "surest.png", images, *answers, LABELS)
    shown = {
        name: {value for value in range(0, 200, 40) if area(tmp_path / f"{name}.png", value) >= 84 * 84}
        for name in ("mistakes", "surest")
    }
    assert shown["mistakes"] >= {160, 40}
    assert not shown["mistakes"] & {80, 120}
    assert shown["surest"] >= {0, 40, 80, 120, 160}


def test_where_there_are_no_mistakes_nothing_is_drawn(tmp_path: Path) -> None:
    table = mistakes_table(np.eye(3, dtype=np.float32), np.arange(3), LABELS)
    assert not draw_mistakes(tmp_path / "mistakes.png", np.zeros((3, 28, 28), np.uint8), table)
    assert not (tmp_path / "mistakes.png").exists()


def area(path: Path, value: int) -> int:
    """Return how many pixels of a picture have this gray."""
    return int((pixels(path) == value).all(axis=2).sum())


def pixels(path: Path) -> np.ndarray:
    """Return a picture's pixels [height, width, 3]."""
    with Image.open(path) as picture:
        return np.asarray(picture)
