"""`fluid.layers.tensor`: tensors from constants, copies and other tensors."""

from __future__ import annotations

import builtins
import warnings
from math import prod
from typing import Any

import numpy as np

from .. import core
from ..data_feeder import check_dtype, check_type, check_variable_and_dtype, convert_dtype
from ..framework import Variable, convert_np_dtype_to_dtype_, device_guard, in_dygraph_mode
from ..initializer import Constant, Initializer
from ..layer_helper import LayerHelper
from ..param_attr import ParamAttr
from .layer_function_generator import operator
from .utils import FLOATS, INTEGERS, NUMBERS, NUMBERS16, declare, keep_attribute, shape_inputs

__all__ = [
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "assign",
    "cast",
    "concat",
    "create_global_var",
    "create_parameter",
    "create_tensor",
    "diag",
    "eye",
    "fill_constant",
    "fill_constant_batch_size_like",
    "full",
    "full_like",
    "has_inf",
    "has_nan",
    "isfinite",
    "kron",
    "linspace",
    "ones",
    "ones_like",
    "range",
    "reverse",
    "sums",
    "tensor_array_to_tensor",
    "trace",
    "tril",
    "triu",
    "zeros",
    "zeros_like",
]

_CREATED = ("bool", *NUMBERS16)
_STORED = ("bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8")
_SIZES = (int, np.uint8, np.int8, np.int16, np.int32, np.int64)


# --- variables ---


def create_tensor(dtype: Any, name: str | None = None, persistable: bool = False) -> Any:
    """Return a variable of the current block, without a value as yet."""
    check_dtype(dtype, "dtype", (*_CREATED, "int8"), "create_tensor")
    helper = LayerHelper("create_tensor", name=name)
    return helper.create_variable(name=helper.name, dtype=dtype, persistable=persistable)


def create_parameter(
    shape: Any,
    dtype: Any,
    name: str | None = None,
    attr: Any = None,
    is_bias: bool = False,
    default_initializer: Any = None,
) -> Any:
    """Return a new parameter.

    Args:
        attr: ParamAttr; made from `name` where None.
        is_bias: start with zeros rather than Xavier's values, where no initializer is given.
    """
    _check_shape(shape, "create_parameter")
    check_dtype(dtype, "dtype", _STORED, "create_parameter")
    check_type(attr, "attr", (type(None), ParamAttr), "create_parameter")
    check_type(default_initializer, "default_initializer", (type(None), Initializer), "create_parameter")
    helper = LayerHelper("create_parameter", name=name)
    attr = attr or ParamAttr(name=name)
    return helper.create_parameter(attr, shape, convert_dtype(dtype), is_bias, default_initializer)


def create_global_var(
    shape: Any, value: float, dtype: Any, persistable: bool = False, force_cpu: bool = False, name: str | None = None
) -> Any:
    """Return a variable of the global block that the startup program fills with `value`."""
    _check_shape(shape, "create_global_var")
    check_dtype(dtype, "dtype", _STORED, "create_global_var")
    helper = LayerHelper("global_var", name=name)
    var = helper.create_global_variable(
        dtype=dtype, shape=shape, persistable=persistable, name=name, stop_gradient=True
    )
    helper.set_variable_initializer(var, initializer=Constant(value=float(value), force_cpu=force_cpu))
    return var


def _check_shape(shape: Any, layer: str) -> None:
    check_type(shape, "shape", (list, tuple, np.ndarray), layer)
    for size in shape:
        check_type(size, "item of shape", _SIZES, layer)


# --- constants ---


