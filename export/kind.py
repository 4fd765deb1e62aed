"""What kind of model it is: images or a table in, labels or a value out. Every command goes by what is decided here.

It is told by the model's inputs, its answer to one of them, and its metadata:

preprocessing   {"size": [height, width], "scale", "shift", "ink"} of images, {"features", "offset", "scale"} of a table
labels          a list of names; none where the model gives a value
task            classification or regression

Without `preprocessing`, an input [batch, 1, height, width] is images and [batch, n] a table of n numbers as they are;
without `task` and `labels`, one output is a value and several are probabilities of the labels 0, 1, 2, ...
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from export.conversion.signature import TensorSpec
from fluidline.errors import DataError

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Shape = tuple[int, ...]

CLASSIFICATION, REGRESSION = "classification", "regression"
TASKS = (CLASSIFICATION, REGRESSION)
_INKS = ("light", "dark")
_SUM = 1e-3  # by so much the sum of probabilities may differ from 1


@dataclass(frozen=True)
class Images:
    """Gray images of `size`, height and width, in the model's input as `shape`: (1, 28, 28), or (784,) say.

    value = pixel * scale + shift; the ink is light on dark or dark on light.
    """

    size: tuple[int, int] = (28, 28)
    shape: Shape = (1, 28, 28)
    scale: float = 2 / 255
    shift: float = -1.0
    ink: str = "light"

    def normalise(self, pixels: npt.NDArray[Any]) -> Floats:
        """Return images of any shape, 0 to 255 and light ink on dark, as the model takes them: float32 [n, *shape]."""
        if self.ink == "dark":
            pixels = 255 - pixels
        images = pixels.reshape(-1, *self.shape).astype(np.float32)
        images *= np.float32(self.scale)
        images += np.float32(self.shift)
        return images

    @cached_property
    def count(self) -> int:
        """How many pixels an image has."""
        return math.prod(self.size)

    def to_pixels(self, images: Floats) -> Pixels:
        """Return what the model was given as pixels, light ink on dark: uint8 [n, height * width]."""
        pixels = np.rint((images.reshape(-1, self.count) - self.shift) / self.scale).clip(0, 255)
        pixels = pixels.astype(np.uint8)
        return np.invert(pixels) if self.ink == "dark" else pixels

    def as_json(self) -> dict[str, Any]:
        """Return what a client must know."""
        return {"kind": "images", "size": self.size}


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of `count` numbers: value = (number - offset) * scale; `features` are the columns' names, () if unknown."""

    count: int
    features: tuple[str, ...] = ()
    offset: npt.NDArray[np.float64] | float = 0.0
    scale: npt.NDArray[np.float64] | float = 1.0

    @property
    def shape(self) -> Shape:
        return (self.count,)

    def normalise(self, rows: npt.NDArray[np.float64]) -> Floats:
        """Return rows of numbers as the model takes them: float32 [n, count]."""
        return ((rows - self.offset) * self.scale).astype(np.float32)

    def as_json(self) -> dict[str, Any]:
        """Return what a client must know."""
        return {"kind": "table", "count": self.count, "features": self.features}


@dataclass(frozen=True)
class Kind:
    """What a model `takes`, and the `labels` that it gives probabilities of, () where it gives a value.

    `takes` is None where it is neither images nor a table, or its answers are neither probabilities nor a value: then
    it can only be run on tensors, and `why` says so.
    """

    takes: Images | Table | None
    labels: tuple[str, ...] = ()
    why: str = ""

    @property
    def task(self) -> str | None:
        """Whether it gives labels or a value."""
        return None if self.takes is None else CLASSIFICATION if self.labels else REGRESSION

    def __str__(self) -> str:
        if self.takes is None:
            return f"tensors only: {self.why}"
        what = f"rows of {self.takes.count} numbers"
        if isinstance(self.takes, Images):
            what = f"images of {self.takes.size[0]}x{self.takes.size[1]}"
        return f"{what} to " + (f"{len(self.labels)} labels" if self.labels else "a value")


