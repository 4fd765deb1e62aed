"""Write a glyph by hand, many times at once: jitter, spline, affine, elastic, box, rasterise, ink.

Plain NumPy arithmetic on arrays whose first axis is the image, no BLAS and hardly a transcendental function, so that a
generator in the same state writes the same images everywhere. Lengths are in hundredths of the digit's height until
`box`, in pixels from there on; a "spread" is a standard deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.data.dataset import SIDE, Images
from pipeline.data.glyphs import Glyph

BOX = 20  # pixels of the square that the ink just fits into, as in MNIST
MIDDLE = 14  # where the centre of mass comes to; half a pixel off the image's own, as in MNIST
POINTS = 100  # at which the strokes of a glyph are taken; they lie about half a pixel apart
TOGETHER = 64  # images rasterised together; what that takes fits into a core's cache

JITTER = 3.2  # spread of a control point
CARE = 0.4  # spread, as a logarithm, of a writer's JITTER
LIFT = 2.0  # spread of a stroke as a whole, where the pen was lifted before or after it
TRIM = 3.5  # spread of a stroke's ends along it: gaps and overshoots
PRESSURE = 0.15  # spread of the line's width at a control point, as a part of it
STRETCH = 0.21  # spread, as a logarithm, of width to height
SLANT, SLANT_SPREAD = 0.12, 0.30  # of x over y; most people lean to the right
TURN = 0.13  # spread of the rotation, in radians
BEND = 0.15, 0.09  # spread of the elastic warp's coefficients, of the squares and of the cubes
WIDTH, WIDTH_SPREAD = 2.55, 0.33  # of the line: median in pixels, and spread as a logarithm
THINNEST = 1.0  # the least width of a line, in pixels
BLUR = 0.8, 1.4  # pixels from black to white at an edge, least and most
GRAIN = 0.12  # spread of an edge's place from pixel to pixel

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Random = np.random.Generator


def write(glyphs: Sequence[Glyph], which: Indices, random: Random) -> Images:
    """Write glyphs[which[n]] for each n, no two alike, light ink on black: uint8 [N, 28, 28]."""
    points, pressure = trace(glyphs, which, random)
    points = affine(points, random)
    points = elastic(points, random)
    points, radius = box(points, pressure, random)
    depth = rasterise(points, radius)
    images = ink(depth, random)
    return centre(images)


def trace(glyphs: Sequence[Glyph], which: Indices, random: Random) -> tuple[Floats, Floats]:
    """Take the pen along glyphs[which[n]] for each n: points [N, 100, 2] close to each other, and pressure [N, 100]."""
    track = np.empty((len(which), POINTS, 3))
    for number, glyph in enumerate(glyphs):
        mine = np.flatnonzero(which == number)
        places, strokes = lay_out(glyph)
        control = jitter(places, len(mine), random)
        track[mine] = spline(strokes, control, random)
    return track[..., :2], track[..., 2]


class Stroke(NamedTuple):
    """A stroke between its control points: S spans, each a piece of curve from one point to the next.

    `shape` [S, 4] are indices of the control points that shape a span: before it, its two ends, after it.
    `along` [S + 1] is how far along the stroke each control point lies, the first at 0. `taken` is the number of points
    at which the curve is taken.
    """

    shape: Indices
    along: Floats
    taken: int


@cache
def lay_out(glyph: Glyph) -> tuple[Floats, tuple[Stroke, ...]]:
    """Return the glyph's distinct control points, [P, 2], and its strokes, which share them where they meet."""
    places: dict[tuple[float, float], int] = {}
    shapes, alongs = [], []
    for text in glyph.strokes:
        words = text.split()
        spots = [(float(x), float(y)) for x, y in (word.rstrip("!").split(",") for word in words)]
        at = [places.setdefault(spot, len(places)) for spot in spots]
        # A curve leaves a corner, as it leaves an end, without regard to what is on the other side.
        last = len(words) - 1
        sharp = [number in (0, last) or word.endswith("!") for number, word in enumerate(words)]
        shapes.append(
            [
                (at[s if sharp[s] else s - 1], at[s], at[s + 1], at[s + 1 if sharp[s + 1] else s + 2])
                for s in range(last)
            ]
        )
        steps = np.diff(np.array(spots), axis=0)
        alongs.append(np.concatenate([[0.0], np.sqrt((steps**2).sum(axis=1)).cumsum()]))
    ends = np.cumsum([along[-1] for along in alongs])
    shares = np.diff(np.rint(POINTS * ends / ends[-1]).astype(int), prepend=0)
    strokes = zip(map(np.array, shapes), alongs, map(int, shares), strict=True)
    return np.array(list(places)), tuple(Stroke(*stroke) for stroke in strokes)


def jitter(places: Floats, count: int, random: Random) -> Floats:
    """Move control points [P, 2] and press the pen unevenly: [count, P, 3], last x, y and pressure around 1."""
    care = np.exp(CARE * random.standard_normal((count, 1, 1)))
    moved = places + JITTER * care * random.standard_normal((count, *places.shape))
    pressure = 1 + PRESSURE * random.standard_normal((count, len(places), 1))
    return np.concatenate([moved, pressure], axis=2)