def fill_constant(shape: Any, dtype: Any, value: Any, force_cpu: bool = False, out: Any = None) -> Any:
    """Return a tensor filled with `value`, which stops gradients.

    Args:
        shape: list of ints and Variables, or an int32 or int64 Variable.
        value: a number, or a Variable of shape (1,).
        out: a Variable that takes the result.
    """
    inputs, attrs = {}, {"force_cpu": force_cpu}
    if isinstance(value, Variable) and not in_dygraph_mode():
        inputs["ValueTensor"] = value
    else:
        value = value.numpy().item(0) if isinstance(value, Variable) else value
        attrs["value"] = float(value)
        attrs["str_value"] = _digits(value, dtype)
    check_dtype(dtype, "dtype", _CREATED, "fill_constant")
    check_type(shape, "shape", (Variable, list, tuple), "fill_constant")
    if out is not None:
        check_variable_and_dtype(out, "out", [convert_dtype(dtype)], "fill_constant")
    helper = LayerHelper("fill_constant")
    shape_inputs(shape, "fill_constant", inputs, attrs)
    if out is None:
        out = helper.create_variable_for_type_inference(dtype=dtype)
    attrs["dtype"] = out.dtype
    helper.append_op(type="fill_constant", inputs=inputs, outputs={"Out": [out]}, attrs=attrs, stop_gradient=True)
    out.stop_gradient = True
    return out


def _digits(value: float, dtype: Any) -> str:
    """Return a constant in full: the operator's `value` is a float32, which cannot hold every int64 or float64."""
    return str(int(value) if convert_dtype(dtype) in INTEGERS else float(value))


def ones(shape: Any, dtype: Any, force_cpu: bool = False) -> Any:
    """Return a tensor of ones."""
    check_type(shape, "shape", (list, tuple), "ones")
    check_dtype(dtype, "create data type", _CREATED, "ones")
    assert prod(shape) > 0, f"ones: shape {shape} has no elements"
    return fill_constant(shape, dtype, 1.0, force_cpu)


def zeros(shape: Any, dtype: Any, force_cpu: bool = False) -> Any:
    """Return a tensor of zeros."""
    check_type(shape, "shape", (list, tuple), "zeros")
    check_dtype(dtype, "create data type", _CREATED, "zeros")
    return fill_constant(shape, dtype, 0.0, force_cpu)


def full(
    shape: Any,
    fill_value: Any,
    out: Any = None,
    dtype: Any = None,
    device: str | None = None,
    stop_gradient: bool = True,
    name: str | None = None,
) -> Any:
    """Return a tensor filled with `fill_value`, float32 by default, on `device` ("cpu" or "gpu") where given."""
    dtype = dtype or "float32"
    helper = LayerHelper("full", name=name)
    check_dtype(dtype, "create data type", _CREATED, "full")
    check_type(shape, "shape", (Variable, list, tuple), "full")
    if out is None:
        out = helper.create_variable_for_type_inference(dtype=dtype)
    out.stop_gradient = stop_gradient
    with device_guard(device):
        return fill_constant(shape=shape, dtype=dtype, value=fill_value, out=out)


def fill_constant_batch_size_like(
    input: Any,
    shape: Any,
    dtype: Any,
    value: float,
    input_dim_idx: int = 0,
    output_dim_idx: int = 0,
    force_cpu: bool = False,
) -> Any:
    """Return a tensor filled with `value` whose dimension `output_dim_idx` is as large as `input_dim_idx` of input."""
    helper = LayerHelper("fill_constant_batch_size_like")
    out = helper.create_variable_for_type_inference(dtype=dtype)
    attrs = {
        "shape": shape,
        "dtype": out.dtype,
        "value": float(value),
        "str_value": _digits(value, dtype),
        "input_dim_idx": input_dim_idx,
        "output_dim_idx": output_dim_idx,
        "force_cpu": force_cpu,
    }
    helper.append_op(type=helper.layer_type, inputs={"Input": input}, outputs={"Out": [out]}, attrs=attrs)
    out.stop_gradient = True
    return out


def full_like(
    input: Any,
    fill_value: float,
    out: Any = None,
    dtype: Any = None,
    device: str | None = None,
    stop_gradient: bool = True,
    name: str | None = None,
) -> Any:
    """Return a tensor of input's shape, and its dtype unless `dtype` is given, filled with `fill_value`."""
    helper = LayerHelper("full_like", name=name)
    if dtype is None:
        dtype = input.dtype
    else:
        check_dtype(dtype, "dtype", _CREATED, "full_like")
        dtype = convert_np_dtype_to_dtype_(dtype)
    if out is None:
        out = helper.create_variable_for_type_inference(dtype=dtype)
    attrs = {"value": fill_value, "dtype": dtype}
    helper.append_op(type="fill_any_like", inputs={"X": [input]}, outputs={"Out": [out]}, attrs=attrs)
    out.stop_gradient = stop_gradient
    return out


