"""`fluid.dygraph.base`: entering eager mode, leaving it, and what only makes sense in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from paddle.base.dygraph import base as _base
from paddle.base.dygraph.base import (  # noqa: F401  found here, though not in __all__
    in_to_static_mode,
    param_guard,
    program_desc_tracing_guard,
    switch_to_static_graph,
)
from paddle.base.multiprocess_utils import CleanupFuncRegistrar
from paddle.base.wrapped_decorator import signature_safe_contextmanager

from .. import core, framework, layers, unique_name
from ..framework import ComplexVariable, dygraph_only
from .tracer import Tracer

__all__ = [
    "disable_dygraph",
    "disable_imperative",
    "enable_dygraph",
    "enable_imperative",
    "enabled",
    "grad",
    "guard",
    "no_grad",
    "to_variable",
]

_state = framework.global_var  # shared with paddle.disable_static and enable_static


@signature_safe_contextmanager
def guard(place: Any = None) -> Iterator[None]:
    """Run operators as they come within a `with`, on `place`, with names that start anew.

    Args:
        place: CPUPlace or CUDAPlace; the first GPU where None, or the CPU where there is none.
    """
    place = place or (core.CUDAPlace(0) if core.is_compiled_with_cuda() else core.CPUPlace())
    with (
        framework.program_guard(framework.Program(), framework.Program()),
        unique_name.guard(),
        framework._dygraph_guard(Tracer()),
        framework._dygraph_place_guard(place),
    ):
        tracer = framework._dygraph_tracer()
        had_grad = tracer._has_grad
        tracer._has_grad = True
        try:
            yield
        finally:
            tracer._has_grad = had_grad


def enabled() -> bool:
    """Whether eager mode is on."""
    return framework.in_dygraph_mode()


def enable_dygraph(place: Any = None) -> None:
    """Turn eager mode on until `disable_dygraph`; nothing happens where this was called before."""
    if _state._functional_dygraph_context_manager is None:
        _state._functional_dygraph_context_manager = guard(place=place)
        _state._functional_dygraph_context_manager.__enter__()
        CleanupFuncRegistrar.register(disable_dygraph)


def disable_dygraph() -> None:
    """Turn off what `enable_dygraph` turned on."""
    if _state._functional_dygraph_context_manager is not None:
        _state._functional_dygraph_context_manager.__exit__(*sys.exc_info())
        _state._functional_dygraph_context_manager = None


def enable_imperative(place: Any = None) -> None:
    """`enable_dygraph` under its other name."""
    enable_dygraph(place)


def disable_imperative() -> None:
    """`disable_dygraph` under its other name."""
    disable_dygraph()


def no_grad(func: Any = None) -> Any:
    """Record no gradients: in a `with`, where called without a function, or in `func`, where used as a decorator."""
    return _base.no_grad(func)


@contextmanager
def _switch_tracer_mode_guard_(is_train: bool = True) -> Iterator[None]:
    with _base._switch_tracer_mode_guard_(is_train):
        yield


@dygraph_only
def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool = False,
    no_grad_vars: Any = None,
    backward_strategy: Any = None,
) -> list[Any]:
    """Return the gradients of the sum of `outputs` with respect to `inputs`.

    Args:
        outputs, inputs: a Variable or a list of them.
        grad_outputs: the gradients of the outputs; ones where None.
        retain_graph: keep what further gradients need; `create_graph` where None.
        create_graph: let the gradients have gradients.
        allow_unused: return None for an input that the outputs do not depend on, rather than fail.
        no_grad_vars: Variables that count as constants.
        backward_strategy: BackwardStrategy.
    """
    if backward_strategy is not None and not isinstance(backward_strategy, core.BackwardStrategy):
        raise AssertionError(f"backward_strategy is a BackwardStrategy, not {backward_strategy!r}")
    return _base.grad(
        outputs, inputs, grad_outputs, retain_graph, create_graph, only_inputs, allow_unused, no_grad_vars
    )


def to_variable(value: Any, name: str | None = None, zero_copy: bool | None = None) -> Any:
    """Return a NumPy array as a Variable; a Variable as it is.

    Args:
        name: of the Variable; generated where None.
        zero_copy: accepted and without effect: the array is copied always.

    Raises:
        TypeError: anything else, numbers and lists included.
    """
    if isinstance(value, core.VarBase | framework.Variable | ComplexVariable):
        return value
    if not isinstance(value, np.ndarray):
        raise TypeError(f"to_variable takes a numpy.ndarray or a Variable, not {type(value)}")
    if in_to_static_mode():
        return layers.assign(value)
    assert enabled(), "to_variable is for dygraph mode: call it within fluid.dygraph.guard()"
    place = framework._current_expected_place()
    assert not zero_copy or isinstance(place, core.CPUPlace), "zero_copy is for CPUPlace only"
    if np.iscomplexobj(value):
        name = name or unique_name.generate("_generated_var")
        return ComplexVariable(*(_variable(part, f"{name}.{kind}", place) for part, kind in _parts(value)))
    return _variable(value, name, place)


def _parts(value: np.ndarray) -> list[tuple[np.ndarray, str]]:
    return [(np.ascontiguousarray(value.real), "real"), (np.ascontiguousarray(value.imag), "imag")]


def _variable(value: np.ndarray, name: str | None, place: Any) -> Any:
    value = value if value.ndim else value.reshape(1)  # there are no 0-D Variables
    return core.VarBase(value, place, False, False, name or unique_name.generate("generated_var"), True)
