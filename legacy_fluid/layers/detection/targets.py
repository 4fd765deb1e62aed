"""Which anchors are to learn which boxes."""

from __future__ import annotations

from typing import Any

from ...layer_helper import LayerHelper
from .. import nn
from ..layer_function_generator import operator
from ..utils import FLOATS

__all__ = ["bipartite_match", "retinanet_target_assign", "rpn_target_assign"]


def bipartite_match(
    dist_matrix: Any, match_type: str | None = None, dist_threshold: float | None = None, name: str | None = None
) -> tuple[Any, Any]:
    """Return for each column the row it is matched with, or -1, and their distance, [N, M] each.

    Args:
        dist_matrix: [K, M] with lengths: how well each row fits each column, the larger the better.
        match_type: "bipartite", a column for each row; or "per_prediction", which then matches every other column
            that fits a row better than `dist_threshold`.
    """
    helper = LayerHelper("bipartite_match", name=name)
    indices = helper.create_variable_for_type_inference(dtype="int32")
    distance = helper.create_variable_for_type_inference(dtype=dist_matrix.dtype)
    helper.append_op(
        type="bipartite_match",
        inputs={"DistMat": dist_matrix},
        attrs={"match_type": match_type, "dist_threshold": dist_threshold},
        outputs={"ColToRowMatchIndices": indices, "ColToRowMatchDist": distance},
    )
    return indices, distance


_ASSIGNED = {
    "LocationIndex": "int32",
    "ScoreIndex": "int32",
    "TargetLabel": "int32",
    "TargetBBox": None,
    "BBoxInsideWeight": None,
}


@operator(
    "rpn_target_assign",
    inputs={"Anchor": "anchor_box", "GtBoxes": "gt_boxes", "IsCrowd": "is_crowd", "ImInfo": "im_info"},
    outputs=_ASSIGNED,
    stop_gradient=_ASSIGNED,
    dtypes={"anchor_box": FLOATS, "gt_boxes": FLOATS, "is_crowd": ("int32",), "im_info": FLOATS},
)
def _rpn_targets(
    anchor_box,
    gt_boxes,
    is_crowd,
    im_info,
    rpn_batch_size_per_im,
    rpn_straddle_thresh,
    rpn_fg_fraction,
    rpn_positive_overlap,
    rpn_negative_overlap,
    use_random,
):
    """Return which anchors' places and scores are learnt, and what they are to be."""


def rpn_target_assign(
    bbox_pred: Any,
    cls_logits: Any,
    anchor_box: Any,
    anchor_var: Any,
    gt_boxes: Any,
    is_crowd: Any,
    im_info: Any,
    rpn_batch_size_per_im: int = 256,
    rpn_straddle_thresh: float = 0.0,
    rpn_fg_fraction: float = 0.5,
    rpn_positive_overlap: float = 0.7,
    rpn_negative_overlap: float = 0.3,
    use_random: bool = True,
) -> tuple[Any, ...]:
    """Return scores and offsets that a proposal network predicts for the anchors it learns on, and what they are to be.

    Args:
        bbox_pred, cls_logits: [N, M, 4] and [N, M, 1].
        anchor_box, anchor_var: [M, 4].
        gt_boxes, is_crowd: true boxes [K, 4] and whether each is of a crowd [K, 1], with lengths.
        rpn_batch_size_per_im: so many anchors of an image; `rpn_fg_fraction` of them on objects.
        rpn_straddle_thresh: how many pixels an anchor may stand out of the image.
        use_random: choose them at random.

    Returns:
        predicted scores, predicted offsets, labels, targets of the offsets, weights of the offsets.
    """
    places, chosen, labels, boxes, weights = _rpn_targets(
        anchor_box,
        gt_boxes,
        is_crowd,
        im_info,
        rpn_batch_size_per_im,
        rpn_straddle_thresh,
        rpn_fg_fraction,
        rpn_positive_overlap,
        rpn_negative_overlap,
        use_random,
    )
    scores = nn.gather(nn.reshape(x=cls_logits, shape=(-1, 1)), chosen)
    offsets = nn.gather(nn.reshape(x=bbox_pred, shape=(-1, 4)), places)
    return scores, offsets, labels, boxes, weights


@operator(
    "retinanet_target_assign",
    inputs={
        "Anchor": "anchor_box",
        "GtBoxes": "gt_boxes",
        "GtLabels": "gt_labels",
        "IsCrowd": "is_crowd",
        "ImInfo": "im_info",
    },
    outputs={**_ASSIGNED, "ForegroundNumber": "int32"},
    stop_gradient=[*_ASSIGNED, "ForegroundNumber"],
    dtypes={
        "anchor_box": FLOATS,
        "gt_boxes": FLOATS,
        "gt_labels": ("int32",),
        "is_crowd": ("int32",),
        "im_info": FLOATS,
    },
)
def _retinanet_targets(anchor_box, gt_boxes, gt_labels, is_crowd, im_info, positive_overlap, negative_overlap):
    """Return which anchors' places and scores are learnt, what they are to be, and how many are on objects."""


def retinanet_target_assign(
    bbox_pred: Any,
    cls_logits: Any,
    anchor_box: Any,
    anchor_var: Any,
    gt_boxes: Any,
    gt_labels: Any,
    is_crowd: Any,
    im_info: Any,
    num_classes: int = 1,
    positive_overlap: float = 0.5,
    negative_overlap: float = 0.4,
) -> tuple[Any, ...]:
    """Return what is predicted for the anchors to learn on, what it is to be, and how many of them are on objects.

    Args:
        bbox_pred, cls_logits: [N, M, 4] and [N, M, num_classes].
        positive_overlap, negative_overlap: an anchor that overlaps a true box so much is on it; so little, on nothing.
    """
    places, chosen, labels, boxes, weights, count = _retinanet_targets(
        anchor_box, gt_boxes, gt_labels, is_crowd, im_info, positive_overlap, negative_overlap
    )
    scores = nn.gather(nn.reshape(x=cls_logits, shape=(-1, num_classes)), chosen)
    offsets = nn.gather(nn.reshape(x=bbox_pred, shape=(-1, 4)), places)
    return scores, offsets, labels, boxes, weights, count
