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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .block import Block, Uses, first

_POINTS = (0.0, 1.0, -1.0, 2.0, -0.5, -2.0, 0.5)
"""Where polynomials are evaluated; infinity, where the highest coefficient is the value, comes last."""

_QUADRATICS = ((1.0, 1.0), (1.0, -1.0))
"""The a and b of x^2 + b x + a. With more of them, or more points, fewer digits are right."""

_TILE = 8  # outputs along a side; with 5 weights all of the above are used, and 1e-6 is the error
_SLOTS = ("Input", "Filter", "Output")
_FLOAT32 = 5  # how the core numbers it


def apply(block: Block) -> bool:
    """Rewrite the convolutions that gain by it, and their gradients; return whether there were any."""
    changed = False
    while (found := _find(block)) is not None:
        _Rewriting(block, *found).run()
        changed = True
    return changed


def _find(block: Block) -> tuple[int, int] | None:
    """Return the indices of a convolution to rewrite and of its gradient."""
    ops, uses = block.ops(), Uses(block)
    for forward, op in enumerate(ops):
        if op.type() != "conv2d" or not _gains(block, op):
            continue
        names = [first(op, slot) for slot in _SLOTS]
        gradients = [
            index
            for index in uses.readers[names[1]]
            if ops[index].type() == "conv2d_grad" and first(ops[index], "Input") == names[0] and index > forward
        ]
        if len(gradients) == 1 and all(uses.is_written_once(names[part]) for part in (0, 2)):
            return forward, gradients[0]
    return None


def _gains(block: Block, op: Any) -> bool:
    image, filters, output = (block.shape(first(op, slot)) for slot in _SLOTS)
    return (
        op.attr("data_format") in ("NCHW", "AnyLayout")
        and op.attr("strides") == op.attr("dilations") == [1, 1]
        and op.attr("groups") == 1
        and op.attr("padding_algorithm") == "EXPLICIT"
        and filters[2:] == [5, 5]
        and filters[1] >= 8
        and min(image[1:]) > 0
        and max(output[2:]) <= 16
    )


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

    @classmethod
    def make(cls, image: int, weights: int, output: int, padding: int) -> _Side:
        tiles = -(-output // _TILE)
        tile = -(-output // tiles)
        a, g, b = _algorithm(tile, weights)
        images, outputs = np.zeros((len(b), tiles, image)), np.zeros((len(a), tiles, output))
        for number in range(tiles):
            begin = number * tile
            kept = slice(max(begin - padding, 0), min(begin - padding + b.shape[1], image))
            images[:, number, kept] = b[:, kept.start - begin + padding : kept.stop - begin + padding]
            outputs[:, number, begin : begin + tile] = a[:, : output - begin]
        return cls(images.reshape(-1, image), np.repeat(g, tiles, axis=0), outputs.reshape(-1, output))


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
    """Of one convolution and its gradient."""

    def __init__(self, block: Block, forward: int, backward: int) -> None:
        self.block = block
        self.places = forward, backward
        op, gradient = block.copies([forward, backward])
        self.image, self.filter, self.output = (first(op, slot) for slot in _SLOTS)
        self.image_grad, self.filter_grad, self.output_grad = (first(gradient, f"{slot}@GRAD") for slot in _SLOTS)
        image, filters, output = (block.shape(name) for name in (self.image, self.filter, self.output))
        paddings = op.attr("paddings")
        sides = zip(image[2:], filters[2:], output[2:], paddings[:: len(paddings) // 2], strict=True)
        self.height, self.width = (_Side.make(*numbers) for numbers in sides)
        points = len(self.height.image) * len(self.width.image)
        self.images, self.filters, self.outputs = [-1, *image[1:]], filters, [-1, *output[1:]]
        self.image_values = [points, -1, image[1]]
        self.filter_values = [points, *filters[:2]]
        self.output_values = [points, -1, output[1]]
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
        for side in ("height", "width"):
            for kind, matrix in vars(getattr(self, side)).items():
                numbers = {"shape": matrix.shape, "dtype": _FLOAT32, "fp32_values": matrix.ravel().tolist()}
                self._insert("assign_value", {}, self._matrix(side, kind), list(matrix.shape), numbers)
        images = self._at_points(self.image, "image", self._name("V"), self.image_values)
        filters = self._at_points(self.filter, "filter", self._name("U"), self.filter_values)
        outputs = self._multiply(images, filters, self._name("P"), self.output_values, trans_y=True)
        self._from_points(outputs, "output", self.output, self.outputs)

    def _go_back(self) -> None:
        outputs = self._at_points(self.output_grad, "output", self._name("P@GRAD"), self.output_values)
        if self.image_grad:
            images = self._multiply(outputs, self._name("U"), self._name("V@GRAD"), self.image_values)
            self._from_points(images, "image", self.image_grad, self.images)
        if self.filter_grad:
            filters = self._multiply(outputs, self._name("V"), self._name("U@GRAD"), self.filter_values, trans_x=True)
            self._from_points(filters, "filter", self.filter_grad, self.filters)

    def _at_points(self, source: str, kind: str, target: str, shape: list[int]) -> str:
        """Take [a, b, height, width] to [points, a, b]."""
        height, width = (self._matrix(side, kind) for side in ("height", "width"))
        lines = self._share(source, f"{target}_LINES", [-1, self.block.shape(width)[1]])
        columns = self._multiply(width, lines, f"{target}_COLUMNS", [-1, self.block.shape(height)[1]], trans_y=True)
        return self._multiply(height, columns, target, shape, trans_y=True)

    def _from_points(self, source: str, kind: str, target: str, shape: list[int]) -> None:
        """Take [points, a, b] to [a, b, height, width]."""
        height, width = (self._matrix(side, kind) for side in ("height", "width"))
        values = self._share(source, f"{source}_VALUES", [self.block.shape(height)[0], -1])
        columns = self._multiply(values, height, f"{source}_COLUMNS", [self.block.shape(width)[0], -1], trans_x=True)
        result = self._multiply(columns, width, f"{target}@WINOGRAD", shape, trans_x=True)
        self._share(result, target)

    def _multiply(self, x: str, y: str, out: str, shape: list[int], **attrs: bool) -> str:
        """Multiply, and give the product another shape, in its own memory."""
        transposed = {"trans_x": False, "trans_y": False, **attrs}
        self._insert("matmul_v2", {"X": [x], "Y": [y]}, out, shape, transposed)
        return self._insert("reshape", {"X": [out]}, out, shape, {"shape": shape})

    def _share(self, source: str, target: str, shape: list[int] | None = None) -> str:
        """Let `target` be the same numbers in the same memory, with a shape of its own."""
        self._insert("share_data", {"X": [source]}, target, shape or self.block.shape(source), {})
        return self._insert("reshape", {"X": [target]}, target, shape, {"shape": shape}) if shape else target

    def _name(self, part: str) -> str:
        return f"{self.output}@WINOGRAD_{part}"

    def _matrix(self, side: str, kind: str) -> str:
        return self._name(f"{kind}_{side}")

    def _insert(self, op_type: str, inputs: dict[str, list[str]], output: str, shape: list[int], attrs: dict[str, Any]) -> str:
        if self.block.find(output) is None:
            self.block.declare(output, like=self.image)
        self.block.find(output).set_shape(shape)
        self.block.insert(self.at, op_type, inputs, {"Out": [output]}, attrs)
        self.at += 1
        return output
