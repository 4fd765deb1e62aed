"""`fluid.dygraph.container`: layers that hold other layers, or parameters, in order."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

from ..framework import Parameter
from .layers import Layer

__all__ = ["LayerList", "ParameterList", "Sequential"]


class Sequential(Layer):
    """Calls one layer after another, each on what the one before returned.

    Args:
        layers: Layers, or (name, Layer) pairs.
    """

    def __init__(self, *layers: Any) -> None:
        super().__init__()
        is_named = bool(layers) and isinstance(layers[0], tuple)
        for name, layer in layers if is_named else enumerate(layers):
            self.add_sublayer(str(name), layer)

    def __getitem__(self, name: Any) -> Any:
        return self._sub_layers[str(name)]

    def __setitem__(self, name: Any, layer: Any) -> None:
        assert isinstance(layer, Layer), f"Sequential holds Layers, not {layer!r}"
        setattr(self, str(name), layer)

    def __delitem__(self, name: Any) -> None:
        assert str(name) in self._sub_layers, f"there is no layer {name} in {self._full_name}"
        del self._sub_layers[str(name)]

    def __len__(self) -> int:
        return len(self._sub_layers)

    def forward(self, input: Any) -> Any:
        for layer in self._sub_layers.values():
            input = layer(input)
        return input


class ParameterList(Layer):
    """A list of parameters."""

    def __init__(self, parameters: Iterable[Any] | None = None) -> None:
        super().__init__()
        for parameter in parameters or ():
            assert isinstance(parameter, Parameter), f"ParameterList holds Parameters, not {parameter!r}"
            self.append(parameter)

    def __getitem__(self, idx: int) -> Any:
        return self._parameters[str(idx)]

    def __setitem__(self, idx: int, param: Any) -> None:
        assert isinstance(param, Parameter), f"ParameterList holds Parameters, not {param!r}"
        setattr(self, str(idx), param)

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parameters.values())

    def append(self, parameter: Any) -> ParameterList:
        """Add a parameter at the end; return the list."""
        self.add_parameter(str(len(self)), parameter)
        return self


class LayerList(Layer):
    """A list of layers."""

    def __init__(self, sublayers: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend(sublayers or ())

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, slice):
            return type(self)(list(self._sub_layers.values())[idx])
        return self._sub_layers[str(idx)]

    def __setitem__(self, idx: int, sublayer: Any) -> None:
        setattr(self, str(idx), sublayer)

    def __delitem__(self, idx: Any) -> None:
        for index in range(len(self))[idx] if isinstance(idx, slice) else [idx]:
            delattr(self, str(index))
        self._sub_layers = OrderedDict((str(index), layer) for index, layer in enumerate(self))

    def __len__(self) -> int:
        return len(self._sub_layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._sub_layers.values())

    def append(self, sublayer: Any) -> LayerList:
        """Add a layer at the end; return the list."""
        self.add_sublayer(str(len(self)), sublayer)
        return self

    def insert(self, index: int, sublayer: Any) -> None:
        """Put a layer before the one at `index`."""
        assert isinstance(index, int) and 0 <= index < len(self), f"index is from 0 to {len(self) - 1}, not {index!r}"
        layers = list(self)
        layers.insert(index, sublayer)
        self._sub_layers = OrderedDict((str(index), layer) for index, layer in enumerate(layers))

    def extend(self, sublayers: Iterable[Any]) -> LayerList:
        """Add several layers at the end; return the list."""
        for sublayer in sublayers:
            self.append(sublayer)
        return self