_LIKE = ("bool", *NUMBERS)


def zeros_like(x: Any, out: Any = None) -> Any:
    """Return zeros of x's shape and dtype, which stop gradients; in `out` where given."""
    zeros = _zeros_like(x, out)
    zeros.stop_gradient = True
    return zeros


@operator("fill_zeros_like", inputs={"X": "x"}, dtypes={"x": _LIKE, "out": _LIKE}, layer="zeros_like")
def _zeros_like(x, out=None):
    """The operator of zeros_like."""


@operator("fill_any_like", dtypes={"x": _LIKE, "out": _LIKE}, constants={"value": 1.0}, layer="ones_like")
def ones_like(x, out=None):
    """Return ones of x's shape and dtype; in `out` where given."""


def eye(num_rows: int, num_columns: int | None = None, batch_shape: Any = None, dtype: Any = "float32") -> Any:
    """Return the matrix with ones on its diagonal, [*batch_shape, num_rows, num_columns]; square by default."""
    num_columns = num_rows if num_columns is None else num_columns
    for argument, size in (("num_rows", num_rows), ("num_columns", num_columns)):
        if not isinstance(size, int) or size < 0:
            raise TypeError(f"eye: {argument} is an int of 0 or more, not {size!r}")
    helper = LayerHelper("eye")
    out = helper.create_variable_for_type_inference(dtype=dtype)
    helper.append_op(
        type="eye",
        inputs={},
        outputs={"Out": [out]},
        attrs={"num_rows": num_rows, "num_columns": num_columns, "dtype": convert_np_dtype_to_dtype_(dtype)},
        stop_gradient=True,
    )
    out.stop_gradient = True
    if batch_shape is None:
        return out
    from .nn import stack

    if not isinstance(batch_shape, list):
        raise TypeError(f"eye: batch_shape is a list, not {batch_shape!r}")
    for size in reversed(batch_shape):
        if size <= 0:
            raise TypeError(f"eye: batch_shape has positive sizes, not {batch_shape!r}")
        out = stack([out] * size, axis=0)
    return out


def range(start: Any, end: Any, step: Any, dtype: Any) -> Any:
    """Return start, start + step, ... below end, as a vector; each a number or a Variable of shape (1,)."""
    check_dtype(dtype, "create data type", NUMBERS, "range")
    dtype = convert_dtype(dtype)
    helper = LayerHelper("range")
    limits = {}
    for slot, limit in (("Start", start), ("End", end), ("Step", step)):
        check_type(limit, slot.lower(), (float, int, Variable), "range")
        if not isinstance(limit, Variable):
            limit = fill_constant([1], dtype, limit)
        elif convert_dtype(limit.dtype) != dtype:
            limit = cast(x=limit, dtype=dtype)
        limits[slot] = limit
    return _range(helper, limits)


def arange(start: Any, end: Any, step: Any = 1, dtype: Any = None, name: str | None = None) -> Any:
    """Return start, start + step, ... below end, as a vector, float32 by default."""
    helper = LayerHelper("range", name=name)
    dtype = dtype or "float32"
    check_dtype(dtype, "create data type", NUMBERS, "range")
    dtype = convert_dtype(dtype)
    limits = {
        slot: limit if isinstance(limit, Variable) else fill_constant([1], dtype, limit)
        for slot, limit in (("Start", start), ("End", end), ("Step", step))
    }
    return _range(helper, limits)


def _range(helper: Any, limits: dict[str, Any]) -> Any:
    out = helper.create_variable_for_type_inference(dtype=limits["Start"].dtype)
    helper.append_op(type="range", inputs=limits, outputs={"Out": [out]})
    out.stop_gradient = True
    return out


