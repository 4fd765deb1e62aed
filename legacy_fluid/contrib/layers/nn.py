"""`fluid.contrib.layers.nn`: layers for text matching, advertising and trees of candidates."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np

from ... import layers, unique_name
from ...data_feeder import check_dtype, check_type, convert_dtype
from ...dygraph.nn import TreeConv
from ...framework import Variable, convert_np_dtype_to_dtype_
from ...initializer import Constant
from ...layer_helper import LayerHelper
from ...layers.layer_function_generator import operator
from ...layers.utils import convert_to_list
from .topk_pooling import sequence_topk_avg_pooling

__all__ = [
    "fused_elemwise_activation",
    "fused_embedding_seq_pool",
    "match_matrix_tensor",
    "multiclass_nms2",
    "partial_concat",
    "partial_sum",
    "rank_attention",
    "search_pyramid_hash",
    "sequence_topk_avg_pooling",
    "shuffle_batch",
    "tdm_child",
    "tdm_sampler",
    "tree_conv",
    "var_conv_2d",
]

_NUMBERS = ("float32", "float64", "int32", "int64")


def fused_elemwise_activation(
    x: Any, y: Any, functor_list: Any, axis: int = -1, scale: float = 0.0, save_intermediate_out: bool = True
) -> Any:
    """Return two functions of x and y in one operator.

    Args:
        functor_list: ["elementwise_add", "relu"] is x + relu(y), ["relu", "elementwise_add"] is relu(x + y); a list, or
            the two joined by a comma.
        scale: factor of the function "scale".

    Raises:
        ValueError: there are not two functions.
    """
    functors = functor_list.split(",") if isinstance(functor_list, str) else functor_list
    if not isinstance(functors, list) or len(functors) != 2:
        raise ValueError(f"functor_list names two functions, not {functor_list!r}")
    helper = LayerHelper("fused_elemwise_activation")
    out, between = (helper.create_variable_for_type_inference(dtype=x.dtype) for _ in range(2))
    helper.append_op(
        type="fused_elemwise_activation",
        inputs={"X": x, "Y": y},
        outputs={"Out": out, "IntermediateOut": between},
        attrs={
            "axis": axis,
            "scale": scale,
            "save_intermediate_out": save_intermediate_out,
            "functor_list": functors,
        },
    )
    return out


def var_conv_2d(
    input: Any,
    row: Any,
    col: Any,
    input_channel: int,
    output_channel: int,
    filter_size: Any,
    stride: Any = 1,
    param_attr: Any = None,
    act: str | None = None,
    dtype: Any = "float32",
    name: str | None = None,
) -> Any:
    """Return the convolution of images of different sizes, laid end to end in `input`, [N, 1] with lengths.

    Args:
        row, col: whose lengths are the images' heights and widths.
    """
    helper = LayerHelper("var_conv_2d", param_attr=param_attr, act=act, name=name)
    assert len(input.shape) == 2, f"var_conv_2d: input has 2 dimensions, not shape {input.shape}"
    height, width = convert_to_list(filter_size, 2, "filter_size")
    down, right = convert_to_list(stride, 2, "stride")
    weight = helper.create_parameter(
        attr=helper.param_attr, shape=[int(output_channel), int(input_channel) * height * width], dtype=dtype
    )
    out = helper.create_variable_for_type_inference(dtype)
    columns = helper.create_variable_for_type_inference(dtype, stop_gradient=True)
    helper.append_op(
        type="var_conv_2d",
        inputs={"X": input, "ROW": row, "COLUMN": col, "W": weight},
        outputs={"Out": out, "Col": columns},
        attrs={
            "InputChannel": input_channel,
            "OutputChannel": output_channel,
            "StrideH": down,
            "StrideW": right,
            "KernelH": height,
            "KernelW": width,
        },
    )
    return helper.append_activation(out)


def match_matrix_tensor(
    x: Any,
    y: Any,
    channel_num: int,
    act: str | None = None,
    param_attr: Any = None,
    dtype: Any = "float32",
    name: str | None = None,
) -> tuple[Any, Any]:
    """Return x W y^T for each pair of sequences and each of `channel_num` channels, and x W."""
    helper = LayerHelper("match_matrix_tensor", param_attr=param_attr, act=act, name=name)
    sizes = (x.shape, y.shape)
    assert all(len(size) == 2 for size in sizes), f"match_matrix_tensor: x and y have 2 dimensions, not {sizes}"
    assert x.shape[-1] == y.shape[-1], f"match_matrix_tensor: rows of x and y are of one size, not {sizes}"
    shape = [x.shape[-1], channel_num, y.shape[-1]]
    weight = helper.create_parameter(attr=helper.param_attr, shape=shape, dtype=dtype, is_bias=False)
    out = helper.create_variable_for_type_inference(dtype)
    between = helper.create_variable_for_type_inference(dtype, stop_gradient=True)
    helper.append_op(
        type="match_matrix_tensor",
        inputs={"X": x, "Y": y, "W": weight},
        outputs={"Out": out, "Tmp": between},
        attrs={"dim_t": channel_num},
    )
    return helper.append_activation(out), between


def tree_conv(
    nodes_vector: Any,
    edge_set: Any,
    output_size: int,
    num_filters: int = 1,
    max_depth: int = 2,
    act: str | None = "tanh",
    param_attr: Any = None,
    bias_attr: Any = None,
    name: str | None = None,
) -> Any:
    """Return the convolution of trees: see fluid.dygraph.TreeConv."""
    for argument, value in (("nodes_vector", nodes_vector), ("edge_set", edge_set)):
        check_type(value, argument, Variable, "tree_conv")
    features, dtype = nodes_vector.shape[2], convert_dtype(nodes_vector.dtype)
    convolve = TreeConv(features, output_size, num_filters, max_depth, act, param_attr, bias_attr, name, dtype)
    return convolve(nodes_vector, edge_set)


def fused_embedding_seq_pool(
    input: Any,
    size: Any,
    is_sparse: bool = False,
    padding_idx: int | None = None,
    combiner: str = "sum",
    param_attr: Any = None,
    dtype: Any = "float32",
) -> Any:
    """Return the sum of the embeddings of each sequence; ids that are `padding_idx` count as zeros."""
    helper = LayerHelper("fused_embedding_seq_pool", param_attr=param_attr)
    weight = helper.create_parameter(attr=helper.param_attr, shape=size, dtype=dtype, is_bias=False)
    out = helper.create_variable_for_type_inference(dtype)
    padding = -1 if padding_idx is None else padding_idx if padding_idx >= 0 else size[0] + padding_idx
    helper.append_op(
        type="fused_embedding_seq_pool",
        inputs={"Ids": input, "W": weight},
        outputs={"Out": out},
        attrs={"is_sparse": is_sparse, "combiner": combiner, "padding_idx": padding},
    )
    return out


def multiclass_nms2(
    bboxes: Any,
    scores: Any,
    score_threshold: float,
    nms_top_k: int,
    keep_top_k: int,
    nms_threshold: float = 0.3,
    normalized: bool = True,
    nms_eta: float = 1.0,
    background_label: int = 0,
    return_index: bool = False,
    name: str | None = None,
) -> Any:
    """Return what layers.multiclass_nms does, and on request the indices of the boxes that were chosen."""
    helper = LayerHelper("multiclass_nms2", name=name)
    out = helper.create_variable_for_type_inference(dtype=bboxes.dtype)
    index = helper.create_variable_for_type_inference(dtype="int32")
    helper.append_op(
        type="multiclass_nms2",
        inputs={"BBoxes": bboxes, "Scores": scores},
        outputs={"Out": out, "Index": index},
        attrs={
            "background_label": background_label,
            "score_threshold": score_threshold,
            "nms_top_k": nms_top_k,
            "nms_threshold": nms_threshold,
            "keep_top_k": keep_top_k,
            "nms_eta": nms_eta,
            "normalized": normalized,
        },
    )
    out.stop_gradient = index.stop_gradient = True
    return (out, index) if return_index else out


def search_pyramid_hash(
    input: Any,
    num_emb: int,
    space_len: int,
    pyramid_layer: int,
    rand_len: int,
    drop_out_percent: float,
    is_training: bool,
    use_filter: bool,
    white_list_len: int,
    black_list_len: int,
    seed: int,
    lr: float,
    param_attr: Any = None,
    param_attr_wl: Any = None,
    param_attr_bl: Any = None,
    name: str | None = None,
    distribute_update_vars: list[str] | None = None,
    dtype: Any = "float32",
) -> Any:
    """Return embeddings of all runs of 2 to `pyramid_layer` words, hashed into a space of `space_len` numbers.

    Raises:
        ValueError: a name in `distribute_update_vars` is none of the parameters'.
    """
    helper = LayerHelper("search_pyramid_hash", name=name)
    tables = {"W": (param_attr, space_len + rand_len)}
    if white_list_len > 0:
        tables["WhiteList"] = (param_attr_wl, white_list_len)
    if black_list_len >= 0:
        tables["BlackList"] = (param_attr_bl, black_list_len)
    inputs = {"X": input}
    for slot, (attr, length) in tables.items():
        inputs[slot] = helper.create_parameter(attr=attr, shape=[length, 1], dtype=dtype, is_bias=False)
        inputs[slot].stop_gradient = True
    known = [attr.name for attr in (param_attr, param_attr_wl, param_attr_bl) if attr]
    for parameter in distribute_update_vars or ():
        if parameter not in known:
            raise ValueError(f"search_pyramid_hash has no parameter {parameter!r}, only {', '.join(known)}")
    out, dropped, between = (helper.create_variable_for_type_inference(dtype) for _ in range(3))
    helper.append_op(
        type="pyramid_hash",
        inputs=inputs,
        outputs={"Out": out, "X_Temp_Out": between, "DropPos": dropped},
        attrs={
            "num_emb": num_emb,
            "space_len": space_len,
            "pyramid_layer": pyramid_layer,
            "rand_len": rand_len,
            "drop_out_percent": drop_out_percent,
            "is_training": is_training,
            "use_filter": use_filter,
            "white_list_len": white_list_len,
            "black_list_len": black_list_len,
            "seed": seed,
            "lr": lr,
            "distribute_update_vars": ",".join(distribute_update_vars or ()),
        },
    )
    return out


def shuffle_batch(x: Any, seed: Any = None) -> Any:
    """Return the rows of x in random order.

    Args:
        seed: int, or an int64 Variable, (1,), that is changed; the program's, or a random one, where None.
    """
    helper = LayerHelper("shuffle_batch")
    out = helper.create_variable_for_type_inference(dtype=x.dtype)
    order = helper.create_variable_for_type_inference(dtype=np.int64)
    if seed is None:
        seed = helper.main_program.random_seed or int(np.random.randint(-65536, 65535))
    attrs = {}
    if isinstance(seed, int):
        attrs["startup_seed"] = seed
        seed = helper.create_variable(name=unique_name.generate("shuffle_batch_seed"), dtype="int64", persistable=True)
    helper.append_op(
        type="shuffle_batch",
        inputs={"X": x, "Seed": seed},
        outputs={"Out": out, "ShuffleIdx": order, "SeedOut": seed},
        attrs=attrs,
    )
    return out


def partial_concat(input: Any, start_index: int = 0, length: int = -1) -> Any:
    """Return columns `start_index` and following of matrices side by side; `length` of them, all where -1."""
    if not isinstance(input, list):
        warnings.warn(f"partial_concat joins a list, and was given {type(input).__name__}", stacklevel=2)
        input = [input]
    return _partial_concat(input, start_index, length)


@operator(
    "partial_concat",
    dtypes={"input": ("float16", *_NUMBERS)},
    types={"start_index": int, "length": int},
)
def _partial_concat(input, start_index=0, length=-1):
    """The operator of partial_concat."""


@operator("partial_sum", dtypes={"input": _NUMBERS})
def partial_sum(input, start_index=0, length=-1):
    """Return the sum of columns `start_index` and following of matrices; of `length` of them, of all where -1."""


def tdm_child(x: Any, node_nums: int, child_nums: int, param_attr: Any = None, dtype: Any = "int32") -> tuple[Any, Any]:
    """Return the children of nodes of a tree, zeros where there are none, and which of them are leaves.

    Args:
        param_attr: of the tree, [node_nums, 3 + child_nums]: item, layer, parent and children of each node.
    """
    check_dtype(dtype, "dtype", ["int32", "int64"], "fluid.contrib.layers.tdm_child")
    helper = LayerHelper("tdm_child", param_attr=param_attr)
    tree = _integers(helper, helper.param_attr, [node_nums, 3 + child_nums], dtype)
    tree.stop_gradient = True
    child, is_leaf = (helper.create_variable_for_type_inference(dtype=dtype) for _ in range(2))
    helper.append_op(
        type="tdm_child",
        inputs={"X": x, "TreeInfo": tree},
        outputs={"Child": child, "LeafMask": is_leaf},
        attrs={"child_nums": child_nums, "dtype": convert_np_dtype_to_dtype_(dtype)},
        stop_gradient=True,
    )
    return child, is_leaf


def tdm_sampler(
    x: Any,
    neg_samples_num_list: list[int],
    layer_node_num_list: list[int],
    leaf_node_num: int,
    tree_travel_attr: Any = None,
    tree_layer_attr: Any = None,
    output_positive: bool = True,
    output_list: bool = True,
    seed: int = 0,
    tree_dtype: Any = "int32",
    dtype: Any = "int32",
) -> tuple[Any, Any, Any]:
    """Return the nodes on the way to leaves, others of the same layers, labels, and a mask; a list by layer or one each.

    Args:
        neg_samples_num_list, layer_node_num_list: for each layer, how many others, and how many nodes it has.
        tree_travel_attr, tree_layer_attr: of the ways, [leaf_node_num, layers], and of the nodes, [nodes, 1].

    Raises:
        ValueError: the lists differ in length, or a layer has too few nodes.
    """
    for name, value in (("tree_dtype", tree_dtype), ("dtype", dtype)):
        check_dtype(value, name, ["int32", "int64"], "fluid.contrib.layers.tdm_sampler")
    if len(neg_samples_num_list) != len(layer_node_num_list):
        raise ValueError(f"tdm_sampler: {neg_samples_num_list} and {layer_node_num_list} have an item for each layer")
    for layer, (negative, nodes) in enumerate(zip(neg_samples_num_list, layer_node_num_list, strict=True)):
        if negative >= nodes:
            raise ValueError(f"tdm_sampler: layer {layer} has {nodes} nodes, too few for {negative} negative samples")
    offsets = [0, *itertools.accumulate(layer_node_num_list)]
    assert leaf_node_num is not None and leaf_node_num < offsets[-1], "leaf_node_num is below the number of nodes"
    helper = LayerHelper("tdm_sampler")
    travel = _integers(helper, tree_travel_attr, [leaf_node_num, len(layer_node_num_list)], tree_dtype)
    nodes = _integers(helper, tree_layer_attr, [offsets[-1], 1], tree_dtype)
    results = {slot: helper.create_variable_for_type_inference(dtype=dtype) for slot in ("Out", "Labels", "Mask")}
    for result in results.values():
        result.stop_gradient = True
    helper.append_op(
        type="tdm_sampler",
        inputs={"X": x, "Travel": travel, "Layer": nodes},
        outputs=results,
        attrs={
            "neg_samples_num_list": neg_samples_num_list,
            "output_positive": output_positive,
            "layer_offset_lod": offsets,
            "seed": seed,
            "dtype": convert_np_dtype_to_dtype_(dtype),
        },
    )
    if not output_list:
        return tuple(results.values())
    by_layer: tuple[list[Any], ...] = ([], [], [])
    start = 0
    for number in neg_samples_num_list:
        end = start + number + int(output_positive)
        for listed, result in zip(by_layer, results.values(), strict=True):
            part = layers.reshape(layers.slice(result, axes=[1], starts=[start], ends=[end]), [-1, end - start, 1])
            part.stop_gradient = True
            listed.append(part)
        start = end
    return by_layer


def _integers(helper: LayerHelper, attr: Any, shape: list[int], dtype: Any) -> Any:
    return helper.create_parameter(attr=attr, shape=shape, dtype=dtype, default_initializer=Constant(0))


def rank_attention(
    input: Any, rank_offset: Any, rank_param_shape: list[int], rank_param_attr: Any, max_rank: int = 3
) -> Any:
    """Return rows of `input` times the parameters of their rank and of the ranks beside them (DCAF)."""
    helper = LayerHelper("rank_attention", input=input)
    dtype = helper.input_dtype(input_param_name="input")
    rows = input.shape[1] * max_rank * max_rank
    assert rows == rank_param_shape[0], f"rank_attention: the parameter has {rows} rows, not {rank_param_shape[0]}"
    weight = helper.create_parameter(attr=rank_param_attr, shape=rank_param_shape, dtype=dtype)
    weight.stop_gradient = False
    out = helper.create_variable_for_type_inference(dtype)
    # The operator of today shows what it gathers; it runs on GPUs only, as it did.
    gathered, ranks = (helper.create_variable_for_type_inference(dtype, stop_gradient=True) for _ in range(2))
    helper.append_op(
        type="rank_attention",
        inputs={"X": input, "RankOffset": rank_offset, "RankParam": weight},
        outputs={"Out": out, "InputHelp": gathered, "InsRank": ranks},
        attrs={"MaxRank": max_rank},
    )
    return out
