"""The operators on images that can be run with channels last: which slots hold images, and by what kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .block import Block, first


@dataclass(frozen=True)
class Kind:
    """How an operator deals with images.

    Attributes:
        inputs, outputs: slots that hold images.
        key: slots whose names an operator and its gradient share, by which the one is found for the other.
        layout: attribute that names the order of the dimensions.
        by_onednn: whether oneDNN's kernel is to be used, given the operator.
        allows: whether it can go at all, given block and operator.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    key: tuple[str, ...] = ()
    layout: str | None = None
    by_onednn: Callable[[Any], bool] = field(default=lambda op: False)
    allows: Callable[[Block, Any], bool] = field(default=lambda block, op: True)

    def fits(self, block: Block, op: Any) -> bool:
        """Whether this operator can go over to channels last."""
        if self.layout and op.has_attr(self.layout) and op.attr(self.layout) not in ("NCHW", "AnyLayout"):
            return False
        names = [name for slot in (*self.inputs, *self.outputs) for name in _names(op, slot)]
        return bool(names) and self.allows(block, op) and all(block.is_image(n) or _is_vector(block, n) for n in names)

    def images_in(self, block: Block, op: Any) -> list[str]:
        return [name for slot in self.inputs for name in _names(op, slot) if not _is_vector(block, name)]

    def images_out(self, block: Block, op: Any) -> list[str]:
        return [name for slot in self.outputs for name in _names(op, slot) if not _is_vector(block, name)]

    def key_of(self, op: Any) -> tuple[str, ...]:
        """Return what an operator and its gradient have in common."""
        return (op.type().removesuffix("_grad"), *(name for slot in self.key for name in _names(op, slot)))

    def set_last(self, op: Any) -> None:
        """Tell an operator that its images have channels last, and which kernel to use."""
        if self.layout:
            op._set_attr(self.layout, "NHWC")
        if op.type().startswith("elementwise_") and op.attr("axis") == 1:
            op._set_attr("axis", 3)
        if self.by_onednn(op):
            op._set_attr("use_mkldnn", True)
            if op.type() in CONVOLUTIONS:
                op._set_attr("is_test", False)  # or it would keep the filters of its first run for all that follow


def _always(op: Any) -> bool:
    return True


def _is_plain_pool(op: Any) -> bool:
    return not op.attr("adaptive")


def _is_test(block: Block, op: Any) -> bool:
    """Whether a batch_norm knows mean and variance: kernels for channels last add up a batch's too coarsely."""
    return op.attr("is_test") and not op.attr("trainable_statistics")


def _adds(block: Block, op: Any) -> bool:
    """Whether a sum is of two images of one shape, or of an image and a number for each channel."""
    shape, other = block.shape(first(op, "X")), block.shape(first(op, "Y"))
    return (len(other) == 1 and op.attr("axis") == 1) or (shape == other and op.attr("axis") in (-1, 0))


def _is_vector(block: Block, name: str) -> bool:
    return len(block.shape(name)) == 1


def _names(op: Any, slot: str) -> list[str]:
    if slot in op.input_names():
        return op.input(slot)
    return op.output(slot) if slot in op.output_names() else []


_CONV = Kind(("Input",), ("Output",), ("Input", "Filter"), "data_format", by_onednn=_always)
_CONV_GRAD = replace(_CONV, inputs=("Input", "Output@GRAD"), outputs=("Input@GRAD",))
_POOL = Kind(("X",), ("Out",), ("X", "Out"), "data_format", by_onednn=_is_plain_pool)
_NORM = Kind(("X",), ("Y",), (), "data_layout", by_onednn=_always, allows=_is_test)
_RELU = Kind(("X",), ("Out",), ("Out",), by_onednn=_always)
_ADD = Kind(("X", "Y"), ("Out",), ("X", "Y"), allows=_adds)

KINDS: dict[str, Kind] = {
    "conv2d": _CONV,
    "conv2d_grad": _CONV_GRAD,
    "depthwise_conv2d": _CONV,
    "depthwise_conv2d_grad": _CONV_GRAD,
    "pool2d": _POOL,
    "pool2d_grad": replace(_POOL, inputs=("X", "Out", "Out@GRAD"), outputs=("X@GRAD",)),
    "batch_norm": _NORM,
    "relu": _RELU,
    "relu_grad": replace(_RELU, inputs=("Out", "Out@GRAD"), outputs=("X@GRAD",)),
    "elementwise_add": _ADD,
    "elementwise_add_grad": replace(_ADD, inputs=("X", "Y", "Out@GRAD"), outputs=("X@GRAD", "Y@GRAD")),
    "sum": Kind(("X",), ("Out",)),
}

CONVOLUTIONS = ("conv2d", "conv2d_grad", "depthwise_conv2d", "depthwise_conv2d_grad")
