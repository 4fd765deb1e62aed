"""The random numbers of 1.8: what its CPU kernels drew for a seed, number by number.

They drew from C++'s `std::minstd_rand`, a linear congruential generator, through the distributions of libstdc++; the
core of 2.6 has another generator. With a seed of 0 the numbers of both are new in each run.

Park and Miller, "Random number generators: good ones are hard to find", CACM 31 (1988); the normal numbers are made by
Marsaglia's polar method, the cut off ones by the approximation of Giles, "Approximating the erfinv function" (2012).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

_MODULUS, _MULTIPLIER = 2**31 - 1, 48271
_SPAN = float(_MODULUS - 1)  # how many states there are
# Asked for here, as NumPy complains where subnormal numbers count as zero.
_LEAST = {np.dtype(dtype): float(np.finfo(dtype).tiny) for dtype in ("float32", "float64")}
_KEPT = 2**22  # no longer sequence of states is kept for the next draw


def uniform(
    shape: Sequence[int], dtype: DTypeLike, seed: int, low: float, high: float, diagonal: Sequence[float] = (0, 0, 1.0)
) -> np.ndarray:
    """Return numbers from [low, high).

    Args:
        diagonal: how many elements are set after the draw, how many lie between two of them, and to which value.
    """
    low, high = (_scalar(value, dtype) for value in (low, high))
    numbers = _fractions(seed, math.prod(shape), dtype) * (high - low) + low
    count, step, value = int(diagonal[0]), int(diagonal[1]), diagonal[2]
    numbers[np.arange(count) * (step + 1)] = value
    return numbers.reshape(shape)


def normal(shape: Sequence[int], dtype: DTypeLike, seed: int, mean: float, std: float) -> np.ndarray:
    """Return numbers of a normal distribution."""
    size = math.prod(shape)
    pairs = size // 2 + size // 4 + 32  # 0.64 are needed on average
    while True:
        x, y = (_fractions(seed, 2 * pairs, dtype) * 2 - 1).reshape(-1, 2).T
        square = x * x + y * y
        inside = (square <= 1) & (square != 0)
        if 2 * np.count_nonzero(inside) >= size:
            break
        pairs *= 2
    x, y, square = x[inside], y[inside], square[inside]
    factor = np.sqrt(-2 * np.log(square) / square)
    numbers = np.stack([y * factor, x * factor], axis=1).ravel()[:size]
    return (numbers * _scalar(std, dtype) + _scalar(mean, dtype)).reshape(shape)


def truncated_normal(shape: Sequence[int], dtype: DTypeLike, seed: int, mean: float, std: float) -> np.ndarray:
    """Return numbers of a normal distribution that is cut off at two standard deviations."""
    fractions = uniform([math.prod(shape)], dtype, seed, _LEAST[np.dtype(dtype)], 1.0)
    inside = _scalar(math.erf(math.sqrt(2.0)), dtype)
    numbers = math.sqrt(2.0) * _erfinv((2 * fractions - 1) * inside).astype("float64") * std + mean
    return numbers.astype(dtype).reshape(shape)


def integers(shape: Sequence[int], dtype: DTypeLike, seed: int, low: int, high: int) -> np.ndarray:
    """Return integers from [low, high)."""
    span = high - low
    width = (_MODULUS - 2) // span
    size = math.prod(shape)
    tried = size
    while True:
        numbers = _states(seed, tried) - 1
        numbers = numbers[numbers < span * width]
        if len(numbers) >= size:
            return (numbers[:size] // width + low).astype(dtype).reshape(shape)
        tried = 2 * tried + 16


def kept(shape: Sequence[int], seed: int, dropout_prob: float) -> np.ndarray:
    """Return which elements a dropout leaves, as uint8."""
    fractions = _fractions(seed, math.prod(shape), "float32")
    return (fractions >= np.float32(dropout_prob)).astype("uint8").reshape(shape)


def _scalar(value: float, dtype: DTypeLike) -> np.floating:
    """Return an attribute, which is a float32, as a number of the kernel's type."""
    return np.dtype(dtype).type(np.float32(value))


def _fractions(seed: int, count: int, dtype: DTypeLike) -> np.ndarray:
    """Return numbers from [0, 1), as std::generate_canonical makes them: of one state, or of two for float64."""
    if np.dtype(dtype) == np.float32:
        fractions = (_states(seed, count) - 1).astype("float32") / np.float32(_SPAN)
        return np.minimum(fractions, np.nextafter(np.float32(1), np.float32(0)))
    states = (_states(seed, 2 * count) - 1).astype("float64")
    return (states[0::2] + states[1::2] * _SPAN) / (_SPAN * _SPAN)


def _states(seed: int, count: int) -> np.ndarray:
    """Return the first states of the generator."""
    if count > _KEPT:
        return _sequence(seed, count)
    return _kept_sequence(seed, 1 << max(count - 1, 0).bit_length())[:count]  # dropout asks for one again and again


def _sequence(seed: int, count: int) -> np.ndarray:
    """Return the first states: those that are there give as many more, each multiplied by the same power."""
    states = np.empty(max(count, 1), dtype="int64")
    states[0] = _MULTIPLIER * ((seed & 0xFFFFFFFF) % _MODULUS or 1) % _MODULUS
    done, power = 1, _MULTIPLIER
    while done < count:
        more = min(done, count - done)
        states[done : done + more] = states[:more] * power % _MODULUS
        done, power = done + more, power * power % _MODULUS
    return states[:count]


_kept_sequence = functools.lru_cache(maxsize=4)(_sequence)


def _erfinv(x: np.ndarray) -> np.ndarray:
    w = -np.log((1 - x) * (1 + x))
    central, tail = np.minimum(w, 5) - 2.5, np.sqrt(np.maximum(w, 5)) - 3
    return np.where(w < 5, np.polyval(_CENTRAL, central), np.polyval(_TAIL, tail)) * x


_CENTRAL = (
    *(2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087),
    *(-0.00125372503, -0.00417768164, 0.246640727, 1.50140941),
)
_TAIL = (
    *(-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773),
    *(-0.0076224613, 0.00943887047, 1.00167406, 2.83297682),
)
