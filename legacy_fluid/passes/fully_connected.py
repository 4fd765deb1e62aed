"""A product with a matrix, the bias that is added to it, and relu are one operator: fc.

mul -> elementwise_add (-> relu)     becomes     fc

The kernels multiply, add and compare as before, so results are the same to the last bit. Gradients stay as they are:
none of them needs the product, but for its shape, which is the result's, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .block import FLOAT, Block, Uses, first


def apply(block: Block) -> bool:
    """Join what can be joined; return whether anything was."""
    before = block.desc.op_size()
    index = 0
    while index < block.desc.op_size():
        if block.desc.op(index).type() == "mul" and (chain := _find_chain(block, index)):
            _join(block, chain)
        index += 1
    return block.desc.op_size() < before


@dataclass
class _Chain:
    """Indices of the operators: product, sum, perhaps relu; and of those that ask for the product's shape."""

    forward: list[int]
    asking: list[int]


def _find_chain(block: Block, mul: int) -> _Chain | None:
    ops, uses = block.ops(), Uses(block)
    product = first(ops[mul], "Out")
    if not _is_plain(block, ops[mul], ("X", "Y", "Out")) or ops[mul].attr("y_num_col_dims") != 1:
        return None
    adds = [index for index in uses.readers[product] if _adds_bias(block, ops[index], product)]
    asking = [index for index in uses.readers[product] if _asks_for_shape(ops[index], product)]
    if len(adds) != 1 or len(asking) + 1 != len(uses.readers[product]) or not _is_between(block, uses, product):
        return None
    chain = _Chain([mul, *adds], asking)
    total = first(ops[adds[0]], "Out")
    readers = uses.readers[total]
    if len(readers) == 1 and ops[readers[0]].type() == "relu" and _is_between(block, uses, total):
        chain.forward += [index for index in readers if _is_plain(block, ops[index], ("X", "Out"))]
    return chain if _stays_the_same(ops, uses, chain) else None


def _is_plain(block: Block, op: Any, slots: tuple[str, ...]) -> bool:
    """Whether Paddle's own kernel runs it, in float32."""
    of_onednn = op.has_attr("use_mkldnn") and op.attr("use_mkldnn")
    variables = [block.find(first(op, slot)) for slot in slots]
    return not of_onednn and all(block.shape(var.name()) and var.dtype() == FLOAT for var in variables)


def _adds_bias(block: Block, op: Any, product: str) -> bool:
    if op.type() != "elementwise_add" or first(op, "X") != product or not _is_plain(block, op, ("X", "Y", "Out")):
        return False
    bias, shape = block.shape(first(op, "Y")), block.shape(product)
    return bias == shape[-1:] and op.attr("axis") in (-1, len(shape) - 1)


def _asks_for_shape(op: Any, product: str) -> bool:
    return op.type() == "elementwise_add_grad" and first(op, "X") == product and first(op, "Y") != product


def _is_between(block: Block, uses: Uses, name: str) -> bool:
    """Whether a variable can go: it is one result, which nobody outside sees."""
    return not block.is_held(name) and uses.is_written_once(name)


def _stays_the_same(ops: list[Any], uses: Uses, chain: _Chain) -> bool:
    """Whether what the chain reads is, at its beginning, what it is at its end, and its result is not written before."""
    begin, end = chain.forward[0], chain.forward[-1]
    names = {first(ops[begin], "X"), first(ops[begin], "Y"), first(ops[chain.forward[1]], "Y"), first(ops[end], "Out")}
    touching = {index for name in names for index in (*uses.writers[name], *uses.readers[name])}
    return not any(begin < index < end for index in touching.difference(chain.forward))


def _join(block: Block, chain: _Chain) -> None:
    mul, add, *relu = (block.desc.op(index) for index in chain.forward)
    inputs = {"Input": [first(mul, "X")], "W": [first(mul, "Y")], "Bias": [first(add, "Y")]}
    out = first(relu[0] if relu else add, "Out")
    attrs = {"in_num_col_dims": mul.attr("x_num_col_dims"), "activation_type": "relu" if relu else ""}
    for index in chain.asking:
        block.desc.op(index).set_input("X", [out])
    for index in reversed(chain.forward):
        block.desc._remove_op(index, index + 1)
    block.insert(chain.forward[0], "fc", inputs, {"Out": [out]}, attrs)
