"""`fluid.layers.utils`: arguments that may be one number or several, shapes with Variables in them, nested structures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from paddle import _C_ops
from paddle.utils.layers_utils import (  # noqa: F401  part of this namespace in fluid
    _contain_var,
    _is_symmetric_padding,
    assert_same_structure,
    copy_mutable_vars,
    flatten,
    hold_mutable_vars,
    is_sequence,
    map_structure,
    pack_sequence_as,
)

from .. import core
from ..data_feeder import check_dtype, convert_dtype
from ..framework import Variable, convert_np_dtype_to_dtype_, in_dygraph_mode

# What the inputs of layers may hold; 16 marks the families with half precision.
FLOATS = ("float32", "float64")
FLOATS16 = ("float16", *FLOATS)
INTEGERS = ("int32", "int64")
NUMBERS = (*FLOATS, *INTEGERS)
NUMBERS16 = ("float16", *NUMBERS)
CREATED = ("bool", *NUMBERS16)  # what constants may be made of


def convert_to_list(value: Any, n: int, name: str, dtype: type = int) -> list[Any]:
    """Return `n` numbers from one number or a sequence of `n`.

    Raises:
        ValueError: anything else; the message names the argument `name`.
    """
    if isinstance(value, dtype):
        return [value] * n
    try:
        values = [dtype(item) for item in value]
    except (TypeError, ValueError):
        values = []
    if len(values) != n:
        raise ValueError(f"{name} is one {dtype.__name__} or {n} of them, not {value!r}")
    return values


def padding_of(padding: Any, n: int, data_format: str) -> tuple[list[int], str]:
    """Return the attributes `paddings` and `padding_algorithm` for the ways that a padding of `n` dimensions is given.

    Args:
        padding: "SAME", "VALID", an int, `n` ints, 2n ints (before and after each dimension), or a pair for each of the
            n + 2 dimensions of the data, whose batch and channel pairs are zero.
    """
    if isinstance(padding, str):
        if padding.upper() not in ("SAME", "VALID"):
            raise ValueError(f"padding is 'SAME', 'VALID' or numbers, not {padding!r}")
        return [0] * n, padding.upper()
    if isinstance(padding, list | tuple) and padding and isinstance(padding[0], list | tuple):
        channels_first = data_format.startswith("NC")
        outside = padding[:2] if channels_first else [padding[0], padding[-1]]
        if len(padding) != n + 2 or any(any(pair) for pair in outside):
            raise ValueError(f"padding pairs are one a dimension, zero for batch and channel, not {padding!r}")
        flat = [size for pair in (padding[2:] if channels_first else padding[1:-1]) for size in pair]
    elif isinstance(padding, list | tuple) and len(padding) == 2 * n:
        flat = convert_to_list(padding, 2 * n, "padding")
    else:
        return convert_to_list(padding, n, "padding"), "EXPLICIT"
    before, after = flat[::2], flat[1::2]
    return (before if before == after else flat), "EXPLICIT"


def numbers_as_variables(numbers: Sequence[Any], make: Callable[[int], Any]) -> list[Any]:
    """Return a list of numbers and Variables as Variables alone, none of which takes a gradient.

    Args:
        make: creates the Variable for a number.
    """
    made = []
    for number in numbers:
        if isinstance(number, Variable):
            number.stop_gradient = True
            made.append(number)
        else:
            assert isinstance(number, int), f"a size is an int or a Variable, not {number!r}"
            made.append(make(number))
    return made


def temporaries_of(helper: Any, dtype: str = "int32") -> Callable[[int], Any]:
    """Return what fills a temporary of `helper`'s layer, shape (1,), with a number; for `numbers_as_variables`."""
    from .tensor import fill_constant

    def make(number: int) -> Any:
        out = helper.create_variable_for_type_inference(dtype)
        return fill_constant([1], dtype, number, force_cpu=True, out=out)

    return make


def sizes_or_variable(
    given: Any,
    argument: str,
    helper: Any,
    inputs: dict[str, Any],
    attrs: dict[str, Any],
    slots: tuple[str, str],
    unknown: int = -1,
) -> None:
    """Put an argument that is a Variable, or a list of numbers and Variables, into an operator's inputs and attributes.

    Args:
        given: the argument.
        argument: its name, which is the attribute's.
        slots: the input slot for a Variable, and that for a list which holds Variables.
        unknown: what stands in the attribute for a Variable of the list.

    Raises:
        TypeError: a Variable in dygraph mode, where the numbers are at hand.
    """
    if in_dygraph_mode():
        if not isinstance(given, list | tuple) or _contain_var(given):
            raise TypeError(f"{helper.layer_type}: in dygraph mode {argument} is a list of ints, not {given!r}")
        attrs[argument] = list(given)
    elif isinstance(given, Variable):
        given.stop_gradient = True
        inputs[slots[0]] = given
    else:
        attrs[argument] = [unknown if isinstance(size, Variable) else size for size in given]
        if _contain_var(given):
            inputs[slots[1]] = numbers_as_variables(given, temporaries_of(helper))


def as_numbers(given: Any) -> Any:
    """Return what a Variable, or a list of numbers and Variables, holds in dygraph mode, as a list of ints."""
    if isinstance(given, Variable):
        return [int(number) for number in given.numpy().flat]
    return [int(item.numpy().item(0)) if isinstance(item, Variable) else item for item in given]


