"""Parts cut out of a tensor, and borders put around it."""

from __future__ import annotations

from typing import Any

from ... import core
from ...data_feeder import check_dtype, check_type, check_variable_and_dtype
from ...framework import Variable, in_dygraph_mode
from ...layer_helper import LayerHelper
from ...lowering.indices import PAD_MODES
from ..layer_function_generator import operator
from ..tensor import reverse
from ..utils import NUMBERS, NUMBERS16, Composer, _contain_var, as_numbers, sizes_or_variable

__all__ = [
    "crop",
    "crop_tensor",
    "pad",
    "pad2d",
    "pad_constant_like",
    "slice",
    "strided_slice",
]


def slice(input: Any, axes: Any, starts: Any, ends: Any) -> Any:
    """Return the elements from `starts` up to `ends` (negative from the end) along the dimensions `axes`.

    Args:
        axes: list of ints.
        starts, ends: list of ints and Variables, one an axis, or an int32 Variable.
    """
    for argument, given in (("starts", starts), ("ends", ends)):
        if not isinstance(given, list | tuple | Variable):
            raise ValueError(f"slice: {argument} is a Variable, a list or a tuple, not {given!r}")
    return _slice(LayerHelper("slice", input=input), axes, {"starts": starts, "ends": ends})


def strided_slice(input: Any, axes: Any, starts: Any, ends: Any, strides: Any) -> Any:
    """Return every stride-th element from `starts` up to `ends` along the dimensions `axes`.

    Args:
        axes: list of ints.
        starts, ends, strides: list of ints and int32 Variables, one an axis, or an int32 Variable.
    """
    check_variable_and_dtype(input, "input", NUMBERS, "strided_slice")
    check_type(axes, "axes", (list, tuple), "strided_slice")
    limits = {"starts": starts, "ends": ends, "strides": strides}
    for argument, given in limits.items():
        check_type(given, argument, (list, tuple, Variable), "strided_slice")
        for item in [given] if isinstance(given, Variable) else given:
            if isinstance(item, Variable):
                check_dtype(item.dtype, argument, ["int32"], "strided_slice")
    return _slice(LayerHelper("strided_slice", input=input), axes, limits)


def _slice(helper: Any, axes: Any, limits: dict[str, Any]) -> Any:
    limits, backwards = from_the_front(axes, limits)
    inputs, attrs = {"Input": helper.kwargs["input"]}, {"axes": axes}
    fixed = [1] * len(axes)  # whether the size of an axis follows from numbers alone
    for argument, given in limits.items():
        slot = f"{argument.capitalize()}Tensor"
        sizes_or_variable(given, argument, helper, inputs, attrs, (slot, f"{slot}List"))
        # In 1.8 the flags of a strided slice do not know of limits that are a Variable as a whole.
        if isinstance(given, Variable) and helper.layer_type == "slice":
            fixed = [-1] * len(axes)
        elif not isinstance(given, Variable):
            fixed = [-1 if isinstance(item, Variable) else flag for item, flag in zip(given, fixed, strict=False)]
    attrs["infer_flags"] = fixed
    if helper.layer_type == "slice":
        refuse_empty(helper.kwargs["input"], axes, limits)
    out = helper.create_variable_for_type_inference(dtype=helper.input_dtype("input"))
    helper.append_op(type=helper.layer_type, inputs=inputs, attrs=attrs, outputs={"Out": out})
    return reverse(out, backwards) if backwards else out


def refuse_empty(x: Any, axes: Any, limits: dict[str, Any]) -> None:
    """Raise core.EnforceNotMet where `starts` and `ends` leave nothing of a dimension whose size is known."""
    if any(isinstance(given, Variable) for given in limits.values()):
        return
    for axis, start, end in zip(axes, limits["starts"], limits["ends"], strict=False):
        if not isinstance(start, int) or not isinstance(end, int) or not -len(x.shape) <= axis < len(x.shape):
            continue
        size = x.shape[axis]
        first, beyond = (max(limit + size if limit < 0 else limit, 0) for limit in (start, end))
        if size > 0 and min(beyond, size) <= first:
            raise core.EnforceNotMet(
                f"slice: from {start} up to {end} there is nothing in dimension {axis} of {x.name}, of size {size}"
            )


