"""`fluid.dygraph.tracer`: what runs operators as they come, and remembers how to differentiate them."""

from __future__ import annotations

import weakref
from typing import Any

from paddle.base.dygraph import tracer as _tracer

__all__ = ["Tracer"]


class Tracer(_tracer.Tracer):
    """The core's tracer with the one switch of fluid 1.8: in train mode gradients are recorded, in eval mode not.

    Attributes:
        record: where operators are noted while they run, as (type, inputs, outputs, attributes); nowhere where None.
        made_of_old: a layer was made as in 1.5 and 1.6, where optimizers found the parameters by themselves.
    """

    def __init__(self) -> None:
        super().__init__()
        self.record: list[Any] | None = None
        self.made_of_old = False
        self._parameters: list[weakref.ref[Any]] = []

    @property
    def _train_mode(self) -> bool:
        return self._has_grad

    @_train_mode.setter
    def _train_mode(self, value: bool) -> None:
        self._has_grad = value

    def train_mode(self) -> None:
        """Record gradients."""
        self._has_grad = True

    def eval_mode(self) -> None:
        """Record none."""
        self._has_grad = False

    def trace_op(
        self, type: str, inputs: Any, outputs: Any, attrs: Any, stop_gradient: bool = False, inplace_map: Any = None
    ) -> None:
        """Run an operator; its outputs take their values in place."""
        if self.record is not None:
            self.record.append((type, dict(inputs), dict(outputs), dict(attrs)))
        super().trace_op(type, inputs, outputs, attrs, stop_gradient, inplace_map)

    def remember_parameter(self, parameter: Any) -> None:
        self._parameters.append(weakref.ref(parameter))

    def all_parameters(self) -> list[Any]:
        """Return the parameters made under this tracer that are still in use."""
        return [parameter for ref in self._parameters if (parameter := ref()) is not None]
