"""What the layers of `fluid.dygraph.nn` share: parameters, one operator, and how programs of 1.5 and 1.6 made them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ...framework import Variable, _dygraph_tracer
from ..layers import Layer
from ..tracer import Tracer


class OperatorLayer(Layer):
    """A layer that appends an operator on its inputs and parameters."""

    def __init__(self, name_scope: str | None = None, dtype: Any = "float32") -> None:
        if "_parameters" not in self.__dict__:  # it is there already where the layer was made as in 1.5
            super().__init__(name_scope, dtype)

    def _append(
        self, op_type: str, inputs: Mapping[str, Any], attrs: Mapping[str, Any] | None = None, **outputs: Any
    ) -> Any:
        """Append an operator; return its first output.

        Args:
            inputs: one that is None is left out.
            outputs: slot -> dtype, or a Variable to write to; `Out` of the first input's dtype where not given. All but
                the first stop gradients.
        """
        given = {slot: value for slot, value in inputs.items() if value is not None}
        dtype = next(iter(given.values())).dtype
        results = {
            slot: value
            if isinstance(value, Variable)
            else self._helper.create_variable_for_type_inference(dtype=value or dtype, stop_gradient=index > 0)
            for index, (slot, value) in enumerate((outputs or {"Out": None}).items())
        }
        self._helper.append_op(
            type=op_type,
            inputs={slot: [value] for slot, value in given.items()},
            outputs={slot: [value] for slot, value in results.items()},
            attrs=dict(attrs or {}),
        )
        return next(iter(results.values()))

    def _finish(self, value: Any, axis: int, bias: Any = None, act: str | None = None) -> Any:
        """Add `bias` from dimension `axis` on, where there is one, and apply the activation, where there is one."""
        if bias is not None:
            value = self._append("elementwise_add", {"X": value, "Y": bias}, {"axis": axis})
        return self._helper.append_activation(value, act=act)


def as_in_1_5(
    signature: Callable[..., Any],
    complete: Callable[[dict[str, Any], tuple[Any, ...]], None] | None = None,
    names: Collection[str] = (),
) -> Callable[[type[Layer]], type[Layer]]:
    """Let a layer also be made as in 1.5 and 1.6, where the first argument was a name scope.

    Args:
        signature: a function with the arguments of then; those that the layer of 1.8 lacks are ignored.
        complete: puts in the arguments that 1.8 added, from those given and the inputs of the first call, when the
            parameters are made then; they are made at once where None.
        names: values of the first argument that are no name scope.
    """
    of_old = inspect.signature(signature)

    def decorate(cls: type[Layer]) -> type[Layer]:
        init, build_once = cls.__init__, cls._build_once
        of_today = inspect.signature(init).parameters

        @functools.wraps(init)
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            is_scope = bool(args) and isinstance(args[0], str) and args[0] not in names
            if not is_scope and "name_scope" not in kwargs:
                init(self, *args, **kwargs)
                return
            bound = of_old.bind(*args, **kwargs)
            bound.apply_defaults()
            given = dict(bound.arguments)
            Layer.__init__(self, f"{given.pop('name_scope')}/{cls.__name__}")
            tracer = _dygraph_tracer()
            if isinstance(tracer, Tracer):
                tracer.made_of_old = True
            if complete is None:
                init(self, **{name: value for name, value in given.items() if name in of_today})
            else:
                self._waiting = given

        def _build_once(self: Any, *inputs: Any, **kwargs: Any) -> None:
            given = self.__dict__.pop("_waiting", None)
            if given is not None:
                complete(given, inputs)
                init(self, **{name: value for name, value in given.items() if name in of_today})
                self._take_waiting_state()
            build_once(self, *inputs, **kwargs)

        cls.__init__, cls._build_once = __init__, _build_once
        return cls

    return decorate
