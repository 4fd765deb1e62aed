"""Copies of tensors: of arrays, in another dtype, joined."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ... import core
from ...data_feeder import check_dtype, check_type, check_variable_and_dtype
from ...framework import Variable, convert_np_dtype_to_dtype_, in_dygraph_mode
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..utils import CREATED, INTEGERS, NUMBERS, NUMBERS16, Composer, declare

__all__ = [
    "assign",
    "cast",
    "concat",
    "sums",
    "tensor_array_to_tensor",
]


_VALUES = {"bool": ("bool_values", bool), "float32": ("fp32_values", float)} | {
    dtype: (f"{dtype}_values", int) for dtype in INTEGERS
}
_MOST_ELEMENTS = 1024 * 1024


def assign(input: Any, output: Any = None) -> Any:
    """Return a copy of a Variable or an array.

    Args:
        input: an array is bool, float32, int32 or int64, of at most 1024 x 1024 elements.
        output: a Variable that takes the copy.
    """
    helper = LayerHelper("assign")
    check_type(input, "input", (Variable, np.ndarray), "assign")
    if isinstance(input, Variable):
        check_dtype(input.dtype, "input", CREATED, "assign")
        if output is None:
            output = helper.create_variable_for_type_inference(dtype=input.dtype)
        helper.append_op(type="assign", inputs={"X": [input]}, outputs={"Out": [output]})
        return output
    if str(input.dtype) not in _VALUES:
        raise TypeError(f"assign: an array is {', '.join(_VALUES)}, not {input.dtype}; convert it with astype")
    if input.size > _MOST_ELEMENTS:
        raise ValueError(f"assign: an array has at most {_MOST_ELEMENTS} elements, not {input.size}; feed or load it")
    attribute, kind = _VALUES[str(input.dtype)]
    kind = int if kind is bool and in_dygraph_mode() else kind  # all that eager mode takes
    dtype = convert_np_dtype_to_dtype_(input.dtype)
    if output is None:
        output = helper.create_variable_for_type_inference(dtype=dtype)
    helper.append_op(
        type="assign_value",
        outputs={"Out": [output]},
        attrs={"dtype": dtype, "shape": list(input.shape), attribute: [kind(value) for value in input.flat]},
    )
    if input.ndim == 0:
        declare(output, shape=[])  # one of the few 0-D results of 1.8
    return output


def cast(x: Any, dtype: Any) -> Any:
    """Return x converted to `dtype`."""
    check_variable_and_dtype(x, "x", (*CREATED, "uint8"), "cast")
    check_dtype(dtype, "dtype", (*CREATED, "int8", "uint8"), "cast")
    helper = LayerHelper("cast")
    out = helper.create_variable_for_type_inference(dtype=dtype)
    attrs = {"in_dtype": x.dtype, "out_dtype": out.dtype}
    helper.append_op(type="cast", inputs={"X": [x]}, outputs={"Out": [out]}, attrs=attrs)
    return out


def concat(input: Any, axis: Any = 0, name: str | None = None) -> Any:
    """Return Variables, or the elements of one LoDTensorArray, joined along `axis`, an int or an int32 Variable."""
    if isinstance(axis, Variable) and in_dygraph_mode():
        axis = axis.numpy().item(0)
    if not isinstance(input, list) and not in_dygraph_mode():
        warnings.warn(f"concat joins a list, and was given {type(input).__name__}", stacklevel=2)
        input = [input]
    for index, x in enumerate(input):
        check_variable_and_dtype(x, f"input[{index}]", NUMBERS16, "concat")
    check_type(axis, "axis", (int, Variable), "concat")
    helper = LayerHelper("concat", input=input, name=name)
    out = helper.create_variable_for_type_inference(dtype=helper.input_dtype())
    if is_array(input[0]):
        assert len(input) == 1, f"concat joins one LoDTensorArray, not {len(input)}"
        join_array(helper, input[0], out, axis, use_stack=False)
        return out
    inputs, attrs = {"X": list(input)}, {}
    if isinstance(axis, Variable):
        axis.stop_gradient = True
        inputs["AxisTensor"] = axis
    else:
        attrs["axis"] = axis
    helper.append_op(type="concat", inputs=inputs, outputs={"Out": [out]}, attrs=attrs)
    return out


def tensor_array_to_tensor(input: Any, axis: int = 1, name: str | None = None, use_stack: bool = False) -> Any:
    """Return the elements of a LoDTensorArray joined along `axis`, or along a new one, and their sizes along it, int32.

    In dygraph mode `input` is a list.
    """
    if in_dygraph_mode():
        from ...dygraph import to_variable
        from ..nn import stack

        assert isinstance(input, list), f"tensor_array_to_tensor: in dygraph mode input is a list, not {type(input)}"
        joined = (stack if use_stack else concat)(input, axis=axis)
        return joined, to_variable(np.array([int(x.shape[axis]) for x in input]))
    check_type(input, "input", (list, Variable), "tensor_array_to_tensor")
    for index, x in enumerate(input if isinstance(input, list) else []):
        check_type(x, f"input[{index}]", Variable, "tensor_array_to_tensor")
    helper = LayerHelper("tensor_array_to_tensor", input=input, name=name)
    out = helper.create_variable_for_type_inference(dtype=helper.input_dtype())
    return out, join_array(helper, input, out, axis, use_stack)


def is_array(variable: Any) -> bool:
    """Whether a Variable is a LoDTensorArray."""
    return not in_dygraph_mode() and variable.desc.type() == core.VarDesc.VarType.LOD_TENSOR_ARRAY


def join_array(helper: Any, array: Any, out: Any, axis: int, use_stack: bool) -> Any:
    """Join a LoDTensorArray in `out`; return the sizes of its elements along `axis`."""
    sizes = helper.create_variable_for_type_inference(dtype="int32")
    rank = len(array.shape)
    if axis < 0 and rank:
        axis += rank + int(use_stack)
    is_last = use_stack and 0 < axis == rank
    joined = helper.create_variable_for_type_inference(dtype=out.dtype) if is_last else out
    helper.append_op(
        type="tensor_array_to_tensor",
        inputs={"X": array},
        outputs={"Out": [joined], "OutIndex": [sizes]},
        attrs={"axis": 0 if is_last else axis, "use_stack": use_stack},
    )
    if is_last:  # an axis for which today's kernel does not end: the dimension is put there afterwards
        Composer(helper)("transpose2", {"X": joined}, out=out, hidden=("XShape",), axis=[*range(1, axis + 1), 0])
    return sizes


def sums(input: Any, out: Any = None) -> Any:
    """Return the sum of a list of Variables of one shape; in `out` where given."""
    check_type(input, "input", (Variable, tuple, list), "sums")
    return _sums(input, out)


@operator("sum", dtypes={"input": NUMBERS, "out": NUMBERS}, constants={"use_mkldnn": False})
def _sums(input, out=None):
    """The operator of sums."""