def from_the_front(axes: Any, limits: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
    """Return limits with strides that go forward, and the axes whose elements are then to be put in reverse.

    This is how 1.8 went backwards: with a stride of -2 it took every second element counted from the lower end. Today's
    operator counts from the upper one, and never reaches the first element. Limits with Variables stay as they are.
    """
    backwards = []
    if "strides" in limits and all(isinstance(of, list | tuple) and not _contain_var(of) for of in limits.values()):
        limits = {argument: list(given) for argument, given in limits.items()}
        for index, stride in enumerate(limits["strides"]):
            if stride < 0:
                start, end = limits["starts"][index], limits["ends"][index]
                limits["starts"][index] = end + 1
                limits["ends"][index] = _END if start == -1 else start + 1
                limits["strides"][index] = -stride
                backwards.append(axes[index])
    return limits, backwards


_END = 10000000  # beyond every dimension


def crop(x: Any, shape: Any = None, offsets: Any = None, name: str | None = None) -> Any:
    """Return the part of x of a shape at `offsets`.

    Args:
        shape: list of ints, or a Variable that has the shape.
        offsets: list of ints, or an int32 Variable; zeros where None.
    """
    check_variable_and_dtype(x, "x", ["float32"], "crop")
    check_type(shape, "shape", (list, tuple, Variable), "crop")
    helper = LayerHelper("crop", name=name)
    offsets = [0] * len(x.shape) if offsets is None else offsets
    out = helper.create_variable_for_type_inference(x.dtype)
    inputs, attrs = {"X": x}, {}
    for slot, attribute, given in (("Y", "shape", shape), ("Offsets", "offsets", offsets)):
        if isinstance(given, Variable):
            inputs[slot] = given
        else:
            attrs[attribute] = given
    helper.append_op(type="crop", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def crop_tensor(x: Any, shape: Any = None, offsets: Any = None, name: str | None = None) -> Any:
    """Return the part of x of a shape at `offsets`.

    Args:
        shape: list of ints and Variables, or an int32 Variable; -1 for all that follows the offset.
        offsets: list of ints and Variables, or an int32 Variable; zeros where None.
    """
    check_variable_and_dtype(x, "x", NUMBERS, "crop_tensor")
    check_type(shape, "shape", (list, tuple, Variable), "crop_tensor")
    check_type(offsets, "offsets", (list, tuple, Variable, type(None)), "crop_tensor")
    helper = LayerHelper("crop_tensor", name=name)
    offsets = [0] * len(x.shape) if offsets is None else offsets
    if in_dygraph_mode():
        shape, offsets = as_numbers(shape), as_numbers(offsets)
    out = helper.create_variable_for_type_inference(x.dtype)
    inputs, attrs = {"X": x}, {}
    _check_whole_numbers(offsets, "offsets", lambda number: number >= 0)
    sizes_or_variable(offsets, "offsets", helper, inputs, attrs, ("Offsets", "OffsetsTensor"))
    if isinstance(offsets, Variable) and not in_dygraph_mode():
        attrs["offsets"] = [-1] * len(x.shape)
    _check_whole_numbers(shape, "shape", lambda number: number > 0 or number == -1)
    sizes_or_variable(shape, "shape", helper, inputs, attrs, ("Shape", "ShapeTensor"), unknown=0)
    helper.append_op(type="crop_tensor", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def _check_whole_numbers(given: Any, argument: str, is_allowed: Any) -> None:
    for number in () if isinstance(given, Variable) else given:
        if isinstance(number, Variable):
            continue
        if not isinstance(number, int):
            raise TypeError(f"crop_tensor: {argument} holds ints and Variables, not {number!r}")
        if not is_allowed(number):
            raise ValueError(f"crop_tensor: {argument} cannot hold {number}")


def _sizes_of_borders(given: dict[str, Any]) -> None:
    given["pad_value"] = float(given["pad_value"])


@operator("pad", dtypes=NUMBERS16, prepare=_sizes_of_borders)
def pad(x, paddings, pad_value=0.0, name=None):
    """Return x with `pad_value` around it; `paddings` lists the sizes before and after each dimension."""


def pad_constant_like(x: Any, y: Any, pad_value: float = 0.0, name: str | None = None) -> Any:
    """Return y with `pad_value` after its end in each dimension, up to the shape of x."""
    check_type(x, "x", Variable, "pad_constant_like")
    check_variable_and_dtype(y, "y", NUMBERS, "pad_constant_like")
    helper = LayerHelper("pad_constant_like", name=name)
    out, border, sizes = (helper.create_variable_for_type_inference(dtype) for dtype in (y.dtype, y.dtype, "int32"))
    # The core has lost the operator: y is written over the start of a tensor of x's shape that holds the border.
    attrs = {"value": float(pad_value), "dtype": y.dtype}
    helper.append_op(type="fill_any_like", inputs={"X": x}, outputs={"Out": border}, attrs=attrs)
    border.stop_gradient = True
    helper.append_op(type="shape", inputs={"Input": y}, outputs={"Out": sizes})
    ends = [slice(sizes, [0], [index], [index + 1]) for index in range(len(y.shape))]
    helper.append_op(
        type="set_value",
        inputs={"Input": border, "ValueTensor": y, "EndsTensorList": ends},
        outputs={"Out": out},
        attrs={
            "axes": list(range(len(ends))),
            "starts": [0] * len(ends),
            "ends": [],
            "steps": [1] * len(ends),
            "dtype": y.dtype,
            "shape": [],
        },
    )
    return out


def pad2d(
    input: Any,
    paddings: Any = [0, 0, 0, 0],  # noqa: B006  the default of fluid's signature, which nothing changes
    mode: str = "constant",
    pad_value: float = 0.0,
    data_format: str = "NCHW",
    name: str | None = None,
) -> Any:
    """Return images with a border.

    Args:
        paddings: sizes at the top, bottom, left and right: a list, or an int32 Variable.
        mode: "constant" (`pad_value`), "reflect" (the inside, mirrored) or "edge" (the outermost elements).
    """
    check_variable_and_dtype(input, "input", NUMBERS16, "pad2d")
    assert mode in ("constant", "reflect", "edge"), f"pad2d: mode is 'constant', 'reflect' or 'edge', not {mode!r}"
    helper = LayerHelper("pad2d", name=name)
    if in_dygraph_mode():
        return _pad2d_eagerly(Composer(helper), input, as_numbers(paddings), mode, pad_value, data_format)
    inputs = {"X": [input]}
    attrs = {"mode": mode, "pad_value": pad_value, "data_format": data_format, "paddings": paddings}
    if isinstance(paddings, Variable):
        inputs["Paddings"], attrs["paddings"] = [paddings], []
    out = helper.create_variable_for_type_inference(input.dtype)
    helper.append_op(type="pad2d", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def _pad2d_eagerly(
    append: Composer, input: Any, paddings: list[int], mode: str, pad_value: float, data_format: str
) -> Any:
    """What lowering makes of pad2d, whose kernel is gone: pad3d with one dimension more."""
    top, bottom, left, right = paddings
    is_channels_first = data_format == "NCHW"
    depth = [2] if is_channels_first else [1]
    deep = append("unsqueeze2", {"X": input}, hidden=("XShape",), axes=depth)
    padded = append(
        "pad3d",
        {"X": deep},
        paddings=[left, right, top, bottom, 0, 0],
        mode=PAD_MODES[mode],
        value=float(pad_value),
        data_format="NCDHW" if is_channels_first else "NDHWC",
    )
    return append("squeeze2", {"X": padded}, hidden=("XShape",), axes=depth)
