"""`fluid.layers.io`: where data comes in."""

from __future__ import annotations

from typing import Any

from .. import core
from ..layer_helper import LayerHelper
from .queue_reader import create_py_reader_by_data, double_buffer, py_reader, read_file

__all__ = ["create_py_reader_by_data", "data", "double_buffer", "load", "py_reader", "read_file"]


def data(
    name: str,
    shape: Any,
    append_batch_size: bool = True,
    dtype: Any = "float32",
    lod_level: int = 0,
    type: Any = core.VarDesc.VarType.LOD_TENSOR,
    stop_gradient: bool = True,
) -> Any:
    """Declare a variable that is fed, whose shape is not checked when it is.

    Args:
        name: the key in the feed.
        shape: of one sample; the batch dimension is put before it.
        append_batch_size: False where `shape` is whole. A shape with a None or -1 is whole, too.
        lod_level: levels of sequence lengths; 0 for a dense tensor.
    """
    shape = list(shape)
    open_sizes = [index for index, size in enumerate(shape) if size is None or size < 0]
    shape = [-1 if size is None else size for size in shape]
    if append_batch_size and not open_sizes:
        shape = [-1, *shape]
    return LayerHelper("data", name=name).create_global_variable(
        name=name,
        shape=shape,
        dtype=dtype,
        type=type,
        stop_gradient=stop_gradient,
        lod_level=lod_level,
        is_data=True,
    )


def load(out: Any, file_path: str, load_as_fp16: bool | None = None) -> None:
    """Append an operator that reads `out` from the file of one variable, as fluid.io.save_vars writes it."""
    attrs = {"file_path": file_path} | ({} if load_as_fp16 is None else {"load_as_fp16": load_as_fp16})
    LayerHelper("load").append_op(type="load", inputs={}, outputs={"Out": out}, attrs=attrs)
