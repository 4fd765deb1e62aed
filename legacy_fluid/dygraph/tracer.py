"""`fluid.dygraph.tracer`: what runs operators as they come, and remembers how to differentiate them."""

from __future__ import annotations

import weakref
from typing import Any

from paddle.base import core
from paddle.base.dygraph import tracer as _tracer

from . import differentiable
from .otherwise import OTHERWISE

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
        self._leaves: dict[int, weakref.ref[Any]] = {}

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
        is_differentiated = self._has_grad and self._watch_leaves(inputs)
        otherwise = OTHERWISE.get(type)
        if otherwise and otherwise(super().trace_op, inputs, outputs, attrs):
            return
        if is_differentiated and (result := differentiable.run(type, inputs, attrs)):
            slot, value = result
            for output, part in zip(_listed(outputs[slot]), _listed(value), strict=True):
                output.reconstruct_from_(part, False)
        else:
            super().trace_op(type, inputs, outputs, attrs, stop_gradient, inplace_map)

    def _watch_leaves(self, inputs: Any) -> bool:
        """Let `backward` replace the gradients of the leaves among the inputs; return whether one has a gradient."""
        is_differentiated = False
        for values in inputs.values():
            for value in _listed(values):
                if isinstance(value, core.eager.Tensor) and not value.stop_gradient:
                    is_differentiated = True
                    if value.is_leaf and id(value) not in self._leaves:
                        self._watch(value)
        return is_differentiated

    def _watch(self, leaf: Any) -> None:
        """In 1.8 a gradient was that of the last `backward`; the core adds to the one that is there."""
        key = id(leaf)
        reference = self._leaves[key] = weakref.ref(leaf, lambda _: self._leaves.pop(key, None))

        def forget(_: Any) -> None:
            if (variable := reference()) is not None:
                variable.clear_gradient(False)

        leaf.register_hook(forget)

    def remember_parameter(self, parameter: Any) -> None:
        self._parameters.append(weakref.ref(parameter))

    def all_parameters(self) -> list[Any]:
        """Return the parameters made under this tracer that are still in use."""
        return [parameter for ref in self._parameters if (parameter := ref()) is not None]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]
