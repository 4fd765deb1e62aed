"""`fluid.dygraph.jit`: programs of what ran eagerly, by recording it or by reading its code."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from paddle.base.dygraph.base import switch_to_static_graph

from .. import core
from ..executor import Executor, scope_guard
from ..framework import (
    ParamBase,
    Program,
    Variable,
    _current_expected_place,
    _dygraph_tracer,
    dygraph_only,
    in_dygraph_mode,
)
from ..io import save_inference_model
from .dygraph_to_static.program_translator import ProgramTranslator
from .layers import Layer

__all__ = ["TracedLayer", "declarative", "dygraph_to_static_func"]

_log = logging.getLogger("fluid")


def declarative(func: Callable[..., Any]) -> Callable[..., Any]:
    """Make a program of a function's code, `if`, `for` and `while` over Variables included, and run that.

    As a decorator of a function, or of a Layer's `forward`. ProgramTranslator().enable(False) leaves functions as they are.
    """

    @functools.wraps(func)
    def run(*args: Any, **kwargs: Any) -> Any:
        return ProgramTranslator().get_output(func, *args, **kwargs)

    return _as_written(run, func)


def dygraph_to_static_func(func: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function written for eager mode build a program when it is called in static mode."""

    @functools.wraps(func)
    def build(*args: Any, **kwargs: Any) -> Any:
        translator = ProgramTranslator()
        if in_dygraph_mode() or not translator.enable_declarative:
            _log.info("dygraph_to_static_func has no effect in dygraph mode, or where the translator is not enabled")
            return func(*args, **kwargs)
        return translator.get_func(func)(*args, **kwargs)

    return _as_written(build, func)


def _as_written(wrapper: Callable[..., Any], func: Callable[..., Any]) -> Callable[..., Any]:
    """Let the code of `wrapper` be what is read where another function that calls it is translated."""
    wrapper.__signature__ = inspect.signature(func)  # type: ignore[attr-defined]
    return wrapper


# --- recording --------------------------------------------------------------------------------------------------------


class TracedLayer:
    """A program of the operators that a Layer ran once.

    Args:
        program: what ran.
        parameters: eager Variables that hold its parameters.
        feed_names, fetch_names: of its inputs and outputs.
    """

    def __init__(self, program: Any, parameters: list[Any], feed_names: list[str], fetch_names: list[str]) -> None:
        self._program = program
        self._feed_names = feed_names
        self._fetch_names = fetch_names
        self._params = parameters
        self._place = _current_expected_place()
        self._scope = core.Scope()
        for parameter in parameters:
            self._scope.var(parameter.name).get_tensor()._share_data_with(parameter.get_tensor())
        self._exe = Executor(self._place)
        self._has_run = False
        self._build_strategy: Any = None
        self._exec_strategy: Any = None

    @property
    def program(self) -> Any:
        return self._program

    @staticmethod
    @dygraph_only
    def trace(layer: Layer, inputs: Any) -> tuple[Any, TracedLayer]:
        """Call `layer` on `inputs`; return its outputs, and a TracedLayer of what it did.

        The program does the same for other inputs, whatever the layer's `if` and `for` would have chosen.
        """
        assert isinstance(layer, Layer), f"trace takes a Layer, not {layer!r}"
        feeds = inputs if isinstance(inputs, list | tuple) else [inputs]
        with _recording() as record:
            outputs = layer(*feeds)
        fetches = outputs if isinstance(outputs, list | tuple) else [outputs]
        program, parameters, feed_names, fetch_names = _program_of(record, extract_vars(feeds), list(fetches))
        return outputs, TracedLayer(program, parameters, feed_names, fetch_names)

    def set_strategy(self, build_strategy: Any = None, exec_strategy: Any = None) -> None:
        """Keep how the program would be built and run for several devices; on one they change nothing."""
        assert not self._has_run, "set_strategy comes before the first call"
        self._build_strategy = build_strategy
        self._exec_strategy = exec_strategy

    def __call__(self, inputs: Any) -> list[Any]:
        """Run the program on a list of inputs; return its outputs as arrays."""
        assert isinstance(inputs, list | tuple), f"a TracedLayer takes a list of its inputs, not {inputs!r}"
        assert len(inputs) == len(self._feed_names), f"it takes {len(self._feed_names)} inputs, not {len(inputs)}"
        if in_dygraph_mode():
            inputs = [value.value().get_tensor() for value in inputs]
        self._has_run = True
        return self._run(dict(zip(self._feed_names, inputs, strict=True)))

    @switch_to_static_graph
    def _run(self, feed: dict[str, Any]) -> list[Any]:
        with scope_guard(self._scope):
            return self._exe.run(self._program, feed=feed, fetch_list=self._fetch_names)

    @switch_to_static_graph
    def save_inference_model(self, dirname: str, feed: list[int] | None = None, fetch: list[int] | None = None) -> None:
        """Write the program and its parameters as fluid.io.save_inference_model does.

        Args:
            feed, fetch: the numbers of the inputs and outputs to keep; all where None.
        """
        feeds = self._feed_names if feed is None else [self._feed_names[index] for index in feed]
        names = self._fetch_names if fetch is None else [self._fetch_names[index] for index in fetch]
        program = self._program.clone()
        targets = [program.global_block().var(name) for name in names]
        with scope_guard(self._scope):
            save_inference_model(dirname, feeds, targets, self._exe, program)


def extract_vars(inputs: Any) -> list[Any]:
    """Return the Variables in nested lists, in order."""
    if isinstance(inputs, Variable):
        return [inputs]
    return [var for item in inputs for var in extract_vars(item)] if isinstance(inputs, list | tuple) else []


@contextmanager
def _recording() -> Iterator[list[Any]]:
    tracer = _dygraph_tracer()
    before, tracer.record = tracer.record, []
    try:
        yield tracer.record
    finally:
        tracer.record = before


@switch_to_static_graph
def _program_of(record: list[Any], feeds: list[Any], fetches: list[Any]) -> tuple[Any, list[Any], list[str], list[str]]:
    """Return a program of recorded operators, the Variables that it found as they were, and the ends' names."""
    program = Program()
    block = program.global_block()
    feed_names = [f"feed_{index}" for index in range(len(feeds))]
    fetch_names = [f"fetch_{index}" for index in range(len(fetches))]
    names = {id(var): name for var, name in zip(feeds + fetches, feed_names + fetch_names, strict=True)}
    constants: list[Any] = []
    made = 0

    def declare(var: Any, is_output: bool) -> str:
        nonlocal made
        key = id(var)
        if key not in names:
            is_kept = isinstance(var, ParamBase) or not is_output
            names[key] = var.name if is_kept else f"t_{made}"
            made += not is_kept
            if is_kept:
                constants.append(var)
        name = names[key]
        if not block.has_var(name):
            is_kept = name not in (*feed_names, *fetch_names) and not name.startswith("t_")
            block.create_var(name=name, shape=var.shape, dtype=var.dtype, persistable=is_kept)
        return name

    for var in feeds:
        declare(var, is_output=False)
    for op_type, inputs, outputs, attrs in record:
        slots: list[dict[str, list[str]]] = []
        for group, is_output in ((inputs, False), (outputs, True)):
            listed = {slot: value if isinstance(value, list | tuple) else [value] for slot, value in group.items()}
            slots.append({slot: [declare(var, is_output) for var in listed[slot]] for slot in sorted(listed)})
        block.append_op(type=op_type, inputs=slots[0], outputs=slots[1], attrs=attrs)
    return program, constants, feed_names, fetch_names
