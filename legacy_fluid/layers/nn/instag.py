"""Samples chosen by their tags."""

from __future__ import annotations

from typing import Any

from ...layer_helper import LayerHelper
from ..utils import Composer, declare

__all__ = ["filter_by_instag"]


def filter_by_instag(ins: Any, ins_tag: Any, filter_tag: Any, is_lod: bool, out_val_if_empty: float = 0) -> list[Any]:
    """Return the samples that have one of the tags, and a loss weight of 1 for each; where none has, one row and weight 0.

    Args:
        ins: rows [T, D]: a sample is a sequence of them with `is_lod`, and a row otherwise.
        ins_tag: int64 tags, a sequence for each sample.
        filter_tag: int64, the tags that are wanted.
        out_val_if_empty: what fills the row that is there when no sample is.
    """
    append = Composer(LayerHelper("filter_by_instag"))
    out, weight = append.new(ins.dtype), append.new("float64")
    # The core has lost the operator. A row is put behind the others, and chosen where nothing else is.
    is_chosen = _has_tag(append, ins_tag, filter_tag)
    ones = append("fill_any_like", {"X": is_chosen}, value=1.0)
    last = append("scale", {"X": append("reduce_max", {"X": is_chosen}, reduce_all=True)}, scale=-1.0, bias=1.0)
    last = append.reshaped(last, [1, 1])
    row_is_chosen, lengths = is_chosen, ones
    if is_lod:
        row_is_chosen = append("sequence_expand", {"X": is_chosen, "Y": ins}, ref_level=0)
        lengths = append("lod_reset", {"X": append("fill_any_like", {"X": row_is_chosen}, value=1.0), "Y": ins})
        lengths = _pool(append, lengths, "SUM")
    samples, rows = _places(append, is_chosen, last), _places(append, row_is_chosen, last)
    one = append("fill_any_like", {"X": last}, value=1.0)
    zero = append("fill_any_like", {"X": last}, value=0.0)
    filler = {"shape": [1, *ins.shape[1:]], "value": float(out_val_if_empty), "dtype": ins.dtype}
    filler = append("fill_constant", {}, of=ins.dtype, **filler)
    filler.stop_gradient = True
    chosen = append("gather", {"X": append("concat", {"X": [ins, filler]}, axis=0), "Index": rows})
    lengths = append("gather", {"X": append("concat", {"X": [lengths, one]}, axis=0), "Index": samples})
    append("lod_reset", {"X": chosen, "Y": _offsets(append, lengths, zero)}, out=out)
    weights = append("gather", {"X": append("concat", {"X": [ones, zero]}, axis=0), "Index": samples})
    each = _offsets(append, append("fill_any_like", {"X": weights}, value=1.0), zero)
    append("lod_reset", {"X": weights, "Y": each}, out=weight)
    declare(weight, dtype="float64")  # which runs as float32
    return [out, weight]


def _has_tag(append: Composer, ins_tag: Any, filter_tag: Any) -> Any:
    """Return 1 for each sample that has one of the tags, and 0 for others, float32 [N, 1]."""
    equal = append("equal", {"X": ins_tag, "Y": append.reshaped(filter_tag, [1, -1])}, of="bool")
    wanted = append.cast(append("reduce_any", {"X": equal}, dim=[1], keep_dim=True, reduce_all=False), "float32")
    return _pool(append, append("lod_reset", {"X": wanted, "Y": ins_tag}), "MAX")


def _pool(append: Composer, sequences: Any, kind: str) -> Any:
    return append("sequence_pool", {"X": sequences}, hidden=("MaxIndex",), pooltype=kind)


def _places(append: Composer, is_chosen: Any, last: Any) -> Any:
    """Return the numbers of the rows that are chosen, the one behind them included, int64."""
    marks = append.cast(append.reshaped(append("concat", {"X": [is_chosen, last]}, axis=0), [-1]), "bool")
    return append.reshaped(append("where_index", {"Condition": marks}, of="int64"), [-1])


def _offsets(append: Composer, lengths: Any, zero: Any) -> Any:
    """Return where each sequence starts and the last one ends, int32."""
    ends = append("cumsum", {"X": lengths}, axis=0)
    return append.cast(append.reshaped(append("concat", {"X": [zero, ends]}, axis=0), [-1]), "int32")
