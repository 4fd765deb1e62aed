"""Operators whose results nobody sees are left out: an accuracy that is not fetched in this run, say."""

from __future__ import annotations

from paddle.base import core

from .block import Block

# fmt: off
PURE = frozenset({
    "abs", "accuracy", "arg_max", "arg_min", "argsort", "assign", "cast", "ceil", "clip", "concat", "cos",
    "cross_entropy", "cross_entropy2", "cumsum", "elementwise_add", "elementwise_div", "elementwise_floordiv",
    "elementwise_max", "elementwise_min", "elementwise_mod", "elementwise_mul", "elementwise_pow",
    "elementwise_sub", "equal", "exp", "expand", "fill_any_like", "fill_constant",
    "fill_constant_batch_size_like", "fill_zeros_like", "flatten2", "floor", "gather", "greater_equal",
    "greater_than", "less_equal", "less_than", "log", "log_softmax", "logical_and", "logical_not", "logical_or",
    "logical_xor", "matmul", "mean", "mul", "not_equal", "one_hot_v2", "pow", "reduce_all", "reduce_any",
    "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "relu", "reshape2", "round", "rsqrt",
    "scale", "shape", "sigmoid", "sigmoid_cross_entropy_with_logits", "sign", "sin", "slice", "softmax",
    "softmax_with_cross_entropy", "split", "sqrt", "square", "squeeze2", "stack", "sum", "tanh", "top_k",
    "top_k_v2", "transpose2", "unsqueeze2", "unstack", "where",
})
# fmt: on
"""Operators that do nothing but compute outputs from inputs: they draw no random numbers, keep and print nothing."""

_TENSOR = core.VarDesc.VarType.LOD_TENSOR


def apply(block: Block) -> bool:
    """Leave them out; return whether there were any."""
    read: set[str] = set()  # by the operators that follow and stay
    before = block.desc.op_size()
    for index in reversed(range(before)):
        op = block.desc.op(index)
        if op.type() in PURE and not any(_is_seen(block, name, read) for name in op.output_arg_names()):
            block.desc._remove_op(index, index + 1)
        else:
            read.update(op.input_arg_names())
    return block.desc.op_size() < before


def _is_seen(block: Block, name: str, read: set[str]) -> bool:
    return name in read or block.is_held(name) or block.find(name).type() != _TENSOR
