"""Random tensors, and what is done at random to a tensor."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...data_feeder import check_dtype, check_type, check_variable_and_dtype, convert_dtype
from ...framework import (
    Variable,
    _dygraph_tracer,
    convert_np_dtype_to_dtype_,
    default_main_program,
    device_guard,
    in_dygraph_mode,
)
from ...layer_helper import LayerHelper
from ..ops import cumsum, floor
from ..tensor import assign, cast, fill_constant_batch_size_like
from ..utils import (
    FLOATS,
    FLOATS16,
    INTEGERS,
    declare,
    named_or_temporary,
    numbers_as_variables,
    shape_inputs,
    temporaries_of,
)
from .elementwise import elementwise_add, scale
from .index import gather
from .manipulation import reshape

__all__ = [
    "dropout",
    "gaussian_random",
    "gaussian_random_batch_size_like",
    "randint",
    "randn",
    "random_crop",
    "randperm",
    "sampling_id",
    "uniform_random",
    "uniform_random_batch_size_like",
]


def dropout(
    x: Any,
    dropout_prob: float,
    is_test: bool = False,
    seed: int | None = None,
    name: str | None = None,
    dropout_implementation: str = "downgrade_in_infer",
) -> Any:
    """Return x with elements set to zero at random in training (jmlr.org/papers/v15/srivastava14a).

    Args:
        dropout_prob: of each element.
        is_test: leave x as inference does. In dygraph mode the tracer says so.
        seed: for the same elements in every run; the program's seed where None, and none where that is 0.
        dropout_implementation: "downgrade_in_infer" scales by 1 - dropout_prob in inference, "upscale_in_train" by
            1 / (1 - dropout_prob) in training.
    """
    helper = LayerHelper("dropout", name=name)
    check_variable_and_dtype(x, "x", FLOATS16, "dropout")
    out = helper.create_variable_for_type_inference(dtype=x.dtype)
    mask = helper.create_variable_for_type_inference(dtype="uint8", stop_gradient=True)
    seed = seed or default_main_program().random_seed or seed
    attrs = {
        "dropout_prob": dropout_prob,
        "is_test": not _dygraph_tracer()._train_mode if in_dygraph_mode() else is_test,
        "fix_seed": seed is not None,
        "seed": seed or 0,
        "dropout_implementation": dropout_implementation,
    }
    helper.append_op(type="dropout", inputs={"X": [x]}, outputs={"Out": [out], "Mask": [mask]}, attrs=attrs)
    return out


def uniform_random(shape: Any, dtype: Any = "float32", min: float = -1.0, max: float = 1.0, seed: int = 0) -> Any:
    """Return numbers drawn evenly from [min, max).

    Args:
        shape: list of ints and Variables, or an int32 or int64 Variable.
        seed: for the same numbers in every run; none where 0.
    """
    check_type(shape, "shape", (list, tuple, Variable), "uniform_random")
    dtype = dtype if not isinstance(dtype, str) else convert_np_dtype_to_dtype_(dtype)
    check_dtype(dtype, "dtype", FLOATS, "uniform_random")
    helper = LayerHelper("uniform_random")
    inputs, attrs = {}, {"seed": seed, "min": min, "max": max}  # and float32, whatever dtype says, as in 1.8
    _drawn_shape(helper, shape, inputs, attrs)
    out = helper.create_variable_for_type_inference(dtype)
    helper.append_op(type="uniform_random", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def _drawn_shape(helper: Any, shape: Any, inputs: dict[str, Any], attrs: dict[str, Any]) -> None:
    """Put a shape into an operator's inputs and attributes; its numbers among Variables become int64 Variables."""
    if in_dygraph_mode():
        shape_inputs(shape, helper.layer_type, inputs, attrs)
    elif isinstance(shape, Variable):
        shape.stop_gradient = True
        inputs["ShapeTensor"] = shape
    else:
        assert len(shape) > 0, f"{helper.layer_type}: shape is empty; give it at least one size"
        numbers = [size for size in shape if not isinstance(size, Variable)]
        assert all(size > 0 for size in numbers), f"{helper.layer_type}: sizes are positive, not {numbers}"
        attrs["shape"] = [-1 if isinstance(size, Variable) else size for size in shape]
        if len(numbers) < len(shape):
            inputs["ShapeTensorList"] = numbers_as_variables(shape, temporaries_of(helper, "int64"))


