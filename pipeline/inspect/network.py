"""A model's graph in one form, whether it was read from a Program or from an ONNX file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Shape = tuple[int | str, ...]  # a dimension that is left open has a name


@dataclass(frozen=True)
class Tensor:
    """What flows between operators, or is kept in one: the shape as the model declares it."""

    name: str
    shape: Shape = ()
    dtype: str = "float32"

    @property
    def size(self) -> int:
        """How many numbers it holds; for each image, where the first dimension is left open."""
        return math.prod(side for side in self.shape if isinstance(side, int))


@dataclass(frozen=True)
class Parameter(Tensor):
    """A tensor kept in an operator; not `learnt` where the operator itself keeps count in it, as batch_norm does."""

    role: str = ""
    learnt: bool = True


@dataclass(frozen=True)
class Operator:
    """A step of the computation. `settings` has the hyper-parameters by name: `kernel` [5, 5], `stride` [1, 1]..."""

    type: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    parameters: tuple[Parameter, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def layer(self) -> str:
        """The layer it belongs to: `conv2d_0` has the convolution, the bias and the activation `conv2d_0.tmp_2`."""
        return self.outputs[0].name.partition(".")[0]


@dataclass(frozen=True)
class Network:
    """Operators in an order in which they can run, from `inputs` to `outputs`."""

    title: str
    inputs: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    outputs: tuple[Tensor, ...]

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters by name, in the order of their use."""
        return {parameter.name: parameter for operator in self.operators for parameter in operator.parameters}

    def layers(self) -> dict[str, list[Operator]]:
        """Return the operators of each layer."""
        layers: dict[str, list[Operator]] = {}
        for operator in self.operators:
            layers.setdefault(operator.layer, []).append(operator)
        return layers

    def layer_outputs(self) -> dict[str, Tensor]:
        """Return what each layer gives to the next: its last operator's result."""
        return {layer: operators[-1].outputs[0] for layer, operators in self.layers().items()}

    def with_shapes(self, shapes: Mapping[str, Sequence[int]]) -> Network:
        """Return the network with tensors of these shapes, by name, in place of the declared ones."""

        def measured(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return tuple(replace(tensor, shape=tuple(shapes[tensor.name])) for tensor in tensors)

        operators = tuple(
            replace(each, inputs=measured(each.inputs), outputs=measured(each.outputs)) for each in self.operators
        )
        return replace(self, inputs=measured(self.inputs), operators=operators, outputs=measured(self.outputs))

    def edges(self) -> Iterator[tuple[int | None, int | None, Tensor]]:
        """Yield which operator's result goes to which, by their places; None is the outside of the network."""
        made: dict[str, int] = {}
        for place, operator in enumerate(self.operators):
            for tensor in operator.inputs:
                yield made.get(tensor.name), place, tensor
            made.update((tensor.name, place) for tensor in operator.outputs)  # a name may be written again
        for tensor in self.outputs:
            yield made.get(tensor.name), None, tensor


def shape_text(shape: Sequence[int | str]) -> str:
    """Return a shape for reading, as in `[N, 20, 24, 24]`."""
    return f"[{', '.join(map(str, shape))}]"


def setting_texts(settings: Mapping[str, Any]) -> list[str]:
    """Return hyper-parameters for reading, as in `kernel 5x5`."""
    return [f"{name} {_setting_text(value)}" for name, value in settings.items()]


def _setting_text(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(each, int) for each in value):
        return "0" if not any(value) else "x".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