def shape_inputs(shape: Any, op_type: str, inputs: dict[str, Any], attrs: dict[str, Any]) -> None:
    """Put a shape that a layer creates a tensor of into the operator's inputs and attributes.

    Args:
        shape: a Variable (int32 or int64), or a list of numbers and Variables; in dygraph mode these are read.
    """
    from .tensor import cast, fill_constant

    def as_int32(variable: Any, name: str) -> Any:
        variable.stop_gradient = True
        check_dtype(variable.dtype, name, INTEGERS, op_type)
        return cast(variable, "int32") if convert_dtype(variable.dtype) == "int64" else variable

    if in_dygraph_mode():
        attrs["shape"] = as_numbers(shape)
    elif isinstance(shape, Variable):
        inputs["ShapeTensor"] = as_int32(shape, "shape")
    else:
        assert len(shape) > 0, f"{op_type}: shape is empty; give it at least one size"
        attrs["shape"] = [-1 if isinstance(size, Variable) else size for size in shape]
        if _contain_var(shape):
            inputs["ShapeTensorList"] = [
                as_int32(size, f"shape[{index}]")
                if isinstance(size, Variable)
                else fill_constant([1], "int32", size, force_cpu=True)
                for index, size in enumerate(shape)
            ]


def declare(variable: Any, shape: Sequence[int] | None = None, dtype: Any = None, lod_level: int | None = None) -> None:
    """Say of a variable what 1.8 said, where the inference of today says otherwise; in dygraph mode 0-D alone counts."""
    if in_dygraph_mode():
        if shape == []:
            variable.reconstruct_from_(_C_ops.reshape(variable, []), False)
        return
    if shape is not None:
        variable.desc.set_shape(list(shape))
    if dtype is not None:
        variable.desc.set_dtype(convert_np_dtype_to_dtype_(dtype))
    if lod_level is not None:
        variable.desc.set_lod_level(lod_level)


def keep_attribute(op: Any, name: str, value: bool | int | list[int]) -> None:
    """Keep in a static program an attribute of 1.8 that the core no longer declares, for `lowering` and for files."""
    if in_dygraph_mode():
        return
    if isinstance(value, bool):
        op.desc._set_bool_attr(name, value)
    elif isinstance(value, int):
        op.desc._set_int32_attr(name, value)
    else:
        op.desc._set_int32s_attr(name, list(value))


def named_or_temporary(helper: Any, name: str | None, dtype: Any) -> Any:
    """Return a variable for a result: called `name` itself where the user chose one."""
    if name is None or in_dygraph_mode():
        return helper.create_variable_for_type_inference(dtype=dtype)
    return helper.create_variable(name=name, dtype=dtype, persistable=False)


class Composer:
    """Appends the operators that stand for one that the core has lost, all under the names of its layer.

    Args:
        helper: of the layer.
    """

    def __init__(self, helper: Any) -> None:
        self._helper = helper

    def new(self, dtype: Any, stop_gradient: bool = False) -> Any:
        """Return a temporary of the layer."""
        return self._helper.create_variable_for_type_inference(dtype, stop_gradient=stop_gradient)

    def __call__(
        self,
        op_type: str,
        inputs: dict[str, Any],
        *,
        out: Any = None,
        of: Any = None,
        slot: str = "Out",
        hidden: Sequence[str] = (),
        **attrs: Any,
    ) -> Any:
        """Append an operator and return its output.

        Args:
            out: a variable that takes the output; a temporary where None.
            of: dtype of that temporary; that of the first input where None.
            slot: of the output.
            hidden: slots of outputs that nothing uses.
            attrs: of the operator.
        """
        if out is None:
            out = self.new(of or _first(inputs).dtype)
        outputs = {slot: [out], **{name: [self.new(out.dtype, stop_gradient=True)] for name in hidden}}
        self._helper.append_op(type=op_type, inputs=inputs, outputs=outputs, attrs=attrs)
        return out

    def reshaped(self, x: Any, shape: Sequence[int]) -> Any:
        """Return x in another shape."""
        return self("reshape2", {"X": x}, hidden=("XShape",), shape=list(shape))

    def transposed(self, x: Any, perm: Sequence[int]) -> Any:
        """Return x with its dimensions in another order."""
        return self("transpose2", {"X": x}, hidden=("XShape",), axis=list(perm))

    def cast(self, x: Any, dtype: Any) -> Any:
        """Return x converted to `dtype`."""
        out = self.new(dtype)
        return self("cast", {"X": x}, out=out, in_dtype=x.dtype, out_dtype=out.dtype)

    def total(self, x: Any, dim: int | None = None, out: Any = None, keep_dim: bool = True) -> Any:
        """Return the sum of x along `dim`, which stays with size 1 unless `keep_dim` is False; of all where None."""
        every = dim is None
        attrs = {"dim": [0] if every else [dim], "keep_dim": keep_dim and not every, "reduce_all": every}
        return self("reduce_sum", {"X": x}, out=out, **attrs, **dtype_of_sum(x))


def dtype_of_sum(x: Any) -> dict[str, Any]:
    """Return the attribute that lets reduce_sum keep int32, which today it would widen."""
    int32 = core.VarDesc.VarType.INT32
    return {"out_dtype": int(int32)} if x.dtype == int32 else {}


def _first(inputs: dict[str, Any]) -> Any:
    value = next(iter(inputs.values()))
    return value[0] if isinstance(value, list) else value
