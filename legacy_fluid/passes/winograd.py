"""Small convolutions of a training as products of matrices, with far fewer multiplications (S. Winograd, 1980).

Along a side, r weights make m outputs of n = m + r - 1 inputs. Seen as polynomials, the product of outputs and weights
is known from its remainders by x, x - 1, x + 1, ... and x^2 + x + 1 ...: that takes hardly more than n multiplications in
place of m * r, and the algorithm, run backwards, is the convolution. So along both sides, with matrices B, G and A,

    V = B image Bᵀ     U = G filter Gᵀ     P = V U, summed over channels     output = Aᵀ P A

and the gradients go the same way back. `matmul(B, image, transpose_y)` over the last dimension puts the new one first,
and `matmul(P, A, transpose_x)` over the first puts it last: so the numbers come to lie as the product over channels
wants them, and back again, and nothing is ever transposed.

Source: A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks, 2015 (arXiv 1509.09308), for points alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..op_descs import Slots
from .block import Block, Uses, first

_POINTS = (0.0, 1.0, -1.0, 2.0, -0.5, -2.0, 0.5)
"""Where polynomials are evaluated; infinity, where the highest coefficient is the value, comes last."""

_QUADRATICS = ((1.0, 1.0), (1.0, -1.0))
"""The a and b of x^2 + b x + a. With more of them, or more points, fewer digits are right."""

_WEIGHTS = [5, 5]
_TILE = 8  # outputs along a side; with 5 weights all of the above are used, and 1e-6 is the error
_SLOTS = ("Input", "Filter", "Output")
_FLOAT32 = 5  # how the core numbers it
_LARGEST = 14  # outputs along a side, beyond which the products do not stay in the cache
_SAVED = 8  # multiplications of oneDNN for one of ours, from which on it is faster
_VECTOR = 16  # channels: oneDNN rounds up to it


def apply(block: Block) -> bool:
    """Rewrite the convolutions that gain by it, and their gradients; return whether there were any."""
    changed = False
    while found := _find(block):
        _Rewriting(block, *found).run()
        changed = True
    return changed


def _find(block: Block) -> tuple[int, int] | None:
    """Return the indices of a convolution to rewrite and of its gradient."""
    ops, uses = block.ops(), Uses(block)
    for forward, op in enumerate(ops):
        if op.type() != "conv2d" or not _is_plain(block, op) or not _gains(block, op):
            continue
        image, filters, output = (first(op, slot) for slot in _SLOTS)
        backward = [
            index
            for index in uses.readers[filters]
            if ops[index].type() == "conv2d_grad" and first(ops[index], "Input") == image and index > forward
        ]
        if len(backward) == 1 and uses.is_written_once(image) and uses.is_written_once(output):
            return forward, backward[0]
    return None


def _is_plain(block: Block, op: Any) -> bool:
    return (
        all(block.is_image(first(op, slot)) for slot in _SLOTS)
        and op.attr("data_format") in ("NCHW", "AnyLayout")
        and op.attr("strides") == op.attr("dilations") == [1, 1]
        and op.attr("groups") == 1
        and op.attr("padding_algorithm") == "EXPLICIT"
    )


def _gains(block: Block, op: Any) -> bool:
    """Whether so many multiplications are saved, on images so small, that it pays to lay everything out for it."""
    image, filters, output = (block.shape(first(op, slot)) for slot in _SLOTS)
    sizes, weights, outputs = image[2:], filters[2:], output[2:]
    channels = filters[:2]
    if weights != _WEIGHTS or min(*sizes, *outputs) < 1 or max(outputs) > _LARGEST or min(channels) < _VECTOR // 2:
        return False
    rows = (len(_side(*side, 0).output) for side in zip(sizes, weights, outputs, strict=True))
    ours = math.prod(channels) * math.prod(rows)
    return math.prod(map(_rounded, channels)) * math.prod(weights) * math.prod(outputs) >= _SAVED * ours


def _rounded(channels: int) -> int:
    return -(-channels // _VECTOR) * _VECTOR


@dataclass(frozen=True)
class _Side:
    """The matrices along one side of the image, each with a row for each product and tile.

    Attributes:
        image: B, [rows, size of image].
        filter: G, [rows, size of filter].
        output: A, [rows, size of output].
    """

    image: np.ndarray
    filter: np.ndarray
    output: np.ndarray


@cache
def _side(image: int, weights: int, output: int, padding: int) -> _Side:
    tiles = -(-output // _TILE)
    tile = -(-output // tiles)
    a, g, b = _algorithm(tile, weights)
    images, outputs = np.zeros((len(b), tiles, image)), np.zeros((len(a), tiles, output))
    for number in range(tiles):
        begin = number * tile - padding  # of what the tile sees; there is nothing outside of the image
        seen = slice(max(begin, 0), min(begin + b.shape[1], image))
        images[:, number, seen] = b[:, seen.start - begin : seen.stop - begin]
        outputs[:, number, number * tile : (number + 1) * tile] = a[:, : output - number * tile]
    return _Side(images.reshape(-1, image), np.repeat(g, tiles, axis=0), outputs.reshape(-1, output))


def _algorithm(tile: int, weights: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return A, G and B for one tile: [products, tile], [products, weights], [products, tile + weights - 1]."""
    size = tile + weights - 1
    quadratics = _QUADRATICS[: max(0, size - len(_POINTS)) // 2]
    points = _POINTS[: size - 1 - 2 * len(quadratics)]
    factors, join = _karatsuba(len(points) + 1, quadratics)
    outputs, filters, product = (_remainders(points, quadratics, length) for length in (tile, weights, size))
    return factors @ outputs, factors @ filters, np.linalg.solve(product, join).T


def _remainders(points: Sequence[float], quadratics: Sequence[tuple[float, float]], length: int) -> np.ndarray:
    """Return what takes a polynomial's coefficients to its remainders: [remainders, length]."""
    powers = [np.power(point, np.arange(length)) for point in points]
    highest = np.eye(length)[-1]
    return np.vstack([*powers, highest, *(_powers_modulo(quadratic, length) for quadratic in quadratics)])


def _powers_modulo(quadratic: tuple[float, float], length: int) -> np.ndarray:
    """Return the remainders of 1, x, x^2, ... by x^2 + b x + a: [2, length], the constants first."""
    a, b = quadratic
    powers = [np.array([1.0, 0.0])]
    while len(powers) < length:
        constant, linear = powers[-1]
        powers.append(np.array([-a * linear, constant - b * linear]))
    return np.array(powers).T


def _karatsuba(points: int, quadratics: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Return what takes remainders to what is multiplied, and products to the remainders of the whole product.

    A value is multiplied by a value. Of two linear remainders the constants, the slopes and the sums of both are.
    """
    factors, join = [np.eye(1)] * points, [np.eye(1)] * points
    for a, b in quadratics:
        factors.append(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        join.append(np.array([[1.0, -a, 0.0], [-1.0, -1.0 - b, 1.0]]))
    return _block_diagonal(factors), _block_diagonal(join)


def _block_diagonal(blocks: Sequence[np.ndarray]) -> np.ndarray:
    whole = np.zeros(np.sum([block.shape for block in blocks], axis=0))
    row = column = 0
    for block in blocks:
        height, width = block.shape
        whole[row : row + height, column : column + width] = block
        row, column = row + height, column + width
    return whole


class _Rewriting:
    """Of one convolution and its gradient.

    Variables are declared as [a, b, height, width] with as many numbers as they have; how these lie, each step says.
    """

    def __init__(self, block: Block, forward: int, backward: int) -> None:
        self.block = block
        self.places = forward, backward
        op, gradient = block.copies([forward, backward])
        self.image, self.filter, self.output = (first(op, slot) for slot in _SLOTS)
        self.image_grad, self.filter_grad, self.output_grad = (first(gradient, f"{slot}@GRAD") for slot in _SLOTS)
        image, filters, output = (block.shape(name) for name in (self.image, self.filter, self.output))
        paddings = op.attr("paddings")  # of each side, or of both ends of each
        begins = paddings[:: len(paddings) // 2]
        self.height, self.width = zip(image[2:], filters[2:], output[2:], begins, strict=True)
        self.rows = [len(_side(*side).output) for side in (self.height, self.width)]
        self.shapes = {"image": image, "filter": filters, "output": output}
        self.at = 0

    def run(self) -> None:
        forward, backward = self.places
        before = self.block.desc.op_size()
        self._replace(forward, self._go)
        self._replace(backward + self.block.desc.op_size() - before, self._go_back)

    def _replace(self, place: int, rewrite: Callable[[], None]) -> None:
        self.block.desc._remove_op(place, place + 1)
        self.at = place
        rewrite()

    def _go(self) -> None:
        images = self._at_points(self.image, "image", "V")
        filters = self._at_points(self.filter, "filter", "U")
        outputs = self._multiply(images, filters, self._name("P"), self._values("output"), trans_y=True)
        self._from_points(outputs, "output", self.output)

    def _go_back(self) -> None:
        images, filters = self._name("V"), self._name("U")
        outputs = self._at_points(self.output_grad, "output", "P@GRAD")
        if self._is_wanted(self.image_grad):
            self._multiply(outputs, filters, f"{images}@GRAD", self._values("image"))
            self._from_points(f"{images}@GRAD", "image", self.image_grad)
        if self._is_wanted(self.filter_grad):
            self._multiply(outputs, images, f"{filters}@GRAD", self._values("filter"), trans_x=True)
            self._from_points(f"{filters}@GRAD", "filter", self.filter_grad)

    def _is_wanted(self, gradient: str | None) -> bool:
        return gradient is not None and self.block.find(gradient) is not None

    def _at_points(self, source: str, kind: str, part: str) -> str:
        """Take [a, b, height, width] to [products, a, b]."""
        (a, b, height, width), wide = self.shapes[kind], self.rows[1]
        lines, columns, target = self._name(f"{part}_LINES"), self._name(f"{part}_COLUMNS"), self._name(part)
        self._insert("share_data", {"X": [source]}, lines, [a, b, height, width])
        self._reshape(lines, [-1, width])
        self._multiply(self._matrix(kind, self.width), lines, columns, [a, b, height, wide], trans_y=True)
        self._reshape(columns, [-1, height])
        self._multiply(self._matrix(kind, self.height), columns, target, self._values(kind), trans_y=True)
        self._reshape(target, [math.prod(self.rows), -1, b])
        return target

    def _from_points(self, source: str, kind: str, target: str) -> None:
        """Take [products, a, b] to [a, b, height, width]; `source` changes its shape."""
        (a, b, height, width), (high, wide) = self.shapes[kind], self.rows
        columns, result = f"{source}_COLUMNS", f"{source}_RESULT"
        self._reshape(source, [high, -1])
        self._multiply(source, self._matrix(kind, self.height), columns, [a, b, height, wide], trans_x=True)
        self._reshape(columns, [wide, -1])
        self._multiply(columns, self._matrix(kind, self.width), result, [a, b, height, width], trans_x=True)
        self._reshape(result, [-1, b, height, width])
        self._insert("share_data", {"X": [result]}, target, [a, b, height, width])

    def _values(self, kind: str) -> list[int]:
        return [*self.shapes[kind][:2], *self.rows]

    def _matrix(self, kind: str, side: tuple[int, ...]) -> str:
        """Return the name of a matrix, which is put before what comes next where it is not there yet."""
        matrix = getattr(_side(*side), kind)
        name = self._name("_".join(map(str, (kind.upper(), *side))))
        if self.block.find(name) is None:
            numbers = {"shape": matrix.shape, "dtype": _FLOAT32, "fp32_values": matrix.ravel().tolist()}
            self._insert("assign_value", {}, name, matrix.shape, **numbers)
        return name

    def _multiply(self, x: str, y: str, out: str, shape: Sequence[int], **transposed: bool) -> str:
        return self._insert("matmul_v2", {"X": [x], "Y": [y]}, out, shape, **_AS_THEY_ARE | transposed)

    def _reshape(self, name: str, shape: list[int]) -> None:
        """Give a variable another shape, in its own memory."""
        self._insert("reshape", {"X": [name]}, name, None, shape=shape)

    def _name(self, part: str) -> str:
        return f"{self.output}@WINOGRAD_{part}"

    def _insert(self, op_type: str, inputs: Slots, output: str, declared: Sequence[int] | None, **attrs: Any) -> str:
        if declared is not None:
            self.block.declare(output, like=self.image)
            self.block.find(output).set_shape(list(declared))
        self.block.insert(self.at, op_type, inputs, {"Out": [output]}, attrs)
        self.at += 1
        return output


_AS_THEY_ARE = {"trans_x": False, "trans_y": False}
