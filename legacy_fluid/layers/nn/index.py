"""Elements chosen by their indices, and what indices say of a tensor."""

from __future__ import annotations

from typing import Any

from ...data_feeder import check_dtype, check_type, check_variable_and_dtype
from ...framework import Variable, convert_np_dtype_to_dtype_, in_dygraph_mode
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..tensor import assign, zeros
from ..utils import FLOATS, INTEGERS, NUMBERS, NUMBERS16, declare, keep_attribute
from .slicing import slice

__all__ = [
    "diag_embed",
    "gather",
    "gather_nd",
    "gather_tree",
    "hash",
    "index_sample",
    "index_select",
    "nonzero",
    "scatter",
    "scatter_nd",
    "scatter_nd_add",
    "shard_index",
    "similarity_focus",
    "topk",
    "unique",
    "unique_with_counts",
    "where",
]


def gather(input: Any, index: Any, overwrite: bool = True) -> Any:
    """Return the rows of input that `index`, int32 or int64 [N] or [N, 1], names.

    Args:
        overwrite: whether the gradient of a row chosen twice is that of the last choice, or the sum.
    """
    helper = LayerHelper("gather")
    out = helper.create_variable_for_type_inference(input.dtype)
    attrs = {"overwrite": overwrite} if in_dygraph_mode() else {}
    op = helper.append_op(type="gather", inputs={"X": input, "Index": index}, outputs={"Out": out}, attrs=attrs)
    keep_attribute(op, "overwrite", overwrite)
    declare(out, lod_level=0)
    return out


@operator("gather_nd", inputs={"X": "input", "Index": "index"})
def gather_nd(input, index, name=None):
    """Return the parts of input at the leading coordinates that the last dimension of `index` holds."""


@operator("scatter", inputs={"X": "input", "Ids": "index", "Updates": "updates"}, lod_level=lambda given: 0)
def scatter(input, index, updates, name=None, overwrite=True):
    """Return input with the rows that `index` [N] names replaced by those of `updates`, or by their sums.

    Args:
        overwrite: False to sum the updates of each row.
    """


def _of_one_dtype(given: dict[str, Any]) -> None:
    ref, updates = given["ref"], given["updates"]
    if ref.dtype != updates.dtype:
        raise ValueError(f"scatter_nd_add: ref and updates have one dtype, not {ref.dtype} and {updates.dtype}")


@operator("scatter_nd_add", inputs={"X": "ref", "Index": "index", "Updates": "updates"}, prepare=_of_one_dtype)
def scatter_nd_add(ref, index, updates, name=None):
    """Return ref with `updates` added at the leading coordinates that the last dimension of `index` holds."""


def scatter_nd(index: Any, updates: Any, shape: Any, name: str | None = None) -> Any:
    """Return zeros of `shape` with `updates` added at the coordinates that the last dimension of `index` holds."""
    return scatter_nd_add(zeros(shape, updates.dtype), index, updates, name)


@operator(
    "index_select",
    inputs={"X": "input", "Index": "index"},
    dtypes={"input": NUMBERS, "index": INTEGERS},
)
def index_select(input, index, dim=0):
    """Return the parts of input along `dim` that `index`, a vector, names."""


@operator("index_sample", inputs={"X": "x", "Index": "index"}, dtypes={"x": NUMBERS, "index": INTEGERS})
def index_sample(x, index):
    """Return, for each row of x [N, M], the elements that the same row of `index` [N, K] names."""


@operator("gather_tree", inputs={"Ids": "ids", "Parents": "parents"}, dtypes=INTEGERS)
def gather_tree(ids, parents):
    """Return the sequences of a beam search, [time, batch, beam], from its tokens and the beams they came from."""


@operator("where_index", inputs={"Condition": "condition"}, outputs={"Out": "int64"})
def where(condition):
    """Return the coordinates of the true elements, int64 [number of them, dimensions]."""


def nonzero(input: Any, as_tuple: bool = False) -> Any:
    """Return the coordinates of the elements that are not zero, int64 [number of them, dimensions].

    Args:
        as_tuple: return one [number, 1] for each dimension instead.
    """
    rank = len(input.shape)
    found = where(input)
    if not as_tuple:
        return found
    if rank == 1:
        return (found,)
    # As in 1.8, the columns are cut along the last dimension of input, which is right for a matrix.
    return tuple(slice(found, axes=[rank - 1], starts=[dim], ends=[dim + 1]) for dim in range(rank))


