"""`fluid.layers.utils`: arguments that may be one number or several."""

from __future__ import annotations

from typing import Any

__all__ = ["convert_to_list", "padding_of"]


def convert_to_list(value: Any, n: int, name: str, dtype: type = int) -> list[Any]:
    """Return `n` numbers from one number or a sequence of `n`.

    Raises:
        ValueError: anything else; the message names the argument `name`.
    """
    if isinstance(value, dtype):
        return [value] * n
    try:
        values = [dtype(item) for item in value]
    except (TypeError, ValueError):
        values = []
    if len(values) != n:
        raise ValueError(f"{name} is one {dtype.__name__} or {n} of them, not {value!r}")
    return values


def padding_of(padding: Any, n: int, data_format: str) -> tuple[list[int], str]:
    """Return the attributes `paddings` and `padding_algorithm` for the ways that a padding of `n` dimensions is given.

    Args:
        padding: "SAME", "VALID", an int, `n` ints, 2n ints (before and after each dimension), or a pair for each of the
            n + 2 dimensions of the data, whose batch and channel pairs are zero.
    """
    if isinstance(padding, str):
        if padding.upper() not in ("SAME", "VALID"):
            raise ValueError(f"padding is 'SAME', 'VALID' or numbers, not {padding!r}")
        return [0] * n, padding.upper()
    if isinstance(padding, list | tuple) and padding and isinstance(padding[0], list | tuple):
        spatial = slice(2, None) if data_format.startswith("NC") else slice(1, -1)
        outside = [pair for pair in padding if pair not in padding[spatial]]
        if len(padding) != n + 2 or any(any(pair) for pair in outside):
            raise ValueError(f"padding pairs are one a dimension, zero for batch and channel, not {padding!r}")
        flat = [size for pair in padding[spatial] for size in pair]
    elif isinstance(padding, list | tuple) and len(padding) == 2 * n:
        flat = convert_to_list(padding, 2 * n, "padding")
    else:
        return convert_to_list(padding, n, "padding"), "EXPLICIT"
    before, after = flat[::2], flat[1::2]
    return (before if before == after else flat), "EXPLICIT"