def decide(inputs: Sequence[TensorSpec], metadata: Mapping[str, str], answer: Callable[[], npt.NDArray[Any]]) -> Kind:
    """Return the kind of a model with these inputs and metadata; `answer` gives its first output for any one input.

    Raises DataError where the metadata cannot be read, or contradict the model.
    """
    preprocessing, labels, task = (_read(metadata, key) for key in ("preprocessing", "labels", "task"))
    if labels and task == REGRESSION:
        raise DataError(f"its metadata has {len(labels)} labels, and the task {REGRESSION}, which has none")
    takes = _read_input(inputs, preprocessing)
    if isinstance(takes, str):
        return Kind(None, why=takes)
    found = answer()
    if found.ndim != 2 or len(found) != 1 or found.dtype != np.float32:
        shown = f"{found.dtype}{list(found.shape)}"
        return Kind(None, why=f"it answers with {shown}, not with numbers [batch, n] of float32")
    count = found.shape[1]
    if task == REGRESSION and count > 1:
        return Kind(None, why=f"it gives {count} values at a time, and one is what predict writes")
    if task == REGRESSION or (task is None and not labels and count == 1):
        return Kind(takes)
    if found.min() < 0 or abs(float(found.sum()) - 1) > _SUM:
        mend = "let its graph end with softmax, or convert it with --softmax"
        return Kind(None, why=f"its answers are no probabilities ({mend})")
    if labels and len(labels) != count:
        raise DataError(f"its metadata has the labels {labels}, and its answers {count} probabilities")
    return Kind(takes, tuple(labels or map(str, range(count))))


def _read(metadata: Mapping[str, str], key: str) -> Any:
    """Return a value of the metadata, None where it is not there. Raises DataError where it cannot be read."""
    if key not in metadata:
        return None
    if key == "task":
        if metadata[key] not in TASKS:
            raise DataError(f"its metadata has the task '{metadata[key]}' (there is: {', '.join(TASKS)})")
        return metadata[key]
    try:
        value = json.loads(metadata[key])
    except ValueError as error:
        raise DataError(f"its metadata has no readable {key}: {error}") from error
    if key == "labels":
        if not isinstance(value, list):
            raise DataError(f"its metadata has the labels {value}, not a list of names")
        return list(map(str, value))
    if not isinstance(value, dict):
        raise DataError(f"its metadata has no readable preprocessing: {value} is no object")
    return value


def is_batch(spec: TensorSpec) -> bool:
    """Tell whether a tensor is any number of float32 images, rows or answers, [batch, fixed sizes]."""
    first, *rest = spec.shape or (0,)
    return spec.dtype == "float32" and isinstance(first, str) and rest != [] and all(isinstance(n, int) for n in rest)


def row_shape(spec: TensorSpec) -> Shape:
    """Return the sizes after the first, where they are fixed: those of one image, row or answer."""
    return tuple(size for size in spec.shape[1:] if isinstance(size, int))


def _read_input(inputs: Sequence[TensorSpec], preprocessing: Mapping[str, Any] | None) -> Images | Table | str:
    """Return what goes in, or in words why that is neither images nor a table."""
    shown = ", ".join(map(str, inputs))
    if len(inputs) != 1 or not is_batch(inputs[0]):
        return f"it takes {shown}, not any number of images or rows of float32 in one input"
    shape = row_shape(inputs[0])
    try:
        if preprocessing is not None and "size" in preprocessing:
            return _read_images(shape, preprocessing)
        if preprocessing is not None:
            return _read_table(shape, preprocessing)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"its metadata has no readable preprocessing: {error!r}") from error
    if len(shape) == 3 and shape[0] == 1:
        return Images(shape[1:], shape)
    if len(shape) == 1:
        return Table(shape[0])
    return f"it takes {shown}, neither gray images [batch, 1, height, width] nor rows of a table [batch, numbers]"


def _read_images(shape: Shape, values: Mapping[str, Any]) -> Images:
    height, width = map(int, values["size"])
    images = Images((height, width), shape, float(values["scale"]), float(values["shift"]), values["ink"])
    if math.prod(shape) != images.count or images.ink not in _INKS or not images.scale:
        raise DataError(
            f"its metadata asks for {images.ink} ink on {list(images.size)}, scaled by {images.scale:g}, and its input is "
            f"[batch, {', '.join(map(str, shape))}]"
        )
    return images


def _read_table(shape: Shape, values: Mapping[str, Any]) -> Table:
    features = tuple(map(str, values["features"]))
    offset, scale = (np.array(values[key], np.float64) for key in ("offset", "scale"))
    if not (features and shape == (len(features),) == offset.shape == scale.shape):
        counts = f"{len(features)} features, {offset.size} offsets and {scale.size} scales"
        raise DataError(f"its metadata has {counts}, and its input is [batch, {', '.join(map(str, shape))}]")
    return Table(len(features), features, offset, scale)