def linspace(start: Any, stop: Any, num: Any, dtype: Any) -> Any:
    """Return `num` numbers from start to stop, both included, as a vector; each a number or a Variable of shape (1,)."""
    helper = LayerHelper("linspace")
    limits = {}
    for slot, limit, expected in (("Start", start, FLOATS), ("Stop", stop, FLOATS), ("Num", num, ("int32",))):
        check_type(limit, slot.lower(), (Variable, float, int), "linspace")
        if isinstance(limit, Variable):
            check_variable_and_dtype(limit, slot.lower(), expected, "linspace")
        else:
            limit = fill_constant([1], "int32" if slot == "Num" else dtype, limit)
        limits[slot] = limit
    out = helper.create_variable_for_type_inference(dtype=limits["Start"].dtype)
    attrs = {"dtype": out.dtype}  # 1.8 took it from Start; the operator of today is told
    helper.append_op(type="linspace", inputs=limits, outputs={"Out": [out]}, attrs=attrs)
    return out


# --- copies ---


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
        check_dtype(input.dtype, "input", _CREATED, "assign")
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
    check_variable_and_dtype(x, "x", (*_CREATED, "uint8"), "cast")
    check_dtype(dtype, "dtype", (*_CREATED, "int8", "uint8"), "cast")
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
        from ..dygraph import to_variable
        from .nn import stack

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
    helper.append_op(
        type="tensor_array_to_tensor",
        inputs={"X": array},
        outputs={"Out": [out], "OutIndex": [sizes]},
        attrs={"axis": axis, "use_stack": use_stack},
    )
    return sizes


def sums(input: Any, out: Any = None) -> Any:
    """Return the sum of a list of Variables of one shape; in `out` where given."""
    check_type(input, "input", (Variable, tuple, list), "sums")
    return _sums(input, out)


@operator("sum", dtypes={"input": NUMBERS, "out": NUMBERS}, constants={"use_mkldnn": False})
def _sums(input, out=None):
    """The operator of sums."""


# --- what holds of a tensor, and its parts ---


def argmin(x: Any, axis: int = 0) -> Any:
    """Return the index of the smallest element along `axis`, int64."""
    return _index_of("arg_min", x, axis, "argmin")


def argmax(x: Any, axis: int = 0) -> Any:
    """Return the index of the largest element along `axis`, int64."""
    return _index_of("arg_max", x, axis, "argmax")


def _index_of(op_type: str, x: Any, axis: int, layer: str) -> Any:
    check_variable_and_dtype(x, "x", (*NUMBERS, "uint8", "int16"), layer)
    helper = LayerHelper(op_type)
    out = helper.create_variable_for_type_inference("int64")
    helper.append_op(type=op_type, inputs={"X": x}, outputs={"Out": [out]}, attrs={"axis": axis})
    out.stop_gradient = True
    if len(x.shape) == 1:
        declare(out, shape=[])  # one of the few 0-D results of 1.8
    return out


@operator(
    "argsort",
    outputs={"Out": None, "Indices": "int64"},
    stop_gradient=("Out", "Indices"),
    dtypes=(*NUMBERS, "int16", "uint8"),
)
def argsort(input, axis=-1, descending=False, name=None):
    """Return input sorted along `axis`, and the int64 indices that sort it; neither passes gradients on."""


def reverse(x: Any, axis: Any) -> Any:
    """Return x with the order of elements reversed along `axis`, an int or several."""
    check_variable_and_dtype(x, "x", (*NUMBERS, "uint8"), "reverse")
    check_type(axis, "axis", (int, tuple, list), "reverse")
    return _reverse(x, [axis] if isinstance(axis, int) else axis)


@operator("reverse")
def _reverse(x, axis):
    """The operator of reverse."""


@operator("isinf", types={"x": Variable})
def has_inf(x):
    """Return whether any element is infinite, shape (1,)."""


@operator("isnan", types={"x": Variable})
def has_nan(x):
    """Return whether any element is not a number, shape (1,)."""


