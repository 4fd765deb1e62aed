"""`fluid.data`, and the `embedding` and `one_hot` of fluid, which keep every dimension of their input."""

from __future__ import annotations

from typing import Any

from . import core
from .framework import default_main_program

__all__ = ["data"]


def data(name: str, shape: Any, dtype: Any = "float32", lod_level: int = 0) -> Any:
    """Declare a variable that is fed; what is fed must fit `shape`.

    Args:
        name: the key in the feed.
        shape: None or -1 stands for any size.
        dtype: of the elements.
        lod_level: levels of sequence lengths; 0 for a dense tensor.
    """
    attributes = {
        "name": name,
        "shape": [-1 if size is None else size for size in shape],
        "dtype": dtype,
        "type": core.VarDesc.VarType.LOD_TENSOR,
        "stop_gradient": True,
        "lod_level": lod_level,
        "is_data": True,
        "need_check_feed": True,
    }
    return default_main_program().global_block().create_var(**attributes)
