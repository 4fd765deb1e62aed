"""Regions that one network proposes to the next, and what the next is to learn of them (Ren, arXiv:1506.01497)."""

from __future__ import annotations

from typing import Any

from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..utils import FLOATS

__all__ = [
    "collect_fpn_proposals",
    "distribute_fpn_proposals",
    "generate_mask_labels",
    "generate_proposal_labels",
    "generate_proposals",
]


@operator(
    "generate_proposals",
    inputs={
        "Scores": "scores",
        "BboxDeltas": "bbox_deltas",
        "ImInfo": "im_info",
        "Anchors": "anchors",
        "Variances": "variances",
    },
    outputs={"RpnRois": None, "RpnRoiProbs": None, "RpnRoisNum": "int32"},
    stop_gradient=["RpnRois", "RpnRoiProbs", "RpnRoisNum"],
    dtypes={
        "scores": ("float32",),
        "bbox_deltas": ("float32",),
        "im_info": FLOATS,
        "anchors": ("float32",),
        "variances": ("float32",),
    },
    rename={"pre_nms_top_n": "pre_nms_topN", "post_nms_top_n": "post_nms_topN"},
    layer="generate_proposals",
)
def _generate_proposals(
    scores,
    bbox_deltas,
    im_info,
    anchors,
    variances,
    pre_nms_top_n,
    post_nms_top_n,
    nms_thresh,
    min_size,
    eta,
    name=None,
):
    """Return the regions, their scores and how many there are of each image."""


def generate_proposals(
    scores: Any,
    bbox_deltas: Any,
    im_info: Any,
    anchors: Any,
    variances: Any,
    pre_nms_top_n: int = 6000,
    post_nms_top_n: int = 1000,
    nms_thresh: float = 0.5,
    min_size: float = 0.1,
    eta: float = 1.0,
    name: str | None = None,
    return_rois_num: bool = False,
) -> Any:
    """Return the regions [K, 4] and scores [K, 1], with lengths, that a proposal network's outputs mean.

    Args:
        scores, bbox_deltas: [N, A, H, W] and [N, 4 A, H, W].
        im_info: height, width and scale of each image, [N, 3].
        anchors, variances: [H, W, A, 4].
        return_rois_num: return how many regions each image has, too.
    """
    rois, probabilities, counts = _generate_proposals(
        scores,
        bbox_deltas,
        im_info,
        anchors,
        variances,
        pre_nms_top_n,
        post_nms_top_n,
        nms_thresh,
        min_size,
        eta,
        name,
    )
    return (rois, probabilities, counts) if return_rois_num else (rois, probabilities)


_LABELS = ("Rois", "LabelsInt32", "BboxTargets", "BboxInsideWeights", "BboxOutsideWeights")


@operator(
    "generate_proposal_labels",
    inputs={
        "RpnRois": "rpn_rois",
        "GtClasses": "gt_classes",
        "IsCrowd": "is_crowd",
        "GtBoxes": "gt_boxes",
        "ImInfo": "im_info",
    },
    outputs={slot: "int32" if slot == "LabelsInt32" else None for slot in _LABELS},
    stop_gradient=_LABELS,
    dtypes={"rpn_rois": FLOATS, "gt_classes": ("int32",), "is_crowd": ("int32",)},
)
def generate_proposal_labels(
    rpn_rois,
    gt_classes,
    is_crowd,
    gt_boxes,
    im_info,
    batch_size_per_im=256,
    fg_fraction=0.25,
    fg_thresh=0.25,
    bg_thresh_hi=0.5,
    bg_thresh_lo=0.0,
    bbox_reg_weights=[0.1, 0.1, 0.2, 0.2],  # noqa: B006  the signature of fluid
    class_nums=None,
    use_random=True,
    is_cls_agnostic=False,
    is_cascade_rcnn=False,
):
    """Return regions to train on, their labels, their boxes' targets, and the weights of these inside and outside."""


_MASKS = ("MaskRois", "RoiHasMaskInt32", "MaskInt32")


@operator(
    "generate_mask_labels",
    inputs={
        "ImInfo": "im_info",
        "GtClasses": "gt_classes",
        "IsCrowd": "is_crowd",
        "GtSegms": "gt_segms",
        "Rois": "rois",
        "LabelsInt32": "labels_int32",
    },
    outputs={slot: None if slot == "MaskRois" else "int32" for slot in _MASKS},
    stop_gradient=_MASKS,
)
def generate_mask_labels(im_info, gt_classes, is_crowd, gt_segms, rois, labels_int32, num_classes, resolution):
    """Return the regions that hold an object, their numbers, and the object's mask in each (He, arXiv:1703.06870)."""


def distribute_fpn_proposals(
    fpn_rois: Any, min_level: int, max_level: int, refer_level: int, refer_scale: int, name: str | None = None
) -> tuple[list[Any], Any]:
    """Return regions by the level of a feature pyramid that fits their size, and how to restore their order.

    Args:
        fpn_rois: [K, 4] with lengths.
        refer_level, refer_scale: a region of that scale belongs to that level (Lin et al., arXiv:1612.03144).
    """
    helper = LayerHelper("distribute_fpn_proposals", name=name)
    levels = [helper.create_variable_for_type_inference(fpn_rois.dtype) for _ in range(min_level, max_level + 1)]
    restore = helper.create_variable_for_type_inference(dtype="int32")
    helper.append_op(
        type="distribute_fpn_proposals",
        inputs={"FpnRois": fpn_rois},
        outputs={"MultiFpnRois": levels, "RestoreIndex": restore},
        attrs={
            "min_level": min_level,
            "max_level": max_level,
            "refer_level": refer_level,
            "refer_scale": refer_scale,
        },
    )
    return levels, restore


def collect_fpn_proposals(
    multi_rois: Any, multi_scores: Any, min_level: int, max_level: int, post_nms_top_n: int, name: str | None = None
) -> Any:
    """Return the best `post_nms_top_n` regions of all levels of a feature pyramid, [K, 4] with lengths."""
    helper = LayerHelper("collect_fpn_proposals", name=name)
    count = max_level - min_level + 1
    out = helper.create_variable_for_type_inference(multi_rois[0].dtype, stop_gradient=True)
    helper.append_op(
        type="collect_fpn_proposals",
        inputs={"MultiLevelRois": multi_rois[:count], "MultiLevelScores": multi_scores[:count]},
        outputs={"FpnRois": out},
        attrs={"post_nms_topN": post_nms_top_n},
    )
    return out
