"""From ids to vectors, and what belongs to sparse features: their gradients, tags and click statistics."""

from __future__ import annotations

from typing import Any

from ... import core
from ...data_feeder import check_dtype, check_type, check_variable_and_dtype
from ...framework import Variable, in_dygraph_mode
from ...layer_helper import LayerHelper
from .. import tensor
from ..layer_function_generator import operator
from ..utils import FLOATS16, INTEGERS, Composer, declare

__all__ = [
    "continuous_value_model",
    "embedding",
    "get_tensor_from_selected_rows",
    "merge_selected_rows",
    "one_hot",
]


def embedding(
    input: Any,
    size: Any,
    is_sparse: bool = False,
    is_distributed: bool = False,
    padding_idx: int | None = None,
    param_attr: Any = None,
    dtype: Any = "float32",
) -> Any:
    """Return the row of a table for each id; the last dimension of input, which is 1, becomes that of the rows.

    Args:
        input: int64 ids [..., 1].
        size: of the table: [number of ids, width].
        is_sparse: keep the gradient as the rows that were used.
        padding_idx: an id whose row is zeros; from the end where negative.
        param_attr: of the table; Xavier by default.
    """
    flags = (is_sparse, is_distributed)
    return look_up("lookup_table", "fluid.layers.embedding", input, size, flags, padding_idx, param_attr, dtype)


def look_up(
    op_type: str,
    layer: str,
    input: Any,
    size: Any,
    flags: tuple[bool, bool],
    padding_idx: int | None,
    param_attr: Any,
    dtype: Any,
) -> Any:
    """Append the operator of an embedding; see `embedding`."""
    is_sparse, is_distributed = flags
    helper = LayerHelper("embedding", param_attr=param_attr)
    check_variable_and_dtype(input, "input", ["int64"], layer)
    check_dtype(dtype, "dtype", FLOATS16, layer)
    table = helper.create_parameter(attr=helper.param_attr, shape=size, dtype=dtype)
    out = helper.create_variable_for_type_inference(dtype)
    if padding_idx is None:
        padding_idx = -1
    elif padding_idx < 0:
        padding_idx += size[0]
    attrs = {
        "is_sparse": is_sparse,
        "is_distributed": is_distributed,
        "remote_prefetch": is_sparse and not is_distributed,
        "padding_idx": padding_idx,
    }
    helper.append_op(type=op_type, inputs={"Ids": input, "W": table}, outputs={"Out": out}, attrs=attrs)
    return out


def one_hot(input: Any, depth: Any, allow_out_of_range: bool = False) -> Any:
    """Return vectors of `depth` with a 1 where the id says; the last dimension of input, which is 1, becomes theirs.

    Args:
        input: int32 or int64 ids [..., 1].
        depth: int, or an int32 Variable of shape (1,).
        allow_out_of_range: return zeros for an id that does not fit, rather than raise when the program runs.
    """
    check_variable_and_dtype(input, "input", INTEGERS, "one_hot")
    check_type(depth, "depth", (int, Variable), "one_hot")
    helper = LayerHelper("one_hot")
    out = helper.create_variable_for_type_inference("float32")
    # The core has lost the operator; today's keeps the dimension of 1.
    vectors, x_shape = (helper.create_variable_for_type_inference("float32") for _ in range(2))
    one_hot_v2(helper, input, depth, allow_out_of_range, vectors)
    helper.append_op(
        type="squeeze2",
        inputs={"X": vectors},
        outputs={"Out": out, "XShape": x_shape},
        attrs={"axes": [len(input.shape) - 1]},
    )
    out.stop_gradient = True
    return out


def one_hot_v2(helper: Any, input: Any, depth: Any, allow_out_of_range: bool, out: Any) -> None:
    """Append the operator that adds a dimension of `depth` to input, and puts the result in `out`."""
    if isinstance(depth, Variable) and in_dygraph_mode():
        depth = int(depth.numpy().item(0))
    if allow_out_of_range:
        _compare_with_classes(helper, input, depth, out)
        return
    inputs, attrs = {"X": input}, {"allow_out_of_range": False}
    if isinstance(depth, Variable):
        depth.stop_gradient = True
        inputs["depth_tensor"] = depth
    else:
        attrs["depth"] = depth
    helper.append_op(type="one_hot_v2", inputs=inputs, outputs={"Out": out}, attrs=attrs, stop_gradient=True)


def _compare_with_classes(helper: Any, input: Any, depth: Any, out: Any) -> None:
    """Do the same for ids that need not fit: today's kernel refuses them whatever its attribute says."""
    append = Composer(helper)
    classes = tensor.range(0, depth, 1, input.dtype)
    ids = append("unsqueeze2", {"X": input}, hidden=("XShape",), axes=[len(input.shape)])
    equal = append("equal", {"X": ids, "Y": classes}, of="bool")
    append("cast", {"X": equal}, out=out, in_dtype=equal.dtype, out_dtype=out.dtype)
    if not isinstance(depth, Variable):
        declare(out, shape=[*input.shape, depth])
    out.stop_gradient = True


@operator("merge_selected_rows")
def merge_selected_rows(x, name=None):
    """Return a sparse gradient with the rows of one id summed."""


def _is_sparse(given: dict[str, Any]) -> None:
    check_type(given["x"], "x", Variable, "get_tensor_from_selected_rows")
    if given["x"].type != core.VarDesc.VarType.SELECTED_ROWS:
        raise TypeError(f"get_tensor_from_selected_rows: x is a sparse gradient, not of type {given['x'].type}")


@operator("get_tensor_from_selected_rows", prepare=_is_sparse)
def get_tensor_from_selected_rows(x, name=None):
    """Return the rows of a sparse gradient as a dense tensor, in the order that they are kept."""


def continuous_value_model(input: Any, cvm: Any, use_cvm: bool = True) -> Any:
    """Return embeddings of clicks, whose first two columns are show and click, with these as logarithms or without them.

    Args:
        input: [N, D], or sequences of it.
        cvm: show and click of each sample, [N, 2], which become the gradient of those columns.
        use_cvm: put the columns' logarithms there, or leave the columns out.
    """
    helper = LayerHelper("cvm")
    out = helper.create_variable(dtype=input.dtype)
    check_variable_and_dtype(input, "input", FLOATS16, "cvm")
    attrs = {"use_cvm": use_cvm}
    helper.append_op(type="cvm", inputs={"X": [input], "CVM": [cvm]}, outputs={"Y": [out]}, attrs=attrs)
    return out