def spline(strokes: tuple[Stroke, ...], control: Floats, random: Random) -> Floats:
    """Draw the curves through control points [N, P, 3], evenly along the strokes: [N, 100, 3]."""
    count = len(control)
    each = np.arange(count)[:, None, None]
    curves = []
    for stroke in strokes:
        start, stop = TRIM * random.standard_normal((2, count, 1))
        along = start + (stroke.along[-1] + stop - start) * np.linspace(0, 1, stroke.taken)
        span = np.clip(np.searchsorted(stroke.along, along, side="right") - 1, 0, len(stroke.shape) - 1)
        length = stroke.along[span + 1] - stroke.along[span]
        t = ((along - stroke.along[span]) / length)[..., None]  # outside [0, 1] where an end overshoots
        before, here, there, beyond = np.moveaxis(control[each, stroke.shape[span]], 2, 0)
        # Catmull-Rom: the cubic whose slope at a point is half the way from the point before to the one after.
        leave, arrive, step = (there - before) / 2, (beyond - here) / 2, there - here
        curves.append(here + t * (leave + t * (3 * step - 2 * leave - arrive + t * (leave + arrive - 2 * step))))
        if len(strokes) > 1:
            curves[-1][..., :2] += LIFT * random.standard_normal((count, 1, 2))
    return np.concatenate(curves, axis=1)


def affine(points: Floats, random: Random) -> Floats:
    """Stretch, slant and turn points [N, T, 2] about the digit's middle, which becomes the origin."""
    stretch, slant, turn = random.standard_normal((3, len(points), 1))
    x, y = np.moveaxis(points - 50, 2, 0)
    x = x * np.exp(STRETCH * stretch) - y * (SLANT + SLANT_SPREAD * slant)
    turn = TURN * turn  # small: the tangent does for the sine
    return np.stack([x - turn * y, y + turn * x], axis=2)


def elastic(points: Floats, random: Random) -> Floats:
    """Bend points [N, T, 2] as a sheet of rubber would: a random polynomial of the place, smooth over the digit."""
    x, y = np.moveaxis(points / 50, 2, 0)
    squares = x * x, x * y, y * y
    cubes = x * x * x, x * x * y, x * y * y, y * y * y
    bent = points.copy()
    for spread, terms in zip(BEND, (squares, cubes), strict=True):
        for term in terms:
            bent += 50 * spread * random.standard_normal((len(points), 1, 2)) * term[..., None]
    return bent


def box(points: Floats, pressure: Floats, random: Random) -> tuple[Floats, Floats]:
    """Fit points [N, T, 2] into the box, in the middle of the image: points in pixels, and the line's radius [N, T]."""
    width = WIDTH * np.exp(WIDTH_SPREAD * random.standard_normal((len(points), 1)))
    radius = np.maximum(width * pressure, THINNEST) / 2
    low, high = points.min(axis=1), points.max(axis=1)
    scale = (BOX - width) / (high - low).max(axis=1, keepdims=True)
    points = (points - (low + high)[:, None] / 2) * scale[:, None]
    return points + (SIDE - 1) / 2, radius


def rasterise(points: Floats, radius: Floats) -> Floats32:
    """Return how deep in the ink each pixel is, [N, 28, 28] in pixels: positive inside a line, negative outside.

    Each point is a round tip, [N, T, 2] with radius [N, T]. The least power of a pixel with respect to the tips,
    distance² - radius², is zero on the line's edge; x and y separate, so it costs an addition a tip and pixel.
    """
    across, down = np.moveaxis(points.astype(np.float32), 2, 0)
    grid = np.arange(SIDE, dtype=np.float32)
    across = (grid - across[..., None]) ** 2
    down = (grid - down[..., None]) ** 2 - radius.astype(np.float32)[..., None] ** 2
    power = np.full((len(points), SIDE, SIDE), np.inf, np.float32)
    for start in range(0, len(points), TOGETHER):
        some = slice(start, start + TOGETHER)
        least = power[some]
        one = np.empty_like(least)
        for t in range(points.shape[1]):
            np.add(down[some, t, :, None], across[some, t, None, :], out=one)
            np.minimum(least, one, out=least)
    usual = radius.mean(axis=1).astype(np.float32)[:, None, None]
    return usual - np.sqrt(np.maximum(power + usual**2, 0))


def ink(depth: Floats32, random: Random) -> Images:
    """Turn depth [N, 28, 28] into pixels: edges a little blurred, differently from image to image, and grainy."""
    blur = random.uniform(*BLUR, size=(len(depth), 1, 1)).astype(np.float32)
    grain = np.float32(GRAIN) * random.standard_normal(depth.shape, dtype=np.float32)
    light = np.clip((depth + grain) / blur + np.float32(0.5), 0, 1)
    return (light * np.float32(255)).astype(np.uint8)


def centre(images: Images) -> Images:
    """Move images [N, 28, 28] by whole pixels so that their centre of mass comes to (14, 14), as MNIST has it."""
    grid = np.arange(SIDE)
    mass = images.sum(axis=(1, 2))
    down = np.rint(MIDDLE - (images.sum(axis=2) * grid).sum(axis=1) / mass).astype(np.intp)
    across = np.rint(MIDDLE - (images.sum(axis=1) * grid).sum(axis=1) / mass).astype(np.intp)
    wide = np.pad(images, ((0, 0), (SIDE, SIDE), (SIDE, SIDE)))
    rows, columns = (SIDE + grid - shift[:, None] for shift in (down, across))
    return wide[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
