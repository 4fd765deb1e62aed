"""Images resized, sampled and rearranged."""

from __future__ import annotations

import warnings
from typing import Any

from ...data_feeder import check_variable_and_dtype
from ...framework import Variable, in_dygraph_mode
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..utils import FLOATS, NUMBERS16, Composer, as_numbers, declare, numbers_as_variables, temporaries_of

__all__ = [
    "affine_grid",
    "grid_sampler",
    "image_resize",
    "image_resize_short",
    "interpolate",
    "pixel_shuffle",
    "resize_bilinear",
    "resize_nearest",
    "resize_trilinear",
    "shuffle_channel",
    "space_to_depth",
    "temporal_shift",
]

# A way of resampling -> dimensions of the images, with batch and channels.
_RANKS = {"BILINEAR": 4, "TRILINEAR": 5, "NEAREST": 4}
_SIZES = {4: ("out_h", "out_w"), 5: ("out_d", "out_h", "out_w")}
_LAYOUTS = {4: ("NCHW", "NHWC"), 5: ("NCDHW", "NDHWC")}


def image_resize(
    input: Any,
    out_shape: Any = None,
    scale: Any = None,
    name: str | None = None,
    resample: str = "BILINEAR",
    actual_shape: Any = None,
    align_corners: bool = True,
    align_mode: int = 1,
    data_format: str = "NCHW",
) -> Any:
    """Return images resized.

    Args:
        input: [N, C, H, W], or [N, C, D, H, W] for "TRILINEAR".
        out_shape: sizes of the result, without batch and channels: list of ints and Variables, or an int32 Variable.
        scale: float or Variable, which counts where there is no `out_shape`; one of the two must be given.
        resample: "BILINEAR", "TRILINEAR" or "NEAREST".
        actual_shape: an int32 Variable that goes before `out_shape` when the program runs; deprecated.
        align_corners: let the centres of the corners of input and result meet.
        align_mode: 0 to let the pixels' edges meet where not `align_corners`.
        data_format: "NCHW" or "NHWC"; "NCDHW" or "NDHWC" for "TRILINEAR".
    """
    return _resize(
        "image_resize",
        _RANKS,
        input,
        out_shape,
        scale,
        name,
        resample,
        actual_shape,
        align_corners,
        align_mode,
        data_format,
    )


def interpolate(
    input: Any,
    out_shape: Any = None,
    scale: Any = None,
    name: str | None = None,
    resample: str = "BILINEAR",
    actual_shape: Any = None,
    align_corners: bool = True,
    align_mode: int = 1,
    data_format: str = "NCHW",
) -> Any:
    """Return images resized, as image_resize does, or by "BICUBIC" interpolation."""
    return _resize(
        "interpolate",
        {**_RANKS, "BICUBIC": 4},
        input,
        out_shape,
        scale,
        name,
        resample,
        actual_shape,
        align_corners,
        align_mode,
        data_format,
    )


def resize_bilinear(
    input: Any,
    out_shape: Any = None,
    scale: Any = None,
    name: str | None = None,
    actual_shape: Any = None,
    align_corners: bool = True,
    align_mode: int = 1,
    data_format: str = "NCHW",
) -> Any:
    """Return images [N, C, H, W] resized by bilinear interpolation; the arguments are image_resize's."""
    return image_resize(input, out_shape, scale, name, "BILINEAR", actual_shape, align_corners, align_mode, data_format)


def resize_trilinear(
    input: Any,
    out_shape: Any = None,
    scale: Any = None,
    name: str | None = None,
    actual_shape: Any = None,
    align_corners: bool = True,
    align_mode: int = 1,
    data_format: str = "NCDHW",
) -> Any:
    """Return images [N, C, D, H, W] resized by trilinear interpolation; the arguments are image_resize's."""
    return image_resize(
        input, out_shape, scale, name, "TRILINEAR", actual_shape, align_corners, align_mode, data_format
    )


def resize_nearest(
    input: Any,
    out_shape: Any = None,
    scale: Any = None,
    name: str | None = None,
    actual_shape: Any = None,
    align_corners: bool = True,
    data_format: str = "NCHW",
) -> Any:
    """Return images [N, C, H, W] resized by taking the nearest pixel; the arguments are image_resize's."""
    return image_resize(input, out_shape, scale, name, "NEAREST", actual_shape, align_corners, data_format=data_format)


