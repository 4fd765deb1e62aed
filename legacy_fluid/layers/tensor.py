"""`fluid.layers.tensor`: tensors from constants, copies and other tensors."""

from __future__ import annotations

from typing import Any

from .. import unique_name
from ..initializer import Constant
from ..layer_helper import LayerHelper

__all__ = ["create_global_var"]


def create_global_var(
    shape: Any, value: float, dtype: Any, persistable: bool = False, force_cpu: bool = False, name: str | None = None
) -> Any:
    """Return a variable of the global block that the startup program fills with `value`."""
    helper = LayerHelper("global_var", name=name)
    var = helper.create_global_variable(
        dtype=dtype,
        shape=shape,
        persistable=persistable,
        name=name or unique_name.generate("global_var"),
        stop_gradient=True,
    )
    helper.set_variable_initializer(var, initializer=Constant(value=float(value), force_cpu=force_cpu))
    return var