def topk(input: Any, k: Any, name: str | None = None) -> tuple[Any, Any]:
    """Return the `k` largest entries of the last dimension, and their int64 indices.

    Args:
        k: int, or an int32 Variable of shape (1,).
    """
    helper = LayerHelper("top_k", name=name)
    values = helper.create_variable_for_type_inference(dtype=input.dtype)
    indices = helper.create_variable_for_type_inference(dtype="int64")
    inputs, attrs = {"X": [input]}, {}
    if not isinstance(k, Variable):
        attrs["k"] = k
    elif in_dygraph_mode():
        attrs["k"] = int(k.numpy().item(0))
    else:
        inputs["K"] = [k]
    helper.append_op(type="top_k", inputs=inputs, outputs={"Out": [values], "Indices": [indices]}, attrs=attrs)
    declare(indices, dtype="int64")
    values.stop_gradient = True
    indices.stop_gradient = True
    return values, indices


def unique(x: Any, dtype: Any = "int32") -> tuple[Any, Any]:
    """Return the different elements of a vector, in the order of their first appearance, and where each element is.

    Args:
        dtype: of the indices, int32 or int64.
    """
    check_variable_and_dtype(x, "x", NUMBERS, "unique")
    return _distinct("unique", x, dtype, {"Index": dtype})


def unique_with_counts(x: Any, dtype: Any = "int32") -> tuple[Any, Any, Any]:
    """Return the different elements of a vector as `unique` does, and how often each appears.

    Args:
        dtype: of the indices and counts, int32 or int64.
    """
    check_variable_and_dtype(x, "x", NUMBERS, "unique_with_counts")
    if dtype not in INTEGERS:
        raise TypeError(f"unique_with_counts: dtype is 'int32' or 'int64', not {dtype!r}")
    if len(x.shape) != 1:
        raise ValueError(f"unique_with_counts: x is a vector, not of shape {x.shape}")
    return _distinct("unique_with_counts", x, dtype, {"Index": dtype, "Count": dtype})


def _distinct(op_type: str, x: Any, dtype: Any, more: dict[str, Any]) -> tuple[Any, ...]:
    helper = LayerHelper(op_type)
    outputs = {slot: [helper.create_variable_for_type_inference(of)] for slot, of in {"Out": x.dtype, **more}.items()}
    attrs = {"dtype": convert_np_dtype_to_dtype_(dtype)}
    helper.append_op(type=op_type, inputs={"X": x}, outputs=outputs, attrs=attrs)
    return tuple(variable for (variable,) in outputs.values())


def _within_shards(given: dict[str, Any]) -> None:
    if not 0 <= given["shard_id"] < given["nshards"]:
        raise ValueError(f"shard_index: shard_id is from 0 to {given['nshards'] - 1}, not {given['shard_id']}")


@operator("shard_index", dtypes=("int64",), prepare=_within_shards)
def shard_index(input, index_num, nshards, shard_id, ignore_value=-1):
    """Return input's indices as they count within shard `shard_id` of `nshards`, and `ignore_value` for others'."""


@operator("hash", dtypes=INTEGERS, stop_gradient=("Out",), rename={"hash_size": "mod_by"})
def hash(input, hash_size, num_hash=1, name=None):
    """Return `num_hash` hashes below `hash_size` of each row of input [N, M], [N, num_hash, 1]."""


def _within_images(given: dict[str, Any]) -> None:
    check_variable_and_dtype(given["input"], "input", FLOATS, "similarity_focus")
    check_type(given["axis"], "axis", int, "similarity_focus")
    check_type(given["indexes"], "indexes", list, "similarity_focus")
    if given["axis"] not in (1, 2, 3):
        raise ValueError(f"similarity_focus: axis is 1, 2 or 3, not {given['axis']}")
    if not given["indexes"]:
        raise ValueError("similarity_focus: indexes is empty; give at least one index along axis")


@operator("similarity_focus", prepare=_within_images)
def similarity_focus(input, axis, indexes, name=None):
    """Return a mask of input [N, A, B, C]: 1 where a slice along `axis` that `indexes` names has its largest elements.

    The largest element of a slice is taken, its row and column struck out, and so on until none is left
    (arXiv:1704.08504).
    """


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Return tensors whose matrices in dimensions `dim1` and `dim2` have input's last dimension on diagonal `offset`.

    Args:
        input: a Variable or an array.
    """
    if not isinstance(input, Variable):
        input = assign(input)
    if not in_dygraph_mode():
        check_dtype(input.dtype, "Input", NUMBERS16, "diag_embed")
        rank = len(input.shape)
        assert rank >= 1, "diag_embed: input has at least 1 dimension"
        for argument, dim in (("dim1", dim1), ("dim2", dim2)):
            assert abs(dim) <= rank, f"diag_embed: {argument} is from {-rank - 1} to {rank}, not {dim}"
        assert dim1 % (rank + 1) != dim2 % (rank + 1), f"diag_embed: dim1 and dim2 differ, not both {dim1}"
    out = _diag_embed(input, offset, dim1, dim2)
    out.stop_gradient = True
    return out


@operator("diag_embed", inputs={"Input": "input"})
def _diag_embed(input, offset, dim1, dim2):
    """The operator of diag_embed."""
