"""Of boxes that overlap, keep the best."""

from __future__ import annotations

from typing import Any

from ...data_feeder import check_type, check_variable_and_dtype
from ...layer_helper import LayerHelper
from .. import nn
from ..layer_function_generator import operator
from ..utils import FLOATS
from .boxes import box_coder

__all__ = [
    "detection_output",
    "locality_aware_nms",
    "matrix_nms",
    "multiclass_nms",
    "retinanet_detection_output",
]

_BOXES = {"BBoxes": "bboxes", "Scores": "scores"}
_TYPES = {
    "background_label": int,
    "score_threshold": float,
    "nms_top_k": int,
    "keep_top_k": int,
    "normalized": bool,
}


@operator(
    "multiclass_nms",
    inputs=_BOXES,
    stop_gradient=["Out"],
    dtypes=FLOATS,
    types={**_TYPES, "nms_threshold": float, "nms_eta": float},
)
def multiclass_nms(
    bboxes,
    scores,
    score_threshold,
    nms_top_k,
    keep_top_k,
    nms_threshold=0.3,
    normalized=True,
    nms_eta=1.0,
    background_label=0,
    name=None,
):
    """Return the boxes kept of each image, [K, 6] (label, confidence, box) with lengths, of [N, M, 4] and [N, C, M]."""


def _one_class(given: dict[str, Any]) -> None:
    shape = given["scores"].shape
    assert len(shape) == 3, f"locality_aware_nms: scores has three dimensions, not the shape {shape}"
    assert shape[1] == 1, f"locality_aware_nms: it knows one class, scores is [N, 1, M] and not {shape}"


@operator(
    "locality_aware_nms",
    inputs=_BOXES,
    stop_gradient=["Out"],
    dtypes=FLOATS,
    types={**_TYPES, "nms_threshold": float, "nms_eta": float},
    prepare=_one_class,
)
def locality_aware_nms(
    bboxes,
    scores,
    score_threshold,
    nms_top_k,
    keep_top_k,
    nms_threshold=0.3,
    normalized=True,
    nms_eta=1.0,
    background_label=-1,
    name=None,
):
    """Return the boxes kept after neighbours were merged by their scores (Zhou et al., arXiv:1704.03155)."""


def matrix_nms(
    bboxes: Any,
    scores: Any,
    score_threshold: float,
    post_threshold: float,
    nms_top_k: int,
    keep_top_k: int,
    use_gaussian: bool = False,
    gaussian_sigma: float = 2.0,
    background_label: int = 0,
    normalized: bool = True,
    return_index: bool = False,
    name: str | None = None,
) -> Any:
    """Return the boxes kept after their scores decayed by what they overlap (Wang et al., arXiv:2003.10152).

    Args:
        post_threshold: of the decayed score.
        return_index: return the kept boxes' numbers too.
    """
    settings = {
        "background_label": background_label,
        "score_threshold": score_threshold,
        "post_threshold": post_threshold,
        "nms_top_k": nms_top_k,
        "gaussian_sigma": gaussian_sigma,
        "use_gaussian": use_gaussian,
        "keep_top_k": keep_top_k,
        "normalized": normalized,
    }
    expected = {**_TYPES, "post_threshold": float, "use_gaussian": bool, "gaussian_sigma": float}
    check_variable_and_dtype(bboxes, "bboxes", FLOATS, "matrix_nms")
    check_variable_and_dtype(scores, "scores", FLOATS, "matrix_nms")
    for setting, value in settings.items():
        check_type(value, setting, expected[setting], "matrix_nms")
    helper = LayerHelper("matrix_nms", name=name)
    out = helper.create_variable_for_type_inference(dtype=bboxes.dtype, stop_gradient=True)
    index = helper.create_variable_for_type_inference(dtype="int")
    helper.append_op(
        type="matrix_nms",
        inputs={"BBoxes": bboxes, "Scores": scores},
        attrs=settings,
        outputs={"Out": out, "Index": index},
    )
    return (out, index) if return_index else out


@operator(
    "retinanet_detection_output",
    inputs={"BBoxes": "bboxes", "Scores": "scores", "Anchors": "anchors", "ImInfo": "im_info"},
    stop_gradient=["Out"],
    dtypes=FLOATS,
    types={"bboxes": list, "scores": list, "anchors": list},
    constants={"nms_eta": 1.0},  # 1.8 overlooks its argument
)
def retinanet_detection_output(
    bboxes,
    scores,
    anchors,
    im_info,
    score_threshold=0.05,
    nms_top_k=1000,
    keep_top_k=100,
    nms_threshold=0.3,
    nms_eta=1.0,
):
    """Return the boxes kept of the levels of a feature pyramid, [K, 6] with lengths (Lin et al., arXiv:1708.02002)."""


def detection_output(
    loc: Any,
    scores: Any,
    prior_box: Any,
    prior_box_var: Any,
    background_label: int = 0,
    nms_threshold: float = 0.3,
    nms_top_k: int = 400,
    keep_top_k: int = 200,
    score_threshold: float = 0.01,
    nms_eta: float = 1.0,
    return_index: bool = False,
) -> Any:
    """Return the detections [K, 6] (label, confidence, box) with lengths that offsets and scores of priors mean.

    Args:
        loc: offsets [N, M, 4].
        scores: of classes, before softmax, [N, M, C].
        background_label, nms_eta: not used: 1.8 takes 0 and 1 whatever they say.
        return_index: return the numbers of the kept boxes too.
    """
    helper = LayerHelper("detection_output")
    boxes = box_coder(prior_box=prior_box, prior_box_var=prior_box_var, target_box=loc, code_type="decode_center_size")
    probabilities = nn.transpose(nn.softmax(input=scores), perm=[0, 2, 1])
    probabilities.stop_gradient = True
    out = helper.create_variable_for_type_inference(dtype=boxes.dtype, stop_gradient=True)
    outputs = {"Out": out}
    if return_index:
        outputs["Index"] = helper.create_variable_for_type_inference(dtype="int", stop_gradient=True)
    helper.append_op(
        type="multiclass_nms2" if return_index else "multiclass_nms",
        inputs={"Scores": probabilities, "BBoxes": boxes},
        outputs=outputs,
        attrs={
            "background_label": 0,
            "nms_threshold": nms_threshold,
            "nms_top_k": nms_top_k,
            "keep_top_k": keep_top_k,
            "score_threshold": score_threshold,
            "nms_eta": 1.0,
        },
    )
    return (out, outputs["Index"]) if return_index else out
