"""Layers that are one operator each: their signature is all there is to say.

A row of the table is a function without a body, under `@operator`:

    @operator("elementwise_add", inputs={"X": "x", "Y": "y"}, dtypes=NUMBERS16)
    def elementwise_add(x, y, axis=-1, act=None, name=None):
        \"\"\"Return x + y, with y broadcast from dimension `axis` of x.\"\"\"

The arguments that `inputs` names are the operator's inputs, `act` and `name` are the layer's, and all others are the
operator's attributes; one that is None is left to the operator's default.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any

from paddle.tensor.layer_function_generator import (
    _generate_doc_string_,
    generate_activation_fn,
    generate_layer_fn,
    templatedoc,
)

from ..data_feeder import check_type, check_variable_and_dtype
from ..framework import OpProtoHolder, Variable, in_dygraph_mode
from ..layer_helper import LayerHelper

__all__ = ["autodoc", "deprecated", "generate_activation_fn", "generate_layer_fn", "operator", "templatedoc"]

_OF_THE_LAYER = {"name", "act", "out"}


def operator(
    op_type: str,
    *,
    inputs: Mapping[str, str] | None = None,
    outputs: Mapping[str, str | None] | None = None,
    intermediate: Collection[str] = (),
    stop_gradient: Collection[str] = (),
    dtypes: Collection[str] | Mapping[str, Collection[str]] = (),
    types: Mapping[str, Any] | None = None,
    rename: Mapping[str, str] | None = None,
    constants: Mapping[str, Any] | None = None,
    tensors: Mapping[str, str] | None = None,
    prepare: Callable[[dict[str, Any]], Mapping[str, Any] | None] | None = None,
    eager: Callable[..., Any] | None = None,
    layer: str | None = None,
    lod_level: Callable[[dict[str, Any]], int] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a layer of one operator from a function's signature.

    Args:
        op_type: the operator.
        inputs: input slot -> argument; the first argument is `X` where not given. An argument that is None is left out.
        outputs: output slot -> dtype, in the order of creation; `Out` where not given. A dtype that is None is that of
            the first input. The layer returns them, a tuple where they are several.
        intermediate: output slots that are not returned.
        stop_gradient: output slots that stop gradients.
        dtypes: what the inputs may hold, for all of them or by argument.
        types: argument -> type, or tuple of types, that an attribute may have.
        rename: argument -> attribute, where their names differ.
        constants: attributes that no argument sets.
        tensors: argument -> input slot of an attribute that may also be given as a Variable.
        prepare: checks or completes the arguments, in place, before anything is made of them; may return attributes
            that follow from them.
        eager: what does the layer's work in dygraph mode, where there is no program to lower; takes its arguments.
        layer: the stem of generated names; the operator's type where None.
        lod_level: what levels of lengths the result has, where the inference of today says otherwise than 1.8.

    Raises (the layer):
        TypeError: an input is no Variable, or has a dtype not in `dtypes`; an attribute has a type not in `types`.
    """

    def decorate(stub: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(stub)
        slots = inputs or {"X": next(iter(signature.parameters))}
        attributes = {
            name: (rename or {}).get(name, name)
            for name in signature.parameters
            if name not in slots.values() and name not in _OF_THE_LAYER
        }
        allowed = dtypes if isinstance(dtypes, Mapping) else dict.fromkeys(slots.values(), dtypes) if dtypes else {}
        created = outputs or {"Out": None}
        returned = [slot for slot in created if slot not in intermediate]

        @functools.wraps(stub)
        def layer_function(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = bound.arguments
            if eager and in_dygraph_mode():
                return eager(**given)
            derived = (prepare and prepare(given)) or {}
            for argument, expected in allowed.items():
                is_optional = signature.parameters[argument].default is None
                if given[argument] is not None or not is_optional:
                    _check_input(given[argument], argument, expected, stub.__name__)
            for argument, expected in (types or {}).items():
                check_type(given[argument], argument, expected, stub.__name__)
            helper = LayerHelper(layer or op_type, **{key: given[key] for key in _OF_THE_LAYER & given.keys()})
            sources = {
                slot: _listed(given[argument]) for slot, argument in slots.items() if given[argument] is not None
            }
            attrs = {attribute: given[argument] for argument, attribute in attributes.items()}
            for argument, slot in (tensors or {}).items():
                _take_tensor(attrs, attributes[argument], sources, slot)
            results = {}
            for slot, dtype in created.items():
                out = given.get("out")
                if out is None:
                    out = helper.create_variable_for_type_inference(
                        dtype or next(iter(sources.values()))[0].dtype, stop_gradient=slot in stop_gradient
                    )
                results[slot] = [out]
            attrs |= {**(constants or {}), **derived}
            helper.append_op(type=op_type, inputs=sources, outputs=results, attrs=attrs)
            if lod_level and not in_dygraph_mode():
                results[returned[0]][0].desc.set_lod_level(lod_level(given))
            if len(returned) > 1:
                return tuple(results[slot][0] for slot in returned)
            return helper.append_activation(results[returned[0]][0])

        return layer_function

    return decorate


def _check_input(value: Any, argument: str, expected: Collection[str], layer: str) -> None:
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            check_variable_and_dtype(item, f"{argument}[{index}]", expected, layer)
    else:
        check_variable_and_dtype(value, argument, expected, layer)


def _take_tensor(attrs: dict[str, Any], attribute: str, sources: dict[str, list[Any]], slot: str) -> None:
    """Move an attribute that was given as a Variable to the inputs, or read it where values are at hand."""
    value = attrs[attribute]
    if not isinstance(value, Variable):
        return
    if in_dygraph_mode():
        attrs[attribute] = value.numpy().item(0)
        return
    value.stop_gradient = True
    sources[slot] = [attrs.pop(attribute)]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


# --- what fluid offered here to those who add operators of their own ---


def autodoc(comment: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that documents a layer as its operator does, followed by `comment`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        proto = OpProtoHolder.instance().get_op_proto(function.__name__)
        function.__doc__ = _generate_doc_string_(proto) + comment
        return function

    return decorate


def deprecated(func_or_class: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function or a class warn, when it is called, that it is deprecated."""

    @functools.wraps(func_or_class)
    def warn_and_call(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(f"{func_or_class.__name__} is deprecated", DeprecationWarning, stacklevel=2)
        return func_or_class(*args, **kwargs)

    return warn_and_call
