"""Layers that are one operator each: their signature is all there is to say.

A row of the table is a function without a body, under `@operator`:

    @operator("elementwise_add", inputs={"X": "x", "Y": "y"})
    def elementwise_add(x, y, axis=-1, act=None, name=None):
        \"\"\"Return x + y, with y broadcast from dimension `axis` of x.\"\"\"

The arguments that `inputs` names are the operator's inputs, `act` and `name` are the layer's, and all others are the
operator's attributes.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..layer_helper import LayerHelper

__all__ = ["operator"]

_OF_THE_LAYER = {"name", "act", "out"}


def operator(
    op_type: str,
    *,
    inputs: Mapping[str, str] | None = None,
    output: str = "Out",
    intermediate: Sequence[str] = (),
    rename: Mapping[str, str] | None = None,
    constants: Mapping[str, Any] | None = None,
    dtype: str | None = None,
    layer: str | None = None,
    stop_gradient: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a layer of one operator from a function's signature.

    Args:
        op_type: the operator.
        inputs: input slot -> argument; the first argument is `X` where not given. An argument that is None is left out.
        output: the slot of what the layer returns.
        intermediate: further output slots, which are not returned.
        rename: argument -> attribute, where their names differ.
        constants: attributes that no argument sets.
        dtype: of the output; that of the first input where None.
        layer: the stem of generated names; the operator's type where None.
        stop_gradient: whether the output stops gradients.
    """

    def decorate(stub: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(stub)
        slots = inputs or {"X": next(iter(signature.parameters))}
        attributes = {
            name: (rename or {}).get(name, name)
            for name in signature.parameters
            if name not in slots.values() and name not in _OF_THE_LAYER
        }

        @functools.wraps(stub)
        def layer_function(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = bound.arguments
            helper = LayerHelper(layer or op_type, **{key: given[key] for key in _OF_THE_LAYER & given.keys()})
            sources = {
                slot: _listed(given[argument]) for slot, argument in slots.items() if given[argument] is not None
            }
            result_dtype = dtype or next(iter(sources.values()))[0].dtype
            out = given.get("out")
            if out is None:
                out = helper.create_variable_for_type_inference(result_dtype, stop_gradient)
            outputs = {output: [out]}
            for slot in intermediate:
                outputs[slot] = [helper.create_variable_for_type_inference(result_dtype, stop_gradient=True)]
            attrs = {attribute: given[argument] for argument, attribute in attributes.items()}
            helper.append_op(type=op_type, inputs=sources, outputs=outputs, attrs={**attrs, **(constants or {})})
            return helper.append_activation(out)

        return layer_function

    return decorate


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
