"""The gradient of a bias that was added to images is a matrix product: Paddle's kernel adds one number after another.

What comes in and what the images get is the same, and is not copied.
"""

from __future__ import annotations

from typing import Any

from .block import Block, Uses, first


def apply(block: Block) -> bool:
    """Rewrite the gradients of biases of images with channels last; return whether there were any."""
    uses = Uses(block)
    places = [index for index, op in enumerate(block.ops()) if _is_of_bias(block, uses, op)]
    for index in reversed(places):
        _rewrite(block, uses, index)
    return bool(places)


def _is_of_bias(block: Block, uses: Uses, op: Any) -> bool:
    if op.type() != "elementwise_add_grad" or op.attr("axis") not in (3, -1):
        return False
    bias, incoming, outgoing = first(op, "Y@GRAD"), first(op, "Out@GRAD"), first(op, "X@GRAD")
    if not bias or not outgoing or block.is_held(outgoing) or not block.is_image(incoming):
        return False
    images = block.shape(incoming)
    return (
        block.shape(bias) == images[3:] == block.shape(outgoing)[3:]
        and min(images[1:]) > 0
        and uses.is_written_once(incoming)
        and uses.is_written_once(outgoing)
    )


def _rewrite(block: Block, uses: Uses, index: int) -> None:
    op = block.desc.op(index)
    bias, incoming, outgoing = first(op, "Y@GRAD"), first(op, "Out@GRAD"), first(op, "X@GRAD")
    for reader in block.ops()[index + 1 :]:
        reader._rename_input(outgoing, incoming)
    block.desc._remove_op(index, index + 1)
    ones, image = (block.declare(f"{bias}@{part}", like=incoming) for part in ("ONES", "IMAGE"))
    block.find(ones).set_shape([1, block.shape(incoming)[0]])
    block.find(image).set_shape([1, *block.shape(incoming)[1:]])
    steps = (
        ("fill_constant_batch_size_like", {"Input": [incoming]}, ones,
         {"shape": [1, 1], "input_dim_idx": 0, "output_dim_idx": 1, "value": 1.0, "dtype": 5}),
        ("mul", {"X": [ones], "Y": [incoming]}, image, {"x_num_col_dims": 1, "y_num_col_dims": 1}),
        ("reduce_sum", {"X": [image]}, bias, {"dim": [0, 1, 2], "keep_dim": False}),
    )  # fmt: skip
    for place, (op_type, inputs, output, attrs) in enumerate(steps, start=index):
        block.insert(place, op_type, inputs, {"Out": [output]}, attrs)
