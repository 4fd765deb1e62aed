"""Ink and paper: the ink's colour, where it is, and how it looks cut out, scaled and centred as MNIST's digits are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter, ImageOps

Values = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Shape = tuple[int, ...]
Box = tuple[int, int, int, int]  # left, top, right, bottom
Region = tuple[float, float, float, float]  # the same, in an image whose coordinates go from -1 to 1

SIDE, BOX = 28, 20  # MNIST: scaled into 20x20 with the aspect ratio kept, the centre of mass at (14, 14) of 28x28
_COARSE, _FINE = 112, 224  # pixels a side at which ink is looked for, and then cut out
_SAMPLES = 56  # pixels a side from which the paper's brightness is told
_FAINTEST = 8  # gray levels by which ink must differ from paper, and
_NOISE = 4  # times the paper's own deviation
_SPECK = 0.1  # of the largest stroke's area: what is smaller is dirt
_EDGE = 0.3  # of the ink's strength: where a stroke ends
_STROKE = 2.0  # pixels of 28: thinner strokes are widened to that, MNIST's are 2.5 in the median


@dataclass(frozen=True)
class _Paper:
    """The paper's brightness as a quadratic surface over the image."""

    coefficients: Values

    def under(self, shape: Shape, region: Region = (-1, -1, 1, 1)) -> Values:
        """Return the brightness in the middle of each cell of a grid over a region."""
        surface: Values = (_terms(shape, region) @ self.coefficients).reshape(shape)
        return surface


def is_ink_dark(gray: Image.Image) -> bool:
    """Tell whether an image of mode L shows dark ink on light, by what differs more from its paper.

    A border that is black for the most part is dark paper, and what is on it light. An empty sheet is told by its gray.
    """
    if median_of_border(gray) == 0:
        return False
    values = _shrunk(gray, _COARSE)
    return _differs_darkly(values - _fit_paper(values).under(values.shape), gray)


def median_of_border(gray: Image.Image) -> float:
    """Return the median of the outermost lines and columns of an image of mode L."""
    pixels = np.asarray(gray)
    return float(np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])))


def centred_digit(
    gray: Image.Image, dark: bool | None = None, size: tuple[int, int] = (SIDE, SIDE)
) -> npt.NDArray[np.uint8] | None:
    """Return the ink of an image of mode L as MNIST would have it: uint8 of `size`, light on dark, None without ink.

    `dark` is the ink's colour, None to tell it; `size` is height and width. Uneven paper becomes black and the ink white,
    specks are left out, and strokes too thin for what they are scaled to are widened. Source: the description of MNIST
    in LeCun et al., Gradient-based learning applied to document recognition, 1998.
    """
    values = _shrunk(gray, _COARSE)
    paper = _fit_paper(values)
    difference = values - paper.under(values.shape)
    dark = _differs_darkly(difference, gray) if dark is None else dark
    sign = -1 if dark else 1
    levels = _ink_levels(np.maximum(sign * difference, 0))
    if levels is None:
        return None
    strokes = _box_of_strokes(_strength(sign * difference, levels) > _EDGE)
    box = _enlarged(strokes, values.shape, gray.size)
    values = _shrunk(gray.crop(box), _FINE)  # close up, where a small digit has kept its detail
    ink = _strength(sign * (values - paper.under(values.shape, _region(box, gray.size))), levels)
    return _centred(_widened(ink[_bounds(ink > _EDGE)]), *size)


def _differs_darkly(difference: Values, gray: Image.Image) -> bool:
    darkest, lightest = float(difference.min()), float(difference.max())
    if max(-darkest, lightest) < _FAINTEST:
        return median_of_border(gray) > 127
    return -darkest > lightest


def _shrunk(gray: Image.Image, side: int) -> Values:
    if max(gray.size) > side:
        scale = side / max(gray.size)
        size = (max(1, round(gray.width * scale)), max(1, round(gray.height * scale)))
        gray = gray.resize(size, Image.Resampling.BOX, reducing_gap=2)
    return np.asarray(gray, np.float32)


def _terms(shape: Shape, region: Region = (-1, -1, 1, 1)) -> Values:
    left, top, right, bottom = region
    x = left + (right - left) * (np.arange(shape[1], dtype=np.float32) + 0.5) / shape[1]
    y = top + (bottom - top) * (np.arange(shape[0], dtype=np.float32) + 0.5) / shape[0]
    x, y = (axis.ravel() for axis in np.meshgrid(x, y))
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1)


def _fit_paper(values: Values) -> _Paper:
    """Fit the surface to the border, and again to all that it fits, until ink has no say."""
    step = 1 + max(values.shape) // _SAMPLES
    border = np.ones(values.shape, bool)
    border[1:-1, 1:-1] = False
    terms, sample, kept = _terms(values.shape), values[::step, ::step].ravel(), border[::step, ::step].ravel()
    terms = terms.reshape(*values.shape, -1)[::step, ::step].reshape(len(sample), -1)
    for _ in range(5):
        chosen = terms[kept]
        # The small ridge keeps an image of one row or column solvable.
        normal = chosen.T @ chosen + 1e-3 * np.eye(chosen.shape[1], dtype=np.float32)
        coefficients = np.linalg.solve(normal, chosen.T @ sample[kept]).astype(np.float32)
        error = np.abs(sample - terms @ coefficients)
        spread = 1.4826 * np.median(error[kept])  # the standard deviation, were it noise alone
        kept = error <= max(3 * spread, _FAINTEST / 2)
    return _Paper(coefficients)


