"""Steps counted, and Python called, as the program runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import core
from ...data_feeder import check_type
from ...framework import Variable
from ...initializer import Constant
from ...layer_helper import LayerHelper

__all__ = ["autoincreased_step_counter", "py_func"]


def autoincreased_step_counter(counter_name: str | None = None, begin: int = 1, step: int = 1) -> Any:
    """Return an int64 variable, shape (1,), that is `begin` in the first run and grows by `step` with each run.

    Args:
        counter_name: counters of one name are one.
    """
    helper = LayerHelper("global_step_counter")
    counter, is_new = helper.create_or_get_global_variable(
        name=counter_name or "@STEP_COUNTER@", dtype="int64", shape=[1], persistable=True, belong_to_optimizer=True
    )
    if is_new:
        helper.set_variable_initializer(counter, initializer=Constant(value=begin - 1, force_cpu=True))
        helper.main_program.global_block()._prepend_op(
            type="increment", inputs={"X": [counter]}, outputs={"Out": [counter]}, attrs={"step": float(step)}
        )
        counter.stop_gradient = True
    return counter


class PyFuncRegistry:
    """A Python function that operators call by its number; all are kept, for the core holds no reference to them."""

    _register_funcs: list[PyFuncRegistry] = []  # noqa: RUF012  shared

    def __init__(self, func: Callable[..., Any]) -> None:
        if func is None or not callable(func):
            raise TypeError(f"py_func calls a Python function, not {func!r}")
        self._func = func
        spec = inspect.getfullargspec(func)
        self._takes_arguments = bool(spec.args or spec.varargs or spec.varkw)
        self._named = spec.args
        self.id = core._append_python_callable_object_and_return_id(self)
        PyFuncRegistry._register_funcs.append(self)

    @classmethod
    def registered_func(cls, idx: int) -> Callable[..., Any]:
        return cls._register_funcs[idx]._func

    @classmethod
    def registered_func_num(cls) -> int:
        return len(cls._register_funcs)

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        """Call the function with LoDTensors; return its results as LoDTensors, None where it returns None."""
        if self._takes_arguments:
            named = dict(zip(self._named, args, strict=False))
            results = self._func(*args[len(self._named) :], **named)
        else:
            results = self._func()
        results = results if isinstance(results, list | tuple) else (results,)
        return tuple(self._as_tensor(result) for result in results)

    @staticmethod
    def _as_tensor(result: Any) -> Any:
        if result is None or isinstance(result, core.LoDTensor):
            return result
        tensor = core.LoDTensor()
        tensor.set(np.array(result), core.CPUPlace())
        return tensor


def py_func(
    func: Callable[..., Any],
    x: Any,
    out: Any,
    backward_func: Callable[..., Any] | None = None,
    skip_vars_in_backward_input: Any = None,
) -> Any:
    """Call a Python function as an operator; return `out`.

    Args:
        func: takes the values of `x` as LoDTensors, returns those of `out` as LoDTensors or arrays.
        x, out: a Variable, a list of them, or None. Those of `out` have their shape and dtype declared.
        backward_func: takes the values of x, of out and the gradients of out, returns the gradients of x.
        skip_vars_in_backward_input: Variables of x and out that it does not take.
    """
    helper = LayerHelper("py_func")
    check_type(x, "X", (list, tuple, Variable, type(None)), "py_func")
    check_type(out, "Out", (list, tuple, Variable, type(None)), "py_func")
    sources, results = _listed(x), _listed(out)
    forward_id = PyFuncRegistry(func).id
    backward_id = -1 if backward_func is None else PyFuncRegistry(backward_func).id
    for result in results:
        if len(result.shape) == 0:
            raise ValueError(f"py_func: out has no shape; declare it when you create {result.name}")
    skipped = _listed(skip_vars_in_backward_input) if backward_func is not None else []
    names = {variable.name for variable in [*sources, *results]}
    for variable in skipped:
        if variable.name not in names:
            raise ValueError(f"py_func: {variable.name} is neither in x nor in out, so that it cannot be skipped")
    helper.append_op(
        type="py_func",
        inputs={"X": sources},
        outputs={"Out": results},
        attrs={
            "forward_callable_id": forward_id,
            "backward_callable_id": backward_id,
            "backward_skip_vars": [variable.name for variable in skipped],
        },
    )
    return out


def _listed(given: Any) -> Sequence[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]


py_func.registered_func = PyFuncRegistry.registered_func
py_func.registered_func_num = PyFuncRegistry.registered_func_num
