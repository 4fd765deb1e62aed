"""Images as they might have been written instead: turned, moved, bent, brighter at random, a whole batch at a time.

A transform is named with its amount, several by commas: `rotate=10,shift=2,elastic=1`. The warps together make one field
of displacements an image, so that each is sampled once, bilinearly; beside the image it is dark. Then come the tones,
which change values and move nothing.

Source of the elastic warps: Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks Applied to
Visual Document Analysis", 2003.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fluidline.errors import UsageError, closest
from pipeline.data.dataset import SIDE, Images
from pipeline.settings import NONE

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Transform:
    """A row of a table: what an amount means, the largest that makes sense, and what it does, in place.

    A warp is given the weights of the fields, a tone the values [N, 28, 28].
    """

    help: str
    most: float
    apply: Callable[[Floats, np.random.Generator, float], None]


def parse(text: str) -> dict[str, float]:
    """Return the transforms by name with their amounts, none for 'none'. Raises UsageError that names what is wrong."""
    amounts: dict[str, float] = {}
    for part in text.split(",") if text != NONE else ():
        name, _, value = part.strip().partition("=")
        name = ALIASES.get(name, name)
        if name in amounts:
            raise UsageError(f"augmentation {name} is given twice in '{text}' (leave one of them)")
        if name not in TRANSFORMS:
            raise UsageError(f"no such augmentation: '{name}'{closest(name, [*TRANSFORMS, NONE])}")
        most = TRANSFORMS[name].most
        try:
            amounts[name] = float(value)
        except ValueError:
            raise UsageError(f"augmentation {name} wants an amount, as in {name}={most / 10:g}, not '{part}'") from None
        if not 0 <= amounts[name] <= most:
            raise UsageError(f"augmentation {name} is {value}, and must be from 0 to {most:g}")
    return amounts


def augment(images: Images, amounts: dict[str, float], random: np.random.Generator) -> Floats:
    """Return `images` [N, 28, 28] transformed, each in a way of its own, as float32 of the same shape and range."""
    weights = _still(len(images))
    _apply(WARPS, weights, random, amounts)
    across, down = (weights.reshape(-1, len(_BASIS)) @ _BASIS).reshape(2, len(images), SIDE * SIDE)
    values = _sample(images, across, down).reshape(images.shape)
    _apply(TONES, values, random, amounts)
    return values


def _apply(table: dict[str, Transform], values: Floats, random: np.random.Generator, amounts: dict[str, float]) -> None:
    for name, transform in table.items():  # in the table's order, whatever the user's
        if amount := amounts.get(name):
            transform.apply(values, random, amount)


# Where a pixel of the result is taken from, relative to the middle of the image, is a weighted sum of fields [28 * 28]:
# the distance across and down, 1, and bumps at the knots of a grid. A transform changes the weights [2, N, fields] of
# the places across (0) and down (1).
_ACROSS, _DOWN, _ONE, _BUMPS = 0, 1, 2, slice(3, None)
_MIDDLE = (SIDE - 1) / 2
_KNOTS, _SIGMA = 7, 4.0  # a bump's width is Simard's sigma, in pixels


def _basis() -> Floats:
    down, across = np.mgrid[:SIDE, :SIDE].reshape(2, -1) - _MIDDLE
    away = np.arange(SIDE)[:, None] - np.linspace(0, SIDE - 1, _KNOTS)
    bumps = np.exp(-((away / _SIGMA) ** 2) / 2)
    bumps /= np.linalg.norm(bumps, axis=1, keepdims=True)  # so that normal weights give displacements of one variance
    return np.vstack([across, down, np.ones(SIDE * SIDE), np.kron(bumps, bumps).T]).astype(np.float32)


_BASIS = _basis()


def _still(count: int) -> Floats:
    """Return the weights of so many images that stay as they are."""
    weights = np.zeros((2, count, len(_BASIS)), np.float32)
    weights[0, :, _ACROSS] = weights[1, :, _DOWN] = 1
    return weights


def _rotate(weights: Floats, random: np.random.Generator, degrees: float) -> None:
    angle = np.radians(_between(random, degrees, weights.shape[1]))
    _combine(weights, np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]))


def _zoom(weights: Floats, random: np.random.Generator, share: float) -> None:
    factor = 1 + _between(random, share, weights.shape[1])
    _combine(weights, np.array([[factor, 0 * factor], [0 * factor, factor]]))


def _stretch(weights: Floats, random: np.random.Generator, share: float) -> None:
    across, down = 1 + _between(random, share, (2, weights.shape[1]))
    _combine(weights, np.array([[across, 0 * across], [0 * down, down]]))


def _shear(weights: Floats, random: np.random.Generator, slope: float) -> None:
    lean = _between(random, slope, weights.shape[1])
    _combine(weights, np.array([[np.ones_like(lean), lean], [0 * lean, np.ones_like(lean)]]))


def _shift(weights: Floats, random: np.random.Generator, pixels: float) -> None:
    weights[..., _ONE] += _between(random, pixels, weights.shape[:2])


def _elastic(weights: Floats, random: np.random.Generator, pixels: float) -> None:
    weights[..., _BUMPS] += pixels * random.standard_normal((*weights.shape[:2], _KNOTS**2), np.float32)


def _vary(weights: Floats, random: np.random.Generator, share: float) -> None:
    strength = 1 - share * random.random((weights.shape[1], 1), np.float32)
    still = _still(weights.shape[1])
    weights[:] = still + strength * (weights - still)


def _thicken(values: Floats, random: np.random.Generator, share: float) -> None:
    amount = _between(random, share, (len(values), 1, 1)).astype(np.float32)
    framed = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    above, below, before, behind = framed[:, :-2, 1:-1], framed[:, 2:, 1:-1], framed[:, 1:-1, :-2], framed[:, 1:-1, 2:]
    for bound, towards in ((np.maximum, np.maximum(amount, 0)), (np.minimum, np.maximum(-amount, 0))):
        reached = bound(bound(above, below), bound(before, behind))
        values += towards * (bound(reached, values) - values)


def _brighten(values: Floats, random: np.random.Generator, share: float) -> None:
    values *= 1 + _between(random, share, (len(values), 1, 1)).astype(np.float32)
    np.minimum(values, 255, out=values)


def _add_noise(values: Floats, random: np.random.Generator, share: float) -> None:
    strength = 255 * share * random.random((len(values), 1, 1), np.float32)
    values += strength * random.standard_normal(values.shape, np.float32)
    np.clip(values, 0, 255, out=values)


# In each table a new row goes last: what a seed draws for those before it stays what it was.
WARPS = {
    "rotate": Transform("degrees, either way", 180, _rotate),
    "zoom": Transform("share of the size, both directions alike", 0.9, _zoom),
    "stretch": Transform("share of the size, each direction of its own", 0.9, _stretch),
    "shear": Transform("pixels to the side for each pixel of height", 2, _shear),
    "shift": Transform("pixels in each direction", SIDE / 2, _shift),
    "elastic": Transform("pixels that a point is moved, standard deviation of a smooth field", SIDE / 2, _elastic),
    "vary": Transform("share of the warps' strength that each image draws: with 1, from none of it to all", 1, _vary),
}
TONES = {
    "brightness": Transform("share of the ink's strength, more or less", 1, _brighten),
    "thickness": Transform(
        "share of the way to a pixel's brightest or darkest neighbour: thick or thin strokes", 1, _thicken
    ),
    "noise": Transform("standard deviation of noise in each pixel, share of full ink, at most", 1, _add_noise),
}
TRANSFORMS = WARPS | TONES
ALIASES = {"rotation": "rotate", "scale": "zoom"}  # what the courses call them


def _between(random: np.random.Generator, most: float, shape: int | tuple[int, ...]) -> npt.NDArray[np.float64]:
    return random.uniform(-most, most, shape)


def _combine(weights: Floats, matrix: npt.NDArray[np.float64]) -> None:
    """Apply a linear map of the plane, [2, 2, N], to the places that the weights stand for."""
    weights[:] = np.einsum("ijn,jnk->ink", matrix, weights)


def _sample(images: Images, across: Floats, down: Floats) -> Floats:
    """Return the images' values at places [N, 28 * 28] relative to the middle, which are used up; in steps in place."""
    width = SIDE + 2  # with a dark frame: a place at the border lies between a pixel and the dark
    framed = np.zeros((len(images), width, width), np.uint8)
    framed[:, 1:-1, 1:-1] = images
    for places in (across, down):
        places += np.float32(_MIDDLE + 1)
        np.clip(places, 0, np.nextafter(np.float32(width - 1), np.float32(0)), out=places)
    left, top = np.floor(across), np.floor(down)
    across -= left
    down -= top
    corner = (top * width + left).astype(np.intp) + (np.arange(len(images)) * width * width)[:, None]

    pixels = framed.reshape(-1)

    def row(first: int) -> Floats:
        one, other = (pixels.take(corner + (first + beside), mode="clip").astype(np.float32) for beside in (0, 1))
        return _blend(one, other, across)

    return _blend(row(0), row(width), down)


def _blend(one: Floats, other: Floats, share: Floats) -> Floats:
    """Return, in place of `one`, what lies between two values at a share of the way."""
    other -= one
    other *= share
    one += other
    return one