def _ink_levels(difference: Values) -> tuple[float, float] | None:
    """Return the differences from the paper at which ink begins and at which it is full, None where all is paper."""
    if difference.max() < _FAINTEST:
        return None
    threshold = _otsu(difference)
    ink, paper = difference[difference > threshold], difference[difference <= threshold]
    full = float(np.median(ink))
    if full - paper.mean() < max(_FAINTEST, _NOISE * paper.std()):
        return None
    return threshold / 2, full


def _otsu(values: Values) -> float:
    """Return the threshold that divides values best in two classes (Otsu, 1979)."""
    counts, edges = np.histogram(values, 256)
    centres = (edges[1:] + edges[:-1]) / 2
    below, sums = np.cumsum(counts), np.cumsum(counts * centres)
    above = below[-1] - below
    between = (sums[-1] * below / below[-1] - sums) ** 2 / np.maximum(below * above, 1)
    return float(centres[np.argmax(between)])


def _strength(difference: Values, levels: tuple[float, float]) -> Values:
    low, full = levels
    return np.clip((difference - low) / (full - low), 0, 1)


def _box_of_strokes(mask: Mask) -> Box:
    """Return the box around the connected areas of a mask, but for specks."""
    areas = _connected_areas(mask)
    largest = max(area for area, _ in areas)
    boxes = np.array([box for area, box in areas if area >= _SPECK * largest])
    left, top = boxes[:, :2].min(axis=0).tolist()
    right, bottom = boxes[:, 2:].max(axis=0).tolist()
    return left, top, right, bottom


def _connected_areas(mask: Mask) -> list[tuple[int, Box]]:
    """Return size and box of each 8-connected area: runs of each row, united with those that they touch above."""
    parents: list[int] = []
    areas: list[int] = []
    boxes: list[Box] = []

    def root(index: int) -> int:
        while parents[index] != index:
            index = parents[index]
        return index

    above: list[tuple[int, int, int]] = []
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    for y, row in enumerate(edges):
        ends = np.flatnonzero(row).tolist()
        runs = []
        for start, end in zip(ends[::2], ends[1::2], strict=True):
            index = len(parents)
            parents.append(index)
            areas.append(end - start)
            boxes.append((start, y, end, y + 1))
            for other_start, other_end, other in above:
                if other_start <= end and start <= other_end and (old := root(other)) != index:
                    parents[old] = index
                    areas[index] += areas[old]
                    boxes[index] = _union(boxes[index], boxes[old])
            runs.append((start, end, index))
        above = runs
    return [(areas[index], boxes[index]) for index in range(len(parents)) if parents[index] == index]


def _union(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _bounds(mask: Mask) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _enlarged(box: Box, shape: Shape, size: tuple[int, int]) -> Box:
    """Carry a box, made a cell larger on each side, over from a grid of `shape` to the pixels of an image of `size`."""
    left, top, right, bottom = box
    x, y = size[0] / shape[1], size[1] / shape[0]
    return (
        max(math.floor((left - 1) * x), 0),
        max(math.floor((top - 1) * y), 0),
        min(math.ceil((right + 1) * x), size[0]),
        min(math.ceil((bottom + 1) * y), size[1]),
    )


def _region(box: Box, size: tuple[int, int]) -> Region:
    left, top, right, bottom = box
    x, y = 2 / size[0], 2 / size[1]
    return left * x - 1, top * y - 1, right * x - 1, bottom * y - 1


def _widened(ink: Values) -> Image.Image:
    """Return ink as an image, its strokes made as wide as _STROKE will be, where they are thinner."""
    image = Image.fromarray(np.rint(ink * 255).astype(np.uint8))
    mask = np.pad(ink > _EDGE, 1).astype(np.int8)
    perimeter = (np.diff(mask, axis=0) != 0).sum() + (np.diff(mask, axis=1) != 0).sum()
    width = 2 * mask.sum() / (perimeter * np.pi / 4)  # a stroke is long and thin; pixel edges overstate its outline
    steps = round((_STROKE * max(ink.shape) / BOX - width) / 2)
    if steps > 0:
        image = ImageOps.expand(image, steps)
        for _ in range(steps):
            image = image.filter(ImageFilter.MaxFilter(3))
    return image


def _centred(ink: Image.Image, height: int, width: int) -> npt.NDArray[np.uint8]:
    scale = min(height, width) * BOX / SIDE / max(ink.size)
    size = (max(1, round(ink.width * scale)), max(1, round(ink.height * scale)))
    ink = ink.resize(size, Image.Resampling.LANCZOS)
    mass = np.asarray(ink, np.float64)
    x = mass.sum(axis=0) @ np.arange(size[0]) / mass.sum()
    y = mass.sum(axis=1) @ np.arange(size[1]) / mass.sum()
    sides = zip((x, y), size, (width, height), strict=True)
    left, top = (min(max(round(side / 2 - c), 0), side - n) for c, n, side in sides)
    digit = Image.new("L", (width, height))
    digit.paste(ink, (left, top))
    return np.asarray(digit)
