"""`fluid.unique_name`."""

from paddle.base.unique_name import (
    generate,
    generate_with_ignorable_key,  # noqa: F401  not in __all__, and used by layers
    guard,
    switch,
)

__all__ = ["generate", "guard", "switch"]
