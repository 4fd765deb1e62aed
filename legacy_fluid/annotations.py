"""`fluid.annotations`: what is told to those who use a name that will go."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["deprecated"]


def deprecated(since: str, instead: str, extra_message: str = "") -> Callable[[Any], Any]:
    """Make a function say, at each call on the standard error stream, what to use instead."""

    def decorator(func: Callable[..., Any]) -> Callable[..., Any]:
        message = f"API {func.__name__} is deprecated since {since}. Please use {instead} instead."
        if extra_message:
            message += f"\n{extra_message}"

        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            print(message, file=sys.stderr)
            return func(*args, **kwargs)

        wrapper.__doc__ = f"{func.__doc__ or ''}\n    {message}"
        return wrapper

    return decorator
