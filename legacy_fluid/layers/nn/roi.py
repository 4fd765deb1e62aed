"""Regions of interest, pooled to one size each."""

from __future__ import annotations

from typing import Any

from ...data_feeder import check_type, check_variable_and_dtype
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..utils import FLOATS, convert_to_list

__all__ = ["deformable_roi_pooling", "psroi_pool", "roi_align", "roi_pool"]


@operator(
    "roi_pool",
    inputs={"X": "input", "ROIs": "rois", "RoisLod": "rois_lod"},
    outputs={"Out": None, "Argmax": "int32"},
    intermediate=("Argmax",),
)
def roi_pool(input, rois, pooled_height=1, pooled_width=1, spatial_scale=1.0, rois_lod=None):
    """Return the maxima of the parts of each region, [regions, C, pooled_height, pooled_width] (arXiv:1504.08083).

    Args:
        rois: (x1, y1, x2, y2) of each region, sequences of which belong to the images of `input`.
        spatial_scale: from the regions' coordinates to input's.
        rois_lod: where the regions of each image start, for regions without lengths.
    """


@operator(
    "roi_align",
    inputs={"X": "input", "ROIs": "rois", "RoisLod": "rois_lod"},
    dtypes={"input": FLOATS, "rois": FLOATS},
)
def roi_align(
    input, rois, pooled_height=1, pooled_width=1, spatial_scale=1.0, sampling_ratio=-1, name=None, rois_lod=None
):
    """Return the means of samples within the parts of each region (arXiv:1703.06870); the arguments are roi_pool's.

    Args:
        sampling_ratio: samples along each side of a part; as many as it is large where -1.
    """


def _check_psroi(given: dict[str, Any]) -> None:
    kinds = {"output_channels": int, "spatial_scale": float, "pooled_height": int, "pooled_width": int}
    for argument, kind in kinds.items():
        if argument in given and not isinstance(given[argument], kind):
            raise TypeError(f"{argument} is a {kind.__name__}, not {given[argument]!r}")


@operator("psroi_pool", inputs={"X": "input", "ROIs": "rois"}, prepare=_check_psroi)
def psroi_pool(input, rois, output_channels, spatial_scale, pooled_height, pooled_width, name=None):
    """Return the means of the parts of each region, each part from channels of its own (arXiv:1605.06409).

    Args:
        input: [N, output_channels * pooled_height * pooled_width, H, W].
        rois: (x1, y1, x2, y2) of each region, sequences of which belong to the images of `input`.
    """


def deformable_roi_pooling(
    input: Any,
    rois: Any,
    trans: Any,
    no_trans: bool = False,
    spatial_scale: float = 1.0,
    group_size: Any = [1, 1],  # noqa: B006  the default of fluid's signature, which nothing changes
    pooled_height: int = 1,
    pooled_width: int = 1,
    part_size: Any = None,
    sample_per_part: int = 1,
    trans_std: float = 0.1,
    position_sensitive: bool = False,
    name: str | None = None,
) -> Any:
    """Return the means of displaced parts of each region (arXiv:1703.06211).

    Args:
        rois: (x1, y1, x2, y2) of each region, sequences of which belong to the images of `input`.
        trans: the displacements, [regions, 2, height, width]; not used with `no_trans`.
        group_size: parts that a channel is divided into, for `position_sensitive` pooling.
        part_size: parts that have a displacement each; the pooled size where None.
        trans_std: factor on the displacements.
    """
    for argument, variable in (("input", input), ("rois", rois), ("trans", trans)):
        check_variable_and_dtype(variable, argument, FLOATS, "deformable_roi_pooling")
    check_type(group_size, "group_size", (list, tuple), "deformable_roi_pooling")
    if part_size is None:
        part_size = [pooled_height, pooled_width]
    check_type(part_size, "part_size", (list, tuple), "deformable_roi_pooling")
    channels = input.shape[1]
    if position_sensitive:
        channels //= pooled_height * pooled_width
    helper = LayerHelper("deformable_psroi_pooling", name=name)
    out = helper.create_variable_for_type_inference(input.dtype)
    count = helper.create_variable_for_type_inference("int32")
    helper.append_op(
        type="deformable_psroi_pooling",
        inputs={"Input": input, "ROIs": rois, "Trans": trans},
        outputs={"Output": out, "TopCount": count},
        attrs={
            "no_trans": no_trans,
            "spatial_scale": spatial_scale,
            "output_dim": channels,
            "group_size": convert_to_list(group_size, 2, "group_size"),
            "pooled_height": pooled_height,
            "pooled_width": pooled_width,
            "part_size": convert_to_list(part_size, 2, "part_size"),
            "sample_per_part": sample_per_part,
            "trans_std": trans_std,
        },
    )
    return out