def randint(
    low: int,
    high: int | None = None,
    shape: Any = None,
    out: Any = None,
    dtype: Any = None,
    device: str | None = None,
    stop_gradient: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> Any:
    """Return whole numbers drawn evenly from [low, high), or from [0, low) where `high` is None.

    Args:
        shape: list of ints and Variables, or an int32 or int64 Variable; (1,) where None.
        dtype: int64 by default, or int32.
        device: "cpu" or "gpu" to have it there.
    """
    dtype = dtype or "int64"
    check_dtype(dtype, "dtype", INTEGERS, "randint")
    shape = [1] if shape is None else shape
    helper = LayerHelper("randint", name=name)
    inputs, attrs = {}, {}
    check_type(shape, "shape", (list, tuple, Variable), "randint")
    _drawn_shape(helper, shape, inputs, attrs)
    if "ShapeTensorList" in inputs:
        del attrs["shape"]
    if high is None:
        low, high = 0, low
    if low >= high:
        raise ValueError(f"randint: low is less than high, not {low} and {high}")
    if out is None:
        out = named_or_temporary(helper, name, dtype)
    else:
        check_dtype(dtype, "dtype", [convert_dtype(out.dtype)], "randint")
    out.stop_gradient = stop_gradient
    attrs |= {"low": low, "high": high, "seed": seed, "dtype": out.dtype}
    with device_guard(device):
        helper.append_op(type="randint", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    declare(out, dtype=dtype)  # today's inference takes the seed for it
    return out


def gaussian_random(shape: Any, mean: float = 0.0, std: float = 1.0, seed: int = 0, dtype: Any = "float32") -> Any:
    """Return numbers drawn from the normal distribution.

    Args:
        shape: list of ints and Variables, or an int32 or int64 Variable.
        seed: for the same numbers in every run; none where 0.
    """
    helper = LayerHelper("gaussian_random")
    if not isinstance(shape, list | tuple | Variable):
        raise TypeError(f"gaussian_random: shape is a list, a tuple or a Variable, not {shape!r}")
    out = helper.create_variable_for_type_inference(dtype)
    dtype = convert_np_dtype_to_dtype_(dtype)
    inputs, attrs = {}, {"mean": mean, "std": std, "seed": seed, "dtype": dtype, "use_mkldnn": False}
    shape_inputs(shape, "gaussian_random", inputs, attrs)
    helper.append_op(type="gaussian_random", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def randn(
    shape: Any,
    out: Any = None,
    dtype: Any = None,
    device: str | None = None,
    stop_gradient: bool = True,
    name: str | None = None,
) -> Any:
    """Return numbers drawn from the standard normal distribution, float32 by default; in `out` where given."""
    helper = LayerHelper("randn", name=name)
    check_type(shape, "shape", (list, tuple), "randn")
    assert len(shape) > 0, "randn: shape is empty; give it at least one size"
    dtype = dtype or "float32"
    check_dtype(dtype, "create data type", FLOATS, "randn")
    if out is None:
        out = helper.create_variable_for_type_inference(dtype=dtype)
    else:
        check_variable_and_dtype(out, "out", [dtype], "randn")
    out.stop_gradient = stop_gradient
    attrs = {
        "shape": shape,
        "mean": 0.0,
        "std": 1.0,
        "seed": np.random.randint(0, 100),
        "dtype": convert_np_dtype_to_dtype_(dtype),
        "use_mkldnn": False,
    }
    with device_guard(device):
        helper.append_op(type="gaussian_random", inputs={}, outputs={"Out": out}, attrs=attrs)
    return out


def randperm(
    n: int,
    out: Any = None,
    dtype: Any = "int64",
    device: str | None = None,
    stop_gradient: bool = True,
    seed: int = 0,
) -> Any:
    """Return the numbers from 0 to n - 1 in random order; in `out` where given.

    Args:
        device: "cpu" or "gpu" to have it there.
    """
    if n < 1:
        raise ValueError(f"randperm: n is positive, not {n}")
    check_dtype(dtype, "dtype", INTEGERS, "randperm")
    dtype = convert_dtype(dtype)
    if device not in (None, "cpu", "gpu"):
        raise ValueError(f"randperm: device is None, 'cpu' or 'gpu', not {device!r}")
    check_type(stop_gradient, "stop_gradient", bool, "randperm")
    helper = LayerHelper("randperm")
    if out is None:
        out = helper.create_variable_for_type_inference(dtype=dtype)
    else:
        check_variable_and_dtype(out, "out", [dtype], "randperm")
    if stop_gradient:
        out.stop_gradient = True
    attrs = {"n": n, "dtype": out.dtype, "seed": seed}
    with device_guard(device):
        helper.append_op(type="randperm", inputs={}, outputs={"Out": [out]}, attrs=attrs)
    return out


def uniform_random_batch_size_like(
    input: Any,
    shape: Any,
    dtype: Any = "float32",
    input_dim_idx: int = 0,
    output_dim_idx: int = 0,
    min: float = -1.0,
    max: float = 1.0,
    seed: int = 0,
) -> Any:
    """Return numbers drawn evenly from [min, max), as many along `output_dim_idx` as input has along `input_dim_idx`."""
    check_variable_and_dtype(input, "Input", FLOATS, "uniform_random_batch_size_like")
    check_type(shape, "shape", (list, tuple), "uniform_random_batch_size_like")
    check_dtype(dtype, "dtype", FLOATS, "uniform_random_batch_size_like")
    helper = LayerHelper("uniform_random_batch_size_like")
    out = helper.create_variable_for_type_inference(dtype)
    attrs = {
        "shape": shape,
        "input_dim_idx": input_dim_idx,
        "output_dim_idx": output_dim_idx,
        "min": min,
        "max": max,
        "seed": seed,
        "dtype": convert_np_dtype_to_dtype_(dtype),
    }
    helper.append_op(type=helper.layer_type, inputs={"Input": input}, outputs={"Out": out}, attrs=attrs)
    return out


def gaussian_random_batch_size_like(
    input: Any,
    shape: Any,
    input_dim_idx: int = 0,
    output_dim_idx: int = 0,
    mean: float = 0.0,
    std: float = 1.0,
    seed: int = 0,
    dtype: Any = "float32",
) -> Any:
    """Return normally distributed numbers, as many along `output_dim_idx` as input has along `input_dim_idx`."""
    layer = "gaussian_random_batch_size_like"
    check_type(input, "input", Variable, layer)
    check_type(shape, "shape", (list, tuple), layer)
    check_dtype(dtype, "dtype", ("float16", "float32", "int"), layer)
    helper = LayerHelper(layer)
    out = helper.create_variable_for_type_inference(dtype)
    sizes, own = (helper.create_variable_for_type_inference("int32") for _ in range(2))
    # The core has lost the operator: the size is read from the input, and handed to gaussian_random.
    helper.append_op(type="shape", inputs={"Input": input}, outputs={"Out": sizes})
    part = {"axes": [0], "starts": [input_dim_idx], "ends": [input_dim_idx + 1]}
    helper.append_op(type="slice", inputs={"Input": sizes}, outputs={"Out": own}, attrs=part)
    wanted: list[Any] = list(shape)
    wanted[output_dim_idx] = own
    inputs = {}
    attrs = {"mean": mean, "std": std, "seed": seed, "dtype": convert_np_dtype_to_dtype_(dtype)}
    shape_inputs(wanted, "gaussian_random", inputs, attrs)
    helper.append_op(type="gaussian_random", inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def random_crop(x: Any, shape: list[int], seed: Any = None) -> Any:
    """Return a part of `shape` of each sample of x, at a place drawn for each.

    Args:
        shape: sizes of the last dimensions of x; those before are the samples'.
        seed: int or Variable, kept for the signature: places follow the program's random state.
    """
    check_variable_and_dtype(x, "x", (*FLOATS, "uint8", "int16", "int32"), "random_crop")
    check_type(shape, "shape", (list, Variable), "random_crop")
    if not isinstance(seed, int | Variable | None):
        raise ValueError(f"random_crop: seed is an int or a Variable, not {seed!r}")
    # The core has lost the operator: elements are gathered by their number in the whole tensor.
    sizes, lead = x.shape[len(x.shape) - len(shape) :], x.shape[: len(x.shape) - len(shape)]
    samples = reshape(x, [-1, prod(sizes)])
    strides = [prod(sizes[dim + 1 :]) for dim in range(len(sizes))]
    first = np.arange(prod(sizes)).reshape(sizes)[tuple(np.s_[:size] for size in shape)]
    index = assign(first.reshape(1, -1).astype("int64"))
    start = fill_constant_batch_size_like(samples, [-1, 1], "int64", prod(sizes))
    index = elementwise_add(index, cumsum(start, axis=0, exclusive=True))
    for size, part, stride in zip(sizes, shape, strides, strict=True):
        places = uniform_random_batch_size_like(samples, [-1, 1], min=0.0, max=float(size - part + 1))
        index = elementwise_add(index, scale(cast(floor(places), "int64"), stride))
    samples.stop_gradient = True
    cropped = gather(reshape(samples, [-1]), reshape(index, [-1]))
    return reshape(cropped, [-1, *lead[1:], *shape] if lead else list(shape))


def sampling_id(x: Any, min: float = 0.0, max: float = 1.0, seed: int = 0, dtype: Any = "float32") -> Any:
    """Return a class number for each row of probabilities x [N, D], drawn by them, int64 [N].

    Args:
        min, max: of the number that is drawn and looked up in the cumulated probabilities.
        dtype: what is declared; the numbers are int64.
    """
    helper = LayerHelper("sampling_id")
    out = helper.create_variable_for_type_inference(dtype)
    attrs = {"min": min, "max": max, "seed": seed}
    helper.append_op(type="sampling_id", inputs={"X": x}, outputs={"Out": out}, attrs=attrs)
    declare(out, dtype=dtype)
    return out
