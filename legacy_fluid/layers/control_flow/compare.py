"""Comparisons, which give conditions, and what counts and shows the values of variables."""

from __future__ import annotations

from typing import Any

from ...data_feeder import check_type, check_variable_and_dtype
from ...framework import Variable
from ...layer_helper import LayerHelper
from ..utils import NUMBERS

__all__ = [
    "Print",
    "equal",
    "greater_equal",
    "greater_than",
    "increment",
    "is_empty",
    "less_equal",
    "less_than",
    "not_equal",
]


def _compare(op_type: str, x: Any, y: Any, cond: Any, **attrs: Any) -> Any:
    for value, name in ((x, "x"), (y, "y")):
        check_variable_and_dtype(value, name, NUMBERS, op_type)
    check_type(cond, "cond", (Variable, type(None)), op_type)
    helper = LayerHelper(op_type)
    if cond is None:
        cond = helper.create_variable_for_type_inference(dtype="bool")
        cond.stop_gradient = True
    helper.append_op(type=op_type, inputs={"X": [x], "Y": [y]}, outputs={"Out": [cond]}, attrs=attrs)
    return cond


def less_than(x: Any, y: Any, force_cpu: bool | None = None, cond: Any = None) -> Any:
    """Return x < y, element by element, in `cond` where given."""
    check_type(force_cpu, "force_cpu", (bool, type(None)), "less_than")
    return _compare("less_than", x, y, cond, **({} if force_cpu is None else {"force_cpu": force_cpu}))


def less_equal(x: Any, y: Any, cond: Any = None) -> Any:
    """Return x <= y, element by element, in `cond` where given."""
    return _compare("less_equal", x, y, cond)


def greater_than(x: Any, y: Any, cond: Any = None) -> Any:
    """Return x > y, element by element, in `cond` where given."""
    return _compare("greater_than", x, y, cond)


def greater_equal(x: Any, y: Any, cond: Any = None) -> Any:
    """Return x >= y, element by element, in `cond` where given."""
    return _compare("greater_equal", x, y, cond)


def equal(x: Any, y: Any, cond: Any = None) -> Any:
    """Return x == y, element by element, in `cond` where given."""
    return _compare("equal", x, y, cond)


def not_equal(x: Any, y: Any, cond: Any = None) -> Any:
    """Return x != y, element by element, in `cond` where given."""
    return _compare("not_equal", x, y, cond)


def is_empty(x: Any, cond: Any = None) -> Any:
    """Return whether x has no element, shape (1,), in `cond` where given."""
    check_variable_and_dtype(x, "x", NUMBERS, "is_empty")
    check_type(cond, "cond", (Variable, type(None)), "is_empty")
    helper = LayerHelper("is_empty")
    if cond is None:
        cond = helper.create_variable_for_type_inference(dtype="bool")
        cond.stop_gradient = True
    helper.append_op(type="is_empty", inputs={"X": [x]}, outputs={"Out": [cond]})
    return cond


def increment(x: Any, value: float = 1.0, in_place: bool = True) -> Any:
    """Return x + value, shape (1,); in x itself where `in_place`."""
    check_variable_and_dtype(x, "x", NUMBERS, "increment")
    helper = LayerHelper("increment")
    out = x if in_place else helper.create_variable_for_type_inference(dtype=x.dtype)
    helper.append_op(type="increment", inputs={"X": [x]}, outputs={"Out": [out]}, attrs={"step": float(value)})
    return out


def Print(
    input: Any,
    first_n: int = -1,
    message: str | None = None,
    summarize: int = 20,
    print_tensor_name: bool = True,
    print_tensor_type: bool = True,
    print_tensor_shape: bool = True,
    print_tensor_lod: bool = True,
    print_phase: str = "both",
) -> Any:
    """Return input, and print it whenever it is computed.

    Args:
        first_n: only so many times; -1 for ever.
        summarize: so many elements; -1 for all.
        print_phase: "forward", "backward" or "both".
    """
    check_variable_and_dtype(input, "input", ("bool", *NUMBERS), "Print")
    helper = LayerHelper(f"print_{input.name}")
    out = helper.create_variable_for_type_inference(input.dtype)
    helper.append_op(
        type="print",
        inputs={"In": input},
        outputs={"Out": out},
        attrs={
            "first_n": first_n,
            "summarize": summarize,
            "message": message or "",
            "print_tensor_name": print_tensor_name,
            "print_tensor_type": print_tensor_type,
            "print_tensor_shape": print_tensor_shape,
            "print_tensor_lod": print_tensor_lod,
            "print_phase": print_phase.upper(),
        },
    )
    return out
