"""Loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle.static.nn.control_flow import While as _While

from ... import core
from ...framework import Variable, in_dygraph_mode
from ..tensor import assign
from ..utils import assert_same_structure, copy_mutable_vars, hold_mutable_vars, map_structure

__all__ = ["While", "while_loop"]


class While(_While):
    """A loop whose body is what is built within `with while_op.block():`, and which goes on while `cond` is true.

    Args:
        cond: bool Variable of one element, computed before the loop and anew at the end of its body.
        is_test: no gradient will be wanted.
    """

    def __init__(self, cond: Any, is_test: bool = False, name: str | None = None) -> None:
        if not isinstance(cond, Variable):
            raise TypeError(f"While: cond is a Variable, not {cond!r}")
        if cond.dtype != core.VarDesc.VarType.BOOL:
            raise TypeError(f"While: cond is a bool Variable, not of dtype {cond.dtype}")
        super().__init__(cond, is_test, name)


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    is_test: bool = False,
    name: str | None = None,
) -> Any:
    """Return `loop_vars` after `body` was applied to them as long as `cond` of them is true.

    Args:
        cond: takes the loop variables, returns a bool Variable of one element.
        body: takes the loop variables, returns as many of the same structure.
        loop_vars: a list of Variables, or nested ones.

    Raises:
        TypeError, ValueError: an argument is of another kind, or the body returns another structure.
    """
    for function, what in ((cond, "cond"), (body, "body")):
        if not callable(function):
            raise TypeError(f"while_loop: {what} is a function, not {function!r}")
    if not isinstance(loop_vars, list | tuple):
        raise TypeError(f"while_loop: loop_vars is a list or a tuple, not {loop_vars!r}")
    if not loop_vars:
        raise ValueError("while_loop: loop_vars is empty")
    condition = cond(*loop_vars)
    if not isinstance(condition, Variable):
        raise TypeError(f"while_loop: cond returns a Variable, not {condition!r}")
    if in_dygraph_mode():
        return _eager_loop(cond, body, loop_vars, condition)
    with While(condition, is_test, name).block():
        # The body may change a list or dict that it is given; the loop variables must stay what they are.
        given = copy_mutable_vars(loop_vars) if hold_mutable_vars(loop_vars) else loop_vars
        results = _as_list(body(*given))
        try:
            assert_same_structure(results, loop_vars, check_types=False)
        except ValueError as error:
            raise ValueError(f"while_loop: the body returns another structure than loop_vars: {error}") from error
        next_condition = cond(*results)
        map_structure(assign, results, loop_vars)
        assign(next_condition, condition)
    return loop_vars


def _eager_loop(cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, condition: Any) -> Any:
    while condition.numpy().item():
        results = _as_list(body(*loop_vars))
        if len(results) != len(loop_vars):
            raise ValueError(f"while_loop: the body returns {len(results)} values for {len(loop_vars)} loop_vars")
        condition = cond(*results)
        loop_vars = results
    return loop_vars


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]