def image_resize_short(input: Any, out_short_len: int, resample: str = "BILINEAR") -> Any:
    """Return images [N, C, H, W] resized to a shorter side of `out_short_len`, in their proportions."""
    if len(input.shape) != 4:
        raise ValueError(f"image_resize_short: input is [N, C, H, W], not of shape {input.shape}")
    sides = list(input.shape[2:])
    short = sides.index(min(sides))
    factor = float(out_short_len) / float(sides[short])
    sides[1 - short] = int(sides[1 - short] * factor + 0.5)
    sides[short] = out_short_len
    return image_resize(input=input, out_shape=sides, resample=resample)


def _resize(
    layer: str,
    ranks: dict[str, int],
    input: Any,
    out_shape: Any,
    scale: Any,
    name: str | None,
    resample: str,
    actual_shape: Any,
    align_corners: bool,
    align_mode: int,
    data_format: str,
) -> Any:
    if resample not in ranks:
        raise ValueError(f"{layer}: resample is one of {', '.join(ranks)}, not {resample!r}")
    rank = ranks[resample]
    if len(input.shape) != rank:
        raise ValueError(f"{layer}: {resample} takes {rank} dimensions, not shape {input.shape}")
    if not isinstance(align_corners, bool):
        raise TypeError(f"{layer}: align_corners is True or False, not {align_corners!r}")
    if align_mode not in (0, 1):
        raise ValueError(f"{layer}: align_mode is 0 or 1, not {align_mode!r}")
    if out_shape is None and scale is None:
        raise ValueError(f"{layer}: give out_shape or scale")
    if data_format not in _LAYOUTS[rank]:
        raise ValueError(f"{layer}: data_format is {' or '.join(_LAYOUTS[rank])}, not {data_format!r}")
    op_type = f"{resample.lower()}_interp"
    helper = LayerHelper(op_type, name=name)
    if actual_shape is not None and not isinstance(actual_shape, Variable):
        raise TypeError(f"{layer}: actual_shape is a Variable, not {actual_shape!r}")
    inputs = {"X": input}
    attrs = {
        "out_d": -1,
        "out_h": -1,
        "out_w": -1,
        "interp_method": resample.lower(),
        "align_corners": align_corners,
        "align_mode": align_mode,
        "data_layout": "NCHW" if data_format.startswith("NC") else "NHWC",
    }
    if actual_shape is not None:
        warnings.warn(f"{layer}: actual_shape is deprecated; give the Variable as out_shape", stacklevel=3)
        if in_dygraph_mode():
            out_shape, actual_shape = actual_shape, None
    if out_shape is not None:
        _take_out_shape(layer, helper, out_shape, _SIZES[rank], inputs, attrs)
    else:
        _take_scale(layer, scale, inputs, attrs)
    if actual_shape is not None:
        actual_shape.stop_gradient = True
        inputs["OutSize"] = actual_shape
    out = helper.create_variable_for_type_inference(input.dtype)
    helper.append_op(type=op_type, inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def _take_out_shape(
    layer: str, helper: Any, out_shape: Any, names: tuple[str, ...], inputs: dict[str, Any], attrs: dict[str, Any]
) -> None:
    if in_dygraph_mode() and isinstance(out_shape, list | tuple | Variable):
        out_shape = as_numbers(out_shape)
    if isinstance(out_shape, Variable):
        out_shape.stop_gradient = True
        inputs["OutSize"] = out_shape
        return
    if not isinstance(out_shape, list | tuple):
        raise TypeError(f"{layer}: out_shape is a list, a tuple or a Variable, not {out_shape!r}")
    numbers = [size for size in out_shape if not isinstance(size, Variable)]
    assert all(size > 0 for size in numbers), f"{layer}: the sizes of out_shape are positive, not {out_shape}"
    if len(out_shape) != len(names):
        raise ValueError(f"{layer}: out_shape has {len(names)} sizes, not {out_shape}")
    if len(numbers) < len(out_shape):
        inputs["SizeTensor"] = numbers_as_variables(out_shape, temporaries_of(helper))
    for attribute, size in zip(names, out_shape, strict=True):
        attrs[attribute] = -1 if isinstance(size, Variable) else int(size)


def _take_scale(layer: str, scale: Any, inputs: dict[str, Any], attrs: dict[str, Any]) -> None:
    if isinstance(scale, Variable) and in_dygraph_mode():
        scale = float(scale.numpy().item(0))
    if isinstance(scale, Variable):
        scale.stop_gradient = True
        inputs["Scale"] = scale
    elif not isinstance(scale, float | int):
        raise TypeError(f"{layer}: scale is a number or a Variable, not {scale!r}")
    elif scale <= 0:
        raise ValueError(f"{layer}: scale is positive, not {scale}")
    else:
        attrs["scale"] = float(scale)


def affine_grid(theta: Any, out_shape: Any, name: str | None = None) -> Any:
    """Return where affine maps `theta` [N, 2, 3] take the pixels of images, as coordinates from -1 to 1, [N, H, W, 2].

    Args:
        out_shape: [N, C, H, W], a list or an int32 Variable.
    """
    check_variable_and_dtype(theta, "theta", FLOATS, "affine_grid")
    if not isinstance(out_shape, list | tuple | Variable):
        raise ValueError(f"affine_grid: out_shape is a list, a tuple or a Variable, not {out_shape!r}")
    helper = LayerHelper("affine_grid")
    out = helper.create_variable_for_type_inference(theta.dtype)
    inputs, attrs = {"Theta": theta}, {}
    if in_dygraph_mode():
        out_shape = as_numbers(out_shape)
    if isinstance(out_shape, Variable):
        check_variable_and_dtype(out_shape, "out_shape", ["int32"], "affine_grid")
        inputs["OutputShape"] = out_shape
    else:
        attrs["output_shape"] = list(out_shape)
    helper.append_op(type="affine_grid", inputs=inputs, outputs={"Output": out}, attrs=attrs)
    if isinstance(out_shape, Variable):
        declare(out, shape=[-1, -1, -1, 2])
    return out


@operator("grid_sampler", inputs={"X": "x", "Grid": "grid"}, outputs={"Output": None}, dtypes=FLOATS)
def grid_sampler(x, grid, name=None):
    """Return x [N, C, H, W] at the coordinates `grid` [N, H, W, 2], from -1 to 1, by bilinear interpolation."""


def _whole_factor(given: dict[str, Any]) -> None:
    if not isinstance(given["upscale_factor"], int):
        raise TypeError(f"pixel_shuffle: upscale_factor is an int, not {given['upscale_factor']!r}")


@operator("pixel_shuffle", dtypes=FLOATS, prepare=_whole_factor)
def pixel_shuffle(x, upscale_factor):
    """Return x [N, C * r * r, H, W] as [N, C, H * r, W * r] (arXiv:1609.05158)."""


def _whole_group(given: dict[str, Any]) -> None:
    if not isinstance(given["group"], int):
        raise TypeError(f"shuffle_channel: group is an int, not {given['group']!r}")


@operator("shuffle_channel", prepare=_whole_group)
def shuffle_channel(x, group, name=None):
    """Return x [N, C, H, W] with the channels of `group` groups taken in turn (arXiv:1707.01083)."""


@operator("temporal_shift", dtypes=FLOATS, types={"seg_num": int, "shift_ratio": float})
def temporal_shift(x, seg_num, shift_ratio=0.25, name=None):
    """Return x [N * seg_num, C, H, W] with a share of the channels moved a step back in time, and another forth.

    Args:
        seg_num: steps of each clip.
        shift_ratio: of the channels, each way (arXiv:1811.08383).
    """


def space_to_depth(x: Any, blocksize: int, name: str | None = None) -> Any:
    """Return x [N, C, H, W] as [N, C * blocksize^2, H / blocksize, W / blocksize].

    The order of the elements is that of 1.8, which is its own: the channels are spread over blocks of a larger image,
    which is then read in the shape of the result.
    """
    helper = LayerHelper("space_to_depth", name=name)
    if not isinstance(blocksize, int):
        raise ValueError(f"space_to_depth: blocksize is an int, not {blocksize!r}")
    check_variable_and_dtype(x, "x", NUMBERS16, "space_to_depth")
    append = Composer(helper)
    out = append.new(x.dtype)
    _, channels, height, width = x.shape
    # The core has lost the operator.
    blocks = [-1, blocksize, blocksize, channels // blocksize**2, height, width]
    spread = append("transpose2", {"X": append.reshaped(x, blocks)}, hidden=("XShape",), axis=[0, 3, 4, 1, 5, 2])
    sizes = [-1, channels * blocksize**2, height // blocksize, width // blocksize]
    return append("reshape2", {"X": spread}, out=out, hidden=("XShape",), shape=sizes)