def isfinite(x: Any) -> Any:
    """Return whether all elements are finite, bool, shape (1,)."""
    check_variable_and_dtype(x, "x", NUMBERS, "isfinite")
    helper = LayerHelper("isfinite")
    # The core has lost the operator; today's looks at each element.
    out, each = (helper.create_variable_for_type_inference("bool") for _ in builtins.range(2))
    helper.append_op(type="isfinite_v2", inputs={"X": x}, outputs={"Out": each})
    attrs = {"dim": [0], "keep_dim": False, "reduce_all": True}
    helper.append_op(type="reduce_all", inputs={"X": each}, outputs={"Out": out}, attrs=attrs)
    return out


def diag(diagonal: Any) -> Any:
    """Return the square matrix with a vector, a Variable or an array, on its diagonal."""
    check_type(diagonal, "diagonal", (Variable, np.ndarray), "diag")
    check_dtype(diagonal.dtype, "diagonal", NUMBERS, "diag")
    helper = LayerHelper("diag")
    if not isinstance(diagonal, Variable):
        diagonal = assign(diagonal)
    out = helper.create_variable_for_type_inference(dtype=diagonal.dtype)
    helper.append_op(type="diag_v2", inputs={"X": [diagonal]}, outputs={"Out": [out]})
    out.stop_gradient = True
    return out


@operator("kron", inputs={"X": "x", "Y": "y"}, dtypes=dict.fromkeys(("x", "y", "out"), NUMBERS16))
def kron(x, y, out=None, name=None):
    """Return the Kronecker product of x and y."""


def tril(input: Any, diagonal: int = 0, name: str | None = None) -> Any:
    """Return the elements of matrices on and below `diagonal` (0 is the main one), and zeros elsewhere."""
    return _triangle("tril", input, diagonal, name)


def triu(input: Any, diagonal: int = 0, name: str | None = None) -> Any:
    """Return the elements of matrices on and above `diagonal` (0 is the main one), and zeros elsewhere."""
    return _triangle("triu", input, diagonal, name)


def _triangle(layer: str, x: Any, diagonal: int, name: str | None) -> Any:
    assert x is not None, f"{layer}: input is None; give a Variable"
    check_variable_and_dtype(x, "x", NUMBERS, layer)
    if len(x.shape) < 2:
        raise ValueError(f"{layer}: input has at least 2 dimensions, not shape {x.shape}")
    if not isinstance(diagonal, int):
        raise TypeError(f"{layer}: diagonal is an int, not {diagonal!r}")
    helper = LayerHelper(layer, name=name)
    out = named_or_temporary(helper, helper.name, x.dtype)
    attrs = {"diagonal": diagonal, "lower": layer == "tril"}
    helper.append_op(type="tril_triu", inputs={"X": x}, outputs={"Out": out}, attrs=attrs)
    return out


def named_or_temporary(helper: Any, name: str | None, dtype: Any) -> Any:
    """Return a variable for a result: called `name` itself where the user chose one."""
    if name is None or in_dygraph_mode():
        return helper.create_variable_for_type_inference(dtype=dtype)
    return helper.create_variable(name=name, dtype=dtype, persistable=False)


def trace(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1, out: Any = None, name: str | None = None) -> Any:
    """Return the sum of the diagonal `offset` of the matrices that dimensions `dim1` and `dim2` make; in `out` if given."""
    check_dtype(input.dtype, "Input", NUMBERS16, "trace")
    rank = len(input.shape)
    assert rank >= 2, f"trace: input has at least 2 dimensions, not shape {input.shape}"
    for argument, dim in (("dim1", dim1), ("dim2", dim2)):
        assert dim < rank, f"trace: {argument} is below {rank}, the number of dimensions of input, not {dim}"
    assert dim1 % rank != dim2 % rank, f"trace: dim1 and dim2 are different dimensions, not both {dim1}"
    helper = LayerHelper("trace", name=name)
    if out is None:
        out = helper.create_variable_for_type_inference(dtype=input.dtype)
    else:
        check_variable_and_dtype(out, "out", NUMBERS16, "trace")
    attrs = {"offset": offset, "axis1": dim1, "axis2": dim2}
    op = helper.append_op(type="trace", inputs={"Input": [input]}, outputs={"Out": [out]}, attrs=attrs)
    keep_attribute(op, "dim1", dim1)
    keep_attribute(op, "dim2", dim2)
    return out
