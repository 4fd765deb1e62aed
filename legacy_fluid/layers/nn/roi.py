"""Regions of interest, pooled to one size each."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...data_feeder import check_type, check_variable_and_dtype
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..tensor import assign
from ..utils import FLOATS, Composer, convert_to_list

__all__ = ["deformable_roi_pooling", "prroi_pool", "psroi_pool", "roi_align", "roi_pool"]


def _number_in_each_image(given: dict[str, Any]) -> None:
    """1.8 took where the regions of each image start, and the operator of today how many there are."""
    starts = given["rois_lod"]
    if starts is None:
        return
    append = Composer(LayerHelper("rois_num"))
    followed = append("slice", {"Input": starts}, axes=[0], starts=[0], ends=[-1])
    following = append("slice", {"Input": starts}, axes=[0], starts=[1], ends=[_END])
    given["rois_lod"] = append.cast(append("elementwise_sub", {"X": following, "Y": followed}), "int32")


_END = 10000000  # beyond every dimension


@operator(
    "roi_pool",
    inputs={"X": "input", "ROIs": "rois", "RoisNum": "rois_lod"},
    outputs={"Out": None, "Argmax": "int32"},
    intermediate=("Argmax",),
    prepare=_number_in_each_image,
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
    inputs={"X": "input", "ROIs": "rois", "RoisNum": "rois_lod"},
    dtypes={"input": FLOATS, "rois": FLOATS},
    prepare=_number_in_each_image,
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


def prroi_pool(
    input: Any,
    rois: Any,
    spatial_scale: float = 1.0,
    pooled_height: int = 1,
    pooled_width: int = 1,
    batch_roi_nums: Any = None,
    name: str | None = None,
) -> Any:
    """Return the integrals of the parts of each region over their areas, [regions, C, height, width] (arXiv:1807.11590).

    Args:
        rois: (x1, y1, x2, y2) of each region; sequences, or with `batch_roi_nums`. They take a gradient.
        spatial_scale: from the regions' coordinates to input's.
        batch_roi_nums: int64 [N], how many regions each image has.
    """
    kinds = {"spatial_scale": float, "pooled_height": int, "pooled_width": int}
    given = {"spatial_scale": spatial_scale, "pooled_height": pooled_height, "pooled_width": pooled_width}
    for argument, kind in kinds.items():
        if not isinstance(given[argument], kind):
            raise TypeError(f"prroi_pool: {argument} is a {kind.__name__}, not {given[argument]!r}")
    append = Composer(LayerHelper("prroi_pool", name=name))
    out = append.new(input.dtype)
    # The core has lost the operator. The integral of a bilinear interpolation is the sum of the pixels, each times its
    # share of the rows and of the columns, so that two products of matrices do it.
    scaled = append("scale", {"X": rois}, scale=spatial_scale)
    x1, y1, x2, y2 = (append("slice", {"Input": scaled}, axes=[1], starts=[i], ends=[i + 1]) for i in range(4))
    columns, width = _shares(append, x1, x2, pooled_width, input.shape[3])
    rows, height = _shares(append, y1, y2, pooled_height, input.shape[2])
    images = append("gather", {"X": input, "Index": _image_of_each(append, input, rois, batch_roi_nums)})
    # [R, C * H, W] by [R, W, width], then [R, height, H] by [R, H, C * width].
    _, channels, size, _ = input.shape
    flat = append("reshape2", {"X": images}, hidden=("XShape",), shape=[0, channels * size, -1])
    by_column = append("matmul", {"X": flat, "Y": columns}, transpose_Y=True)
    by_column = append.reshaped(by_column, [-1, channels, size, pooled_width])
    by_column = append.reshaped(append.transposed(by_column, [0, 2, 1, 3]), [-1, size, channels * pooled_width])
    integral = append.reshaped(
        append("matmul", {"X": rows, "Y": by_column}), [-1, pooled_height, channels, pooled_width]
    )
    integral = append.transposed(integral, [0, 2, 1, 3])
    area = append.reshaped(append("elementwise_mul", {"X": width, "Y": height}), [-1, 1, 1, 1])
    return append("elementwise_mul", {"X": integral, "Y": _inverse(append, area)}, out=out)


def _shares(append: Composer, start: Any, end: Any, parts: int, size: int) -> tuple[Any, Any]:
    """Return the share that each pixel has in each part of [start, end], [regions, parts, size], and a part's length."""
    length = append("relu", {"X": append("elementwise_sub", {"X": end, "Y": start})})
    length = append("scale", {"X": length}, scale=1.0 / parts)
    steps = assign(np.arange(parts + 1, dtype="float32").reshape(1, -1))
    edges = append("elementwise_add", {"X": append("elementwise_mul", {"X": length, "Y": steps}), "Y": start})
    pixels = assign(np.arange(size, dtype="float32").reshape(1, 1, -1))
    distance = append("elementwise_sub", {"X": append.reshaped(edges, [-1, parts + 1, 1]), "Y": pixels})
    # The integral of a triangle of height 1 around the pixel, from its left end to the edge: 1/2 + t - t |t| / 2.
    t = append("clip", {"X": distance}, min=-1.0, max=1.0)
    curve = append("elementwise_mul", {"X": t, "Y": append("abs", {"X": t})})
    upto = append("elementwise_sub", {"X": t, "Y": append("scale", {"X": curve}, scale=0.5)})
    before, after = (
        append("slice", {"Input": upto}, axes=[1], starts=[first], ends=[first + parts]) for first in (0, 1)
    )
    return append("elementwise_sub", {"X": after, "Y": before}), length


def _image_of_each(append: Composer, input: Any, rois: Any, batch_roi_nums: Any) -> Any:
    """Return the number of the image of each region, int64."""
    if batch_roi_nums is None:
        ones = append("fill_constant_batch_size_like", {"Input": input}, of="float32", shape=[-1, 1], value=1.0)
        numbers = append("cumsum", {"X": ones}, axis=0, exclusive=True)
        numbers = append("sequence_expand", {"X": numbers, "Y": rois}, ref_level=0)
    else:
        ones = append("fill_constant_batch_size_like", {"Input": rois}, of="float32", shape=[-1, 1], value=1.0)
        own = append("cumsum", {"X": ones}, axis=0, exclusive=True)
        ends = append.cast(append("cumsum", {"X": batch_roi_nums}, axis=0), "float32")
        is_past = append("less_equal", {"X": append.reshaped(ends, [1, -1]), "Y": own}, of="bool")
        numbers = append.total(append.cast(is_past, "float32"), dim=1)
    numbers = append.cast(append.reshaped(numbers, [-1]), "int64")
    numbers.stop_gradient = True
    return numbers


def _inverse(append: Composer, area: Any) -> Any:
    """Return 1 / area, and 0 where it is 0."""
    is_some = append("sign", {"X": area})
    is_some.stop_gradient = True
    none = append("scale", {"X": is_some}, scale=-1.0, bias=1.0)
    return append("elementwise_div", {"X": is_some, "Y": append("elementwise_add", {"X": area, "Y": none})})
