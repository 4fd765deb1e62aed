"""The single-shot detector's loss (Liu et al., arXiv:1512.02325), and how good detections are."""

from __future__ import annotations

from typing import Any

from ...layer_helper import LayerHelper
from .. import nn, tensor
from ..loss import softmax_with_cross_entropy
from .boxes import box_coder, iou_similarity
from .matching import target_assign
from .targets import bipartite_match

__all__ = ["ssd_loss", "target_assign"]


def detection_map(
    detect_res: Any,
    label: Any,
    class_num: int,
    background_label: int = 0,
    overlap_threshold: float = 0.3,
    evaluate_difficult: bool = True,
    has_state: Any = None,
    input_states: Any = None,
    out_states: Any = None,
    ap_version: str = "integral",
) -> Any:
    """Return the mean average precision of detections [M, 6] against the truth [N, 6], both with lengths.

    Args:
        has_state, input_states, out_states: Variables that carry the counts from batch to batch.
        ap_version: "integral" or "11point".
    """
    helper = LayerHelper("detection_map")
    result = helper.create_variable_for_type_inference(dtype="float32")
    names = ("PosCount", "TruePos", "FalsePos")
    before = dict(zip(names, input_states or [None] * 3, strict=True))
    after = out_states or [
        helper.create_variable_for_type_inference(dtype) for dtype in ("int32", "float32", "float32")
    ]
    inputs = {"Label": label, "DetectRes": detect_res, "HasState": has_state, **before}
    helper.append_op(
        type="detection_map",
        inputs={slot: var for slot, var in inputs.items() if var is not None},
        outputs={"MAP": result, **{f"Accum{name}": var for name, var in zip(names, after, strict=True)}},
        attrs={
            "overlap_threshold": overlap_threshold,
            "evaluate_difficult": evaluate_difficult,
            "ap_type": ap_version,
            "class_num": class_num,
            "background_label": background_label,
        },
    )
    return result


def ssd_loss(
    location: Any,
    confidence: Any,
    gt_box: Any,
    gt_label: Any,
    prior_box: Any,
    prior_box_var: Any = None,
    background_label: int = 0,
    overlap_threshold: float = 0.5,
    neg_pos_ratio: float = 3.0,
    neg_overlap: float = 0.5,
    loc_loss_weight: float = 1.0,
    conf_loss_weight: float = 1.0,
    match_type: str = "per_prediction",
    mining_type: str = "max_negative",
    normalize: bool = True,
    sample_size: int | None = None,
) -> Any:
    """Return the loss of each image, [N, 1].

    Args:
        location, confidence: predicted offsets [N, P, 4] and class scores [N, P, C].
        gt_box, gt_label: true boxes [K, 4] and classes [K, 1], with lengths.
        prior_box, prior_box_var: [P, 4].
        neg_pos_ratio: priors on the background that count, to those on objects: the worst ones.
        neg_overlap: a prior that overlaps an object more is not on the background.
        normalize: divide by the number of priors on objects.

    Raises:
        ValueError: another `mining_type` than "max_negative".
    """
    if mining_type != "max_negative":
        raise ValueError(f"ssd_loss: mining_type is 'max_negative', not {mining_type!r}")
    by_image = nn.slice(nn.shape(confidence), axes=[0], starts=[0], ends=[2])
    by_image.stop_gradient = True

    # Which prior stands for which box.
    overlap = iou_similarity(x=gt_box, y=prior_box)
    matched, distance = bipartite_match(overlap, match_type, overlap_threshold)

    # How wrong each prior's class is, to find the worst of those on the background.
    gt_label = nn.reshape(x=gt_label, shape=(*[0] * (len(gt_label.shape) - 1), -1, 1))
    gt_label.stop_gradient = True
    label, _ = target_assign(gt_label, matched, mismatch_value=background_label)
    confidence = nn.flatten(x=confidence, axis=2)
    label = nn.flatten(x=tensor.cast(x=label, dtype="int64"), axis=2)
    label.stop_gradient = True
    class_loss = softmax_with_cross_entropy(confidence, label)
    class_loss = nn.reshape(x=class_loss, shape=(-1, 0), actual_shape=by_image)
    class_loss.stop_gradient = True
    negative, matched = _mine(class_loss, matched, distance, neg_pos_ratio, neg_overlap, mining_type, sample_size)

    # What each prior is to say, and how much it counts.
    offsets = box_coder(
        prior_box=prior_box, prior_box_var=prior_box_var, target_box=gt_box, code_type="encode_center_size"
    )
    target_offsets, offset_weight = target_assign(offsets, matched, mismatch_value=background_label)
    label, class_weight = target_assign(gt_label, matched, negative_indices=negative, mismatch_value=background_label)
    label = tensor.cast(x=nn.flatten(x=label, axis=2), dtype="int64")
    class_weight, offset_weight = nn.flatten(x=class_weight, axis=2), nn.flatten(x=offset_weight, axis=2)
    target_offsets = nn.flatten(x=target_offsets, axis=2)
    for target in (label, class_weight, offset_weight, target_offsets):
        target.stop_gradient = True
    class_loss = softmax_with_cross_entropy(confidence, label) * class_weight
    offset_loss = nn.smooth_l1(nn.flatten(x=location, axis=2), target_offsets) * offset_weight

    loss = conf_loss_weight * class_loss + loc_loss_weight * offset_loss
    loss = nn.reshape(x=loss, shape=(-1, 0), actual_shape=by_image)
    loss = nn.reduce_sum(loss, dim=1, keep_dim=True)
    return loss / nn.reduce_sum(offset_weight) if normalize else loss


def _mine(
    class_loss: Any,
    matched: Any,
    distance: Any,
    neg_pos_ratio: float,
    neg_overlap: float,
    mining_type: str,
    sample_size: int | None,
) -> tuple[Any, Any]:
    helper = LayerHelper("ssd_loss")
    negative = helper.create_variable_for_type_inference(dtype="int32")
    updated = helper.create_variable_for_type_inference(dtype=matched.dtype)
    helper.append_op(
        type="mine_hard_examples",
        inputs={"ClsLoss": class_loss, "MatchIndices": matched, "MatchDist": distance},
        outputs={"NegIndices": negative, "UpdatedMatchIndices": updated},
        attrs={
            "neg_pos_ratio": neg_pos_ratio,
            "neg_dist_threshold": neg_overlap,
            "mining_type": mining_type,
            "sample_size": sample_size,
        },
    )
    return negative, updated
