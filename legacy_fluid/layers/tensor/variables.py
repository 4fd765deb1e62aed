"""Variables without a value, parameters and global variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...data_feeder import check_dtype, check_type, convert_dtype
from ...initializer import Constant, Initializer
from ...layer_helper import LayerHelper
from ...param_attr import ParamAttr
from ..utils import CREATED

__all__ = [
    "create_global_var",
    "create_parameter",
    "create_tensor",
]

_STORED = ("bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8")
_SIZES = (int, np.uint8, np.int8, np.int16, np.int32, np.int64)


def create_tensor(dtype: Any, name: str | None = None, persistable: bool = False) -> Any:
    """Return a variable of the current block, without a value as yet."""
    check_dtype(dtype, "dtype", (*CREATED, "int8"), "create_tensor")
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
