"""YOLOv3 (Redmon and Farhadi, arXiv:1804.02767)."""

from __future__ import annotations

from ...framework import Variable
from ..layer_function_generator import operator

__all__ = ["yolo_box", "yolov3_loss"]

_LISTS = {"anchors": (list, tuple), "class_num": int}


@operator(
    "yolov3_loss",
    inputs={"X": "x", "GTBox": "gt_box", "GTLabel": "gt_label", "GTScore": "gt_score"},
    outputs={"Loss": None, "ObjectnessMask": "int32", "GTMatchMask": "int32"},
    intermediate=["ObjectnessMask", "GTMatchMask"],
    types={
        **_LISTS,
        "x": Variable,
        "gt_box": Variable,
        "gt_label": Variable,
        "gt_score": (Variable, type(None)),
        "anchor_mask": (list, tuple),
        "ignore_thresh": float,
        "use_label_smooth": bool,
    },
)
def yolov3_loss(
    x,
    gt_box,
    gt_label,
    anchors,
    anchor_mask,
    class_num,
    ignore_thresh,
    downsample_ratio,
    gt_score=None,
    use_label_smooth=True,
    name=None,
    scale_x_y=1.0,
):
    """Return the loss of each image, [N], for predictions x [N, A (5 + C), H, W] of the anchors of `anchor_mask`.

    Args:
        gt_box: true boxes [N, B, 4] (centre, width, height), as fractions of the image; gt_label, their classes [N, B].
        anchors: widths and heights in pixels, one after the other.
        ignore_thresh: a prediction that overlaps a true box more is not counted as wrong.
        gt_score: of mixed-up images, [N, B]; ones where None.
    """


@operator(
    "yolo_box",
    inputs={"X": "x", "ImgSize": "img_size"},
    outputs={"Boxes": None, "Scores": None},
    types={**_LISTS, "x": Variable, "img_size": Variable, "conf_thresh": float},
)
def yolo_box(x, img_size, anchors, class_num, conf_thresh, downsample_ratio, clip_bbox=True, name=None, scale_x_y=1.0):
    """Return the boxes [N, M, 4] and the scores [N, M, C] that predictions x mean in images of `img_size` [N, 2]."""
