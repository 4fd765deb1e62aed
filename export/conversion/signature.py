"""What a model takes and gives: names, dtypes and shapes, whatever the framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class TensorSpec:
    """An input or output; a dimension is a size, or a name where it is free."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.dtype}[{', '.join(map(str, self.shape))}]"

    def renamed(self, name: str) -> TensorSpec:
        """Return the spec under another name; free dimensions that are called after it follow."""
        dimensions = {size: size.replace(self.name, name) for size in self.shape if isinstance(size, str)}
        return replace(self.with_dimensions(dimensions), name=name)

    def with_dimensions(self, names: Mapping[str, str]) -> TensorSpec:
        """Return the spec with its free dimensions renamed."""
        return replace(
            self, shape=tuple(names.get(size, size) if isinstance(size, str) else size for size in self.shape)
        )

    def sized(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Return the shape with a size for each free dimension."""
        return tuple(sizes[size] if isinstance(size, str) else size for size in self.shape)

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, "shape": list(self.shape)}


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of a model, in order."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def free_dimensions(self) -> list[str]:
        """Return the names of the inputs' free dimensions, in order of appearance."""
        return list(dict.fromkeys(size for spec in self.inputs for size in spec.shape if isinstance(size, str)))
