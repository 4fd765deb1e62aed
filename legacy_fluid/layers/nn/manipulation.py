"""The same elements in another shape or order, joined, divided, or cut out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...data_feeder import check_dtype, check_type, check_variable_and_dtype, convert_dtype
from ...framework import Variable, in_dygraph_mode
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..tensor import assign
from ..tensor.copies import is_array, join_array
from ..utils import (
    NUMBERS,
    NUMBERS16,
    as_numbers,
    declare,
    keep_attribute,
    named_or_temporary,
    numbers_as_variables,
    sizes_or_variable,
    temporaries_of,
)

__all__ = [
    "expand",
    "expand_as",
    "flatten",
    "flip",
    "meshgrid",
    "multiplex",
    "rank",
    "reshape",
    "roll",
    "shape",
    "size",
    "split",
    "squeeze",
    "stack",
    "t",
    "transpose",
    "unsqueeze",
    "unstack",
]

_ANY_SHAPE = {"outputs": {"Out": None, "XShape": None}, "intermediate": ("XShape",)}


# --- what is known of a shape ---


@operator("shape", inputs={"Input": "input"}, outputs={"Out": "int32"}, dtypes=NUMBERS)
def shape(input):
    """Return the shape of input as an int32 vector."""


@operator("size", inputs={"Input": "input"}, outputs={"Out": "int64"})
def size(input):
    """Return the number of elements of input, int64, shape (1,)."""


def rank(input: Any) -> Any:
    """Return the number of dimensions of input, int32."""
    return assign(np.array(len(input.shape), "int32"))


# --- other shapes ---


def reshape(
    x: Any, shape: Any, actual_shape: Any = None, act: str | None = None, inplace: bool = False, name: str | None = None
) -> Any:
    """Return x in another shape.

    Args:
        shape: list of ints and Variables, or an int32 Variable. -1 stands for what remains, 0 for x's size there.
        actual_shape: an int32 Variable that goes before `shape` when the program runs.
        inplace: give x itself the shape.
    """
    check_variable_and_dtype(x, "x", NUMBERS16, "reshape")
    check_type(shape, "shape", (list, tuple, Variable), "reshape")
    check_type(actual_shape, "actual_shape", (Variable, type(None)), "reshape")
    helper = LayerHelper("reshape2", act=act, name=name)
    inputs, attrs = {"X": x}, {}
    if isinstance(shape, list | tuple):
        _check_sizes(shape, len(x.shape))
    sizes_or_variable(shape, "shape", helper, inputs, attrs, ("Shape", "ShapeTensor"))
    if isinstance(actual_shape, Variable) and len(inputs) == 1:
        actual_shape.stop_gradient = True
        inputs["Shape"] = actual_shape
    in_place = inplace and not in_dygraph_mode()
    out = x if in_place else helper.create_variable_for_type_inference(dtype=x.dtype)
    x_shape = helper.create_variable_for_type_inference(dtype=x.dtype)
    helper.append_op(type="reshape2", inputs=inputs, attrs=attrs, outputs={"Out": out, "XShape": x_shape})
    return helper.append_activation(out)


def _check_sizes(shape: Sequence[Any], rank: int) -> None:
    assert len(shape) > 0, "reshape: shape is empty; give it at least one size"
    numbers = [(index, size) for index, size in enumerate(shape) if not isinstance(size, Variable)]
    assert sum(number == -1 for _, number in numbers) <= 1, f"reshape: only one size may be -1, not several of {shape}"
    for index, number in numbers:
        assert number >= -1, f"reshape: a size is positive, 0 or -1, not {number} (shape[{index}])"
        assert number != 0 or index < rank, f"reshape: shape[{index}] is 0, and x has only {rank} dimensions"


@operator(
    "squeeze2", inputs={"X": "input"}, **_ANY_SHAPE, dtypes=(*NUMBERS16, "int8"), types={"axes": list}, layer="squeeze"
)
def squeeze(input, axes, name=None):
    """Return input without the dimensions `axes`, a list; without all that are 1 where it is empty."""


def unsqueeze(input: Any, axes: Any, name: str | None = None) -> Any:
    """Return input with dimensions of size 1 put in at `axes`, an int, a list of ints and Variables, or a Variable."""
    if not isinstance(axes, int | list | tuple | Variable):
        raise TypeError(f"unsqueeze: axes is an int, a list, a tuple or a Variable, not {axes!r}")
    helper = LayerHelper("unsqueeze2", name=name)
    inputs, attrs = {"X": input}, {}
    if in_dygraph_mode():
        attrs["axes"] = [axes] if isinstance(axes, int) else as_numbers(axes)
    elif isinstance(axes, Variable):
        axes.stop_gradient = True
        inputs["AxesTensor"] = axes
    else:
        axes = [axes] if isinstance(axes, int) else list(axes)
        if any(isinstance(axis, Variable) for axis in axes):
            inputs["AxesTensorList"] = numbers_as_variables(axes, temporaries_of(helper))
        else:
            attrs["axes"] = axes
    out = helper.create_variable_for_type_inference(dtype=input.dtype)
    x_shape = helper.create_variable_for_type_inference(dtype=input.dtype)
    helper.append_op(type="unsqueeze2", inputs=inputs, attrs=attrs, outputs={"Out": out, "XShape": x_shape})
    return out


def _axis_within(given: dict[str, Any]) -> None:
    axis, rank = given["axis"], len(given["x"].shape)
    if not isinstance(axis, int) or not 0 <= axis <= rank:
        raise ValueError(f"flatten: axis is an int from 0 to {rank}, the number of dimensions of x, not {axis!r}")


@operator("flatten2", **_ANY_SHAPE, dtypes=(*NUMBERS, "int8"), prepare=_axis_within, layer="flatten")
def flatten(x, axis=1, name=None):
    """Return x as a matrix: dimensions before `axis` are its rows, the others its columns."""


def _is_permutation(given: dict[str, Any]) -> None:
    if in_dygraph_mode():
        return
    check_variable_and_dtype(given["x"], "x", NUMBERS16, "transpose")
    check_type(given["perm"], "perm", list, "transpose")
    rank = len(given["x"].shape)
    if len(given["perm"]) != rank or any(dim >= rank for dim in given["perm"]):
        raise ValueError(f"transpose: perm orders the {rank} dimensions of x, and {given['perm']} does not")


@operator("transpose2", **_ANY_SHAPE, rename={"perm": "axis"}, prepare=_is_permutation, layer="transpose")
def transpose(x, perm, name=None):
    """Return x with its dimensions in the order `perm`, a list."""


def t(input: Any, name: str | None = None) -> Any:
    """Return the transpose of a matrix; a vector as it is."""
    if len(input.shape) > 2:
        raise ValueError(f"t: input is a vector or a matrix, not of shape {input.shape}; use transpose")
    check_variable_and_dtype(input, "input", NUMBERS16, "transpose")
    if len(input.shape) == 1:
        return input
    return _t(input, [1, 0], name)


@operator("transpose2", **_ANY_SHAPE, layer="t")
def _t(input, axis, name=None):
    """The operator of t."""


# --- other orders ---


def flip(input: Any, dims: Any, name: str | None = None) -> Any:
    """Return input with the order of elements reversed along `dims`, a list."""
    check_type(input, "X", Variable, "flip")
    check_dtype(input.dtype, "X", (*NUMBERS16, "bool"), "flip")
    check_type(dims, "dims", (list, tuple), "flip")
    assert len(dims) > 0, "flip: dims is empty; give at least one dimension"
    helper = LayerHelper("flip", name=name)
    out = named_or_temporary(helper, name, input.dtype)
    op = helper.append_op(type="flip", inputs={"X": input}, outputs={"Out": out}, attrs={"axis": dims})
    keep_attribute(op, "dims", dims)
    return out


def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """Return input with its elements moved by `shifts` along `dims`, those beyond the end put at the start.

    Args:
        dims: an int or a list, as `shifts` is; input is treated as one long vector where None.
    """
    helper = LayerHelper("roll")
    whole = input.shape
    shifts = [shifts] if isinstance(shifts, int) else shifts
    dims = [dims] if isinstance(dims, int) else dims
    if dims:
        check_type(dims, "dims", (list, tuple), "roll")
    check_type(shifts, "shifts", (list, tuple), "roll")
    out = helper.create_variable_for_type_inference(input.dtype)
    if dims is None:
        input, dims = reshape(input, shape=[-1, 1]), [0]
    attrs = {"axis": dims, "shifts": shifts}
    op = helper.append_op(type="roll", inputs={"X": input}, outputs={"Out": out}, attrs=attrs)
    keep_attribute(op, "dims", dims)
    return reshape(out, shape=whole, inplace=True)


# --- joined and divided ---


def stack(x: Any, axis: int = 0) -> Any:
    """Return Variables of one shape, or the elements of one LoDTensorArray, joined along a new dimension `axis`."""
    axis = 0 if axis is None else axis
    x = list(x) if isinstance(x, list | tuple) else [x]
    helper = LayerHelper("stack")
    out = helper.create_variable_for_type_inference(x[0].dtype)
    if is_array(x[0]):
        assert len(x) == 1, f"stack joins one LoDTensorArray, not {len(x)}"
        check_variable_and_dtype(x[0], "x", NUMBERS16, "stack")
        join_array(helper, x[0], out, axis, use_stack=True)
    else:
        helper.append_op(type="stack", inputs={"X": x}, outputs={"Y": out}, attrs={"axis": axis})
    return out


def unstack(x: Any, axis: int = 0, num: int | None = None) -> list[Any]:
    """Return the parts of x along `axis`, without that dimension.

    Args:
        num: of the parts; x's size along `axis` where None.
    """
    helper = LayerHelper("unstack")
    if num is None:
        if axis is None or x.shape[axis] <= 0:
            raise ValueError(
                f"unstack: x has shape {x.shape}, with an open size along {axis}: say how many parts in num"
            )
        num = x.shape[axis]
    outs = [helper.create_variable_for_type_inference(x.dtype) for _ in range(num)]
    helper.append_op(type="unstack", inputs={"X": [x]}, outputs={"Y": outs}, attrs={"axis": axis, "num": num})
    return outs


def split(input: Any, num_or_sections: Any, dim: Any = -1, name: str | None = None) -> list[Any]:
    """Return the parts of input along `dim`, an int or an int32 Variable.

    Args:
        num_or_sections: how many equal parts, or a list of their sizes (ints and Variables), of which one may be -1.
    """
    if not isinstance(num_or_sections, int | list | tuple):
        raise TypeError(f"split: num_or_sections is an int or a list, not {num_or_sections!r}")
    if not isinstance(dim, int | Variable):
        raise TypeError(f"split: dim is an int or a Variable, not {dim!r}")
    helper = LayerHelper("split", input=input, name=name)
    inputs, attrs = {"X": input}, {"num": num_or_sections if isinstance(num_or_sections, int) else 0}
    if isinstance(dim, Variable) and in_dygraph_mode():
        dim = int(dim.numpy().item(0))
    if isinstance(dim, Variable):
        dim.stop_gradient = True
        inputs["AxisTensor"] = dim
        known = -1
    else:
        attrs["axis"] = dim = len(input.shape) + dim if dim < 0 else dim
        known = input.shape[dim]
    if isinstance(num_or_sections, int):
        count = num_or_sections
        assert count > 1 or in_dygraph_mode(), f"split: there are at least 2 parts, not {count}"
        assert known <= 0 or known % count == 0, f"split: size {known} cannot be split into {count} equal parts"
    else:
        count = len(num_or_sections)
        assert known <= 0 or count <= known, f"split: size {known} cannot be split into {count} parts"
        numbers = [section for section in num_or_sections if not isinstance(section, Variable)]
        if len(numbers) < count:
            assert numbers.count(-1) <= 1, f"split: only one part may have size -1, not several of {num_or_sections}"
        sizes_or_variable(num_or_sections, "sections", helper, inputs, attrs, ("", "SectionsTensorList"))
    outs = [helper.create_variable_for_type_inference(dtype=helper.input_dtype()) for _ in range(count)]
    helper.append_op(type="split", inputs=inputs, outputs={"Out": outs}, attrs=attrs)
    if "SectionsTensorList" in inputs and isinstance(dim, int):
        for out, section in zip(outs, attrs["sections"], strict=True):
            declare(out, shape=[*input.shape[:dim], section, *input.shape[dim + 1 :]])
    return outs


def multiplex(inputs: list[Any], index: Any) -> Any:
    """Return, for each row, that row of the Variable of `inputs` which `index` [N, 1] names."""
    check_type(inputs, "inputs", list, "multiplex")
    if len(inputs) < 2:
        raise ValueError(f"multiplex: inputs holds at least 2 Variables, not {len(inputs)}")
    return _multiplex(inputs, index)


@operator(
    "multiplex",
    inputs={"X": "inputs", "Ids": "index"},
    dtypes={"inputs": NUMBERS, "index": ("int32", "int64")},
)
def _multiplex(inputs, index):
    """The operator of multiplex."""


# --- repeated ---


def expand(x: Any, expand_times: Any, name: str | None = None) -> Any:
    """Return x repeated along each dimension.

    Args:
        expand_times: how often: list of ints and Variables, one a dimension, or an int32 Variable.
    """
    check_variable_and_dtype(x, "x", ("bool", *NUMBERS), "expand")
    check_type(expand_times, "expand_times", (list, tuple, Variable), "expand")
    if convert_dtype(x.dtype) == "bool" and x.stop_gradient and not in_dygraph_mode():
        raise ValueError("expand: a bool x that stops gradients is not allowed; set x.stop_gradient = False")
    helper = LayerHelper("expand", name=name)
    if isinstance(expand_times, list | tuple):
        numbers = [times for times in expand_times if not isinstance(times, Variable)]
        assert all(times > 0 for times in numbers), f"expand: expand_times are positive, not {numbers}"
    inputs, attrs = {"X": [x]}, {}
    sizes_or_variable(expand_times, "expand_times", helper, inputs, attrs, ("ExpandTimes", "expand_times_tensor"))
    out = helper.create_variable_for_type_inference(x.dtype)
    helper.append_op(type="expand", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def expand_as(x: Any, target_tensor: Any, name: str | None = None) -> Any:
    """Return x repeated along each dimension to the shape of `target_tensor`, whose sizes are multiples of x's."""
    dtypes = (*NUMBERS, "bool")
    check_variable_and_dtype(x, "x", dtypes, "expand_as")
    check_variable_and_dtype(target_tensor, "target_tensor", dtypes, "expand_as")
    helper = LayerHelper("expand_as", name=name)
    out = helper.create_variable_for_type_inference(x.dtype)
    times = [
        target // own if own > 0 and target > 0 else None
        for own, target in zip(x.shape, target_tensor.shape, strict=True)
    ]
    inputs, attrs = {"X": [x]}, {}
    # The core has lost the operator: repeat as often as the sizes say, now or when the program runs.
    if None in times:
        inputs["ExpandTimes"] = _ratio(target_tensor, x, helper)
    else:
        attrs["expand_times"] = times
    helper.append_op(type="expand", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def _ratio(larger: Any, smaller: Any, helper: Any) -> Any:
    """Return how often `smaller` fits into `larger`, for each dimension, int32."""
    out = helper.create_variable_for_type_inference("int32", stop_gradient=True)
    sizes = {}
    for slot, tensor in (("X", larger), ("Y", smaller)):
        sizes[slot] = helper.create_variable_for_type_inference("int32", stop_gradient=True)
        helper.append_op(type="shape", inputs={"Input": tensor}, outputs={"Out": sizes[slot]})
    helper.append_op(type="elementwise_floordiv", inputs=sizes, outputs={"Out": out})
    return out


def meshgrid(input: Any, name: str | None = None) -> list[Any]:
    """Return, for N vectors, N tensors of N dimensions: each vector along its own, repeated along the others."""
    if not isinstance(input, list) and not in_dygraph_mode():
        raise TypeError(f"meshgrid: input is a list of Variables, not {type(input).__name__}")
    for vector in input:
        check_dtype(vector.dtype, "create data type", NUMBERS16, "meshgrid")
    helper = LayerHelper("meshgrid", name=name)
    outs = [helper.create_variable_for_type_inference(dtype=vector.dtype) for vector in input]
    helper.append_op(type="meshgrid", inputs={"X": list(input)}, outputs={"Out": outs})
    return outs
