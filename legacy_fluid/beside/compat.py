"""`paddle.compat`: what 1.8 needed to run on Python 2 and 3 alike, as it behaved on 3."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["floor_division", "get_exception_message", "long_type", "round", "to_bytes", "to_text"]

int_type = long_type = int


def to_text(obj: Any, encoding: str = "utf-8", inplace: bool = False) -> Any:
    """Return `obj`, or the items of a list, a set or a dict, with bytes decoded."""
    if isinstance(obj, dict):
        decoded = {_text(key, encoding): _text(value, encoding) for key, value in obj.items()}
        return _updated(obj, decoded) if inplace else decoded
    return _each(_text, obj, encoding, inplace)


def to_bytes(obj: Any, encoding: str = "utf-8", inplace: bool = False) -> Any:
    """Return `obj`, or the items of a list or a set, with text encoded."""
    return _each(_bytes, obj, encoding, inplace)


def round(x: float, d: int = 0) -> float:
    """Return `x` to `d` decimals, halves away from zero."""
    if x == 0.0 or x != x:
        return math.copysign(0.0, x)
    scale = 10**d
    towards = math.floor if x > 0 else math.ceil
    return float(towards(x * scale + math.copysign(0.5, x))) / scale


def floor_division(x: Any, y: Any) -> Any:
    """Return `x // y`."""
    return x // y


def get_exception_message(exc: BaseException) -> str:
    """Return the message of an exception."""
    return str(exc)


def _text(item: Any, encoding: str) -> Any:
    return item.decode(encoding) if isinstance(item, bytes) else item


def _bytes(item: Any, encoding: str) -> Any:
    return item if item is None or isinstance(item, bytes) else item.encode(encoding)


def _each(convert: Any, obj: Any, encoding: str, inplace: bool) -> Any:
    if not isinstance(obj, list | set):
        return convert(obj, encoding)
    converted = type(obj)(convert(item, encoding) for item in obj)
    if not inplace:
        return converted
    obj.clear()
    if isinstance(obj, list):
        obj.extend(converted)
    else:
        obj.update(converted)
    return obj


def _updated(obj: dict[Any, Any], pairs: dict[Any, Any]) -> dict[Any, Any]:
    obj.update(pairs)  # the undecoded keys stay, as they did
    return obj
