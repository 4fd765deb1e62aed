"""Boxes (xmin, ymin, xmax, ymax): how much they overlap, and the offsets by which one is told from another."""

from __future__ import annotations

from typing import Any

from ...framework import Variable
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..utils import FLOATS

__all__ = ["box_clip", "box_coder", "box_decoder_and_assign", "iou_similarity", "polygon_box_transform"]


@operator("iou_similarity", inputs={"X": "x", "Y": "y"})
def iou_similarity(x, y, box_normalized=True, name=None):
    """Return the intersection over union of boxes x [N, 4] and y [M, 4], [N, M].

    `box_normalized` says that coordinates are fractions; in pixels a box from 3 to 3 is one wide.
    """


def box_coder(
    prior_box: Any,
    prior_box_var: Any,
    target_box: Any,
    code_type: str = "encode_center_size",
    box_normalized: bool = True,
    name: str | None = None,
    axis: int = 0,
) -> Any:
    """Return the offsets of target boxes from prior boxes, or the boxes that offsets mean.

    Args:
        prior_box: [M, 4].
        prior_box_var: variances, [M, 4] or four numbers.
        target_box: boxes [N, 4] to encode, or offsets [N, M, 4] to decode.
        code_type: "encode_center_size" or "decode_center_size".
        axis: in decoding, the dimension of the offsets that is not the priors'.

    Raises:
        TypeError: `prior_box_var` is neither a Variable nor a list.
    """
    helper = LayerHelper("box_coder", name=name)
    out = helper.create_variable_for_type_inference(dtype=prior_box.dtype)
    inputs = {"PriorBox": prior_box, "TargetBox": target_box}
    attrs = {"code_type": code_type, "box_normalized": box_normalized, "axis": axis}
    if isinstance(prior_box_var, Variable):
        inputs["PriorBoxVar"] = prior_box_var
    elif isinstance(prior_box_var, list):
        attrs["variance"] = prior_box_var
    else:
        raise TypeError(f"box_coder: prior_box_var is a Variable or a list, not {prior_box_var!r}")
    helper.append_op(type="box_coder", inputs=inputs, attrs=attrs, outputs={"OutputBox": out})
    return out


@operator("polygon_box_transform", inputs={"Input": "input"}, outputs={"Output": None}, dtypes=FLOATS)
def polygon_box_transform(input, name=None):
    """Return the corners [N, 2 n, H, W] that offsets from each pixel, four to the grid's step, mean."""


@operator("box_clip", inputs={"Input": "input", "ImInfo": "im_info"}, outputs={"Output": None}, dtypes=FLOATS)
def box_clip(input, im_info, name=None):
    """Return boxes cut to their images, whose height, width and scale are in `im_info` [N, 3]."""


@operator(
    "box_decoder_and_assign",
    inputs={
        "PriorBox": "prior_box",
        "PriorBoxVar": "prior_box_var",
        "TargetBox": "target_box",
        "BoxScore": "box_score",
    },
    outputs={"DecodeBox": None, "OutputAssignBox": None},
)
def box_decoder_and_assign(prior_box, prior_box_var, target_box, box_score, box_clip, name=None):
    """Return the boxes of every class [N, 4 C] that offsets mean, and of each the one of its best class [N, 4]."""
