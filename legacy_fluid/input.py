"""`fluid.data`, and the `embedding` and `one_hot` of fluid, which keep every dimension of their input."""

from __future__ import annotations

from typing import Any

from . import core
from .data_feeder import check_type
from .framework import default_main_program
from .layer_helper import LayerHelper
from .layers.nn.sparse import look_up, one_hot_v2

__all__ = ["data", "embedding", "one_hot"]


def data(name: str, shape: Any, dtype: Any = "float32", lod_level: int = 0) -> Any:
    """Declare a variable that is fed; what is fed must fit `shape`.

    Args:
        name: the key in the feed.
        shape: None or -1 stands for any size.
        dtype: of the elements.
        lod_level: levels of sequence lengths; 0 for a dense tensor.

    Raises:
        TypeError: the name is no string, or the shape no list or tuple.
    """
    check_type(name, "name", str, "data")
    check_type(shape, "shape", (list, tuple), "data")
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


def one_hot(input: Any, depth: Any, allow_out_of_range: bool = False) -> Any:
    """Return vectors of `depth` with a 1 where the id says, [..., depth].

    Args:
        input: int32 or int64 ids [...].
        depth: int, or an int32 Variable of shape (1,).
        allow_out_of_range: return zeros for an id that does not fit, rather than raise when the program runs.
    """
    helper = LayerHelper("one_hot_v2")
    out = helper.create_variable_for_type_inference("float32")
    one_hot_v2(helper, input, depth, allow_out_of_range, out)
    return out


def embedding(
    input: Any,
    size: Any,
    is_sparse: bool = False,
    is_distributed: bool = False,
    padding_idx: int | None = None,
    param_attr: Any = None,
    dtype: Any = "float32",
) -> Any:
    """Return the row of a table for each id, [..., width].

    Args:
        input: int64 ids [...].
        size: of the table: [number of ids, width].
        is_sparse: keep the gradient as the rows that were used.
        padding_idx: an id whose row is zeros; from the end where negative.
        param_attr: of the table; Xavier by default.
    """
    flags = (is_sparse, is_distributed)
    return look_up("lookup_table_v2", "fluid.embedding", input, size, flags, padding_idx, param_attr, dtype)
