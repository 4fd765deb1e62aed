"""Arrays of tensors, which grow as a program runs, and sequences cut into their steps."""

from __future__ import annotations

from typing import Any

from ... import core, unique_name
from ...data_feeder import check_type, check_variable_and_dtype
from ...framework import Variable, in_dygraph_mode
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator

__all__ = ["array_length", "array_read", "array_write", "create_array", "reorder_lod_tensor_by_rank"]

_ARRAY = core.VarDesc.VarType.LOD_TENSOR_ARRAY


def _check_array(array: Any, layer: str) -> None:
    if not isinstance(array, Variable) or array.type != _ARRAY:
        raise TypeError(f"{layer}: array is a tensor array (layers.create_array makes one), not {array!r}")


def _eager_index(i: Any, layer: str) -> int:
    assert isinstance(i, Variable), f"{layer}: the index i is a Variable, not {i!r}"
    assert list(i.shape) == [1], f"{layer}: the index i has the shape [1], not {list(i.shape)}"
    return int(i.numpy().item())


def create_array(dtype: Any) -> Any:
    """Return an empty array of tensors; a list in dygraph mode."""
    if in_dygraph_mode():
        return []
    helper = LayerHelper("array")
    return helper.create_variable(name=f"{helper.name}.out", type=_ARRAY, dtype=dtype)


def array_write(x: Any, i: Any, array: Any = None) -> Any:
    """Put x at position `i`, an int64 Variable of shape (1,), of an array, a new one where None; return the array."""
    if in_dygraph_mode():
        assert isinstance(x, Variable), f"array_write: x is a Variable, not {x!r}"
        index = _eager_index(i, "array_write")
        array = [] if array is None else array
        assert isinstance(array, list), f"array_write: array is a list in dygraph mode, not {array!r}"
        assert index <= len(array), f"array_write: position {index} is beyond the end of an array of {len(array)}"
        array[index : index + 1] = [x]
        return array
    check_variable_and_dtype(i, "i", ["int64"], "array_write")
    check_type(x, "x", Variable, "array_write")
    helper = LayerHelper("array_write")
    if array is None:
        array = helper.create_variable(name=f"{helper.name}.out", type=_ARRAY, dtype=x.dtype)
    _check_array(array, "array_write")
    helper.append_op(type="write_to_array", inputs={"X": [x], "I": [i]}, outputs={"Out": [array]})
    return array


def array_read(array: Any, i: Any) -> Any:
    """Return what is at position `i`, an int64 Variable of shape (1,)."""
    if in_dygraph_mode():
        assert isinstance(array, list), f"array_read: array is a list in dygraph mode, not {array!r}"
        return array[_eager_index(i, "array_read")]
    check_variable_and_dtype(i, "i", ["int64"], "array_read")
    _check_array(array, "array_read")
    helper = LayerHelper("array_read")
    out = helper.create_variable_for_type_inference(dtype=array.dtype)
    helper.append_op(type="read_from_array", inputs={"X": [array], "I": [i]}, outputs={"Out": [out]})
    return out


def array_length(array: Any) -> Any:
    """Return the number of tensors in an array, int64, shape (1,)."""
    if in_dygraph_mode():
        assert isinstance(array, list), f"array_length: array is a list in dygraph mode, not {array!r}"
        return len(array)
    _check_array(array, "array_length")
    helper = LayerHelper("array_length")
    out = helper.create_variable_for_type_inference(dtype="int64")
    out.stop_gradient = True
    helper.append_op(type="lod_array_length", inputs={"X": [array]}, outputs={"Out": [out]})
    return out


# --- sequences by their steps: the longest first, so that the running ones are the first rows ---


def lod_rank_table(x: Any, level: int = 0) -> Any:
    """Return the sequences of x at a level of lengths, ordered from the longest to the shortest."""
    helper = LayerHelper("lod_rank_table")
    table = helper.create_variable(
        type=core.VarDesc.VarType.LOD_RANK_TABLE, name=unique_name.generate("lod_rank_table")
    )
    helper.append_op(type="lod_rank_table", inputs={"X": x}, outputs={"Out": table}, attrs={"level": level})
    return table


@operator("max_sequence_len", inputs={"RankTable": "rank_table"}, outputs={"Out": "int64"}, layer="max_seqence_len")
def max_sequence_len(rank_table):
    """Return the length of the longest sequence, int64, shape (1,)."""


def lod_tensor_to_array(x: Any, table: Any) -> Any:
    """Return an array of the steps of x: the first of every sequence, the second, and so on."""
    helper = LayerHelper("lod_tensor_to_array")
    array = helper.create_variable(name=unique_name.generate("lod_tensor_to_array"), type=_ARRAY, dtype=x.dtype)
    helper.append_op(type="lod_tensor_to_array", inputs={"X": x, "RankTable": table}, outputs={"Out": array})
    return array


@operator("array_to_lod_tensor", inputs={"X": "x", "RankTable": "table"})
def array_to_lod_tensor(x, table):
    """Return the sequences whose steps are in an array."""


@operator("shrink_rnn_memory", inputs={"X": "x", "I": "i", "RankTable": "table"}, layer="shrink_memory")
def shrink_memory(x, i, table):
    """Return the rows of x that belong to sequences longer than `i` steps."""


def reorder_lod_tensor_by_rank(x: Any, rank_table: Any) -> Any:
    """Return the sequences of x in the order of a rank table."""
    check_type(x, "x", Variable, "reorder_lod_tensor_by_rank")
    check_type(rank_table, "rank_table", Variable, "reorder_lod_tensor_by_rank")
    if rank_table.type != core.VarDesc.VarType.LOD_RANK_TABLE:
        raise TypeError("reorder_lod_tensor_by_rank: rank_table is what lod_rank_table returned")
    helper = LayerHelper("reorder_lod_tensor_by_rank")
    out = helper.create_variable_for_type_inference(dtype=x.dtype)
    helper.append_op(
        type="reorder_lod_tensor_by_rank", inputs={"X": [x], "RankTable": [rank_table]}, outputs={"Out": [out]}
    )
    return out


@operator(
    "split_lod_tensor",
    inputs={"X": "input", "Mask": "mask"},
    outputs={"OutTrue": None, "OutFalse": None},
)
def split_lod_tensor(input, mask, level=0):
    """Return the rows, or sequences, of input where the bool `mask` [N, 1] is true, and those where it is false."""


@operator("merge_lod_tensor", inputs={"InTrue": "in_true", "InFalse": "in_false", "X": "x", "Mask": "mask"})
def merge_lod_tensor(in_true, in_false, x, mask, level=0):
    """Return the rows that `split_lod_tensor` parted, in their order of before."""
