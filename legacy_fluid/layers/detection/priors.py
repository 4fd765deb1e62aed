"""Prior boxes and anchors: the boxes at each position of a feature map that detections are told from."""

from __future__ import annotations

import math
from typing import Any

from ...data_feeder import check_type
from .. import nn, tensor
from ..layer_function_generator import operator
from ..utils import FLOATS

__all__ = ["anchor_generator", "density_prior_box", "multi_box_head", "prior_box"]

_BOXES = {"outputs": {"Boxes": None, "Variances": None}, "stop_gradient": ["Boxes", "Variances"]}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _floats(value: Any) -> list[float]:
    return [float(item) for item in _listed(value)]


def _two_steps(given: dict[str, Any], name: str) -> tuple[float, float]:
    steps = given[name]
    if not isinstance(steps, list | tuple) or len(steps) != 2:
        raise ValueError(f"{name} is a list or tuple of width and height, not {steps!r}")
    return float(steps[0]), float(steps[1])


def _prior_box_attributes(given: dict[str, Any]) -> dict[str, Any]:
    width, height = _two_steps(given, "steps")
    given["steps"] = None
    given["min_sizes"] = _floats(given["min_sizes"])
    given["aspect_ratios"] = _floats(given["aspect_ratios"])
    max_sizes = _listed(given["max_sizes"]) if given["max_sizes"] is not None else []
    given["max_sizes"] = max_sizes if max_sizes and max_sizes[0] > 0 else None
    return {"step_w": width, "step_h": height}


@operator(
    "prior_box",
    inputs={"Input": "input", "Image": "image"},
    **_BOXES,
    dtypes={"input": ("uint8", "int8", *FLOATS)},
    rename={"variance": "variances"},
    prepare=_prior_box_attributes,
)
def prior_box(
    input,
    image,
    min_sizes,
    max_sizes=None,
    aspect_ratios=[1.0],  # noqa: B006  the signature of fluid
    variance=[0.1, 0.1, 0.2, 0.2],  # noqa: B006
    flip=False,
    clip=False,
    steps=[0.0, 0.0],  # noqa: B006
    offset=0.5,
    name=None,
    min_max_aspect_ratios_order=False,
):
    """Return the prior boxes of a feature map [N, C, H, W] and their variances, [H, W, P, 4] (arXiv:1512.02325)."""


def _density_attributes(given: dict[str, Any]) -> dict[str, Any]:
    for name in ("densities", "fixed_sizes", "fixed_ratios"):
        check_type(given[name], name, (list, tuple), "density_prior_box")
    if len(given["densities"]) != len(given["fixed_sizes"]):
        raise ValueError(f"densities {given['densities']} and fixed_sizes {given['fixed_sizes']} are equally many")
    width, height = _two_steps(given, "steps")
    given["steps"] = None
    given["densities"] = [int(density) for density in given["densities"]]
    given["fixed_sizes"], given["fixed_ratios"] = _floats(given["fixed_sizes"]), _floats(given["fixed_ratios"])
    return {"step_w": width, "step_h": height}


@operator(
    "density_prior_box",
    inputs={"Input": "input", "Image": "image"},
    **_BOXES,
    dtypes={"input": FLOATS},
    rename={"variance": "variances"},
    prepare=_density_attributes,
)
def density_prior_box(
    input,
    image,
    densities=None,
    fixed_sizes=None,
    fixed_ratios=None,
    variance=[0.1, 0.1, 0.2, 0.2],  # noqa: B006  the signature of fluid
    clip=False,
    steps=[0.0, 0.0],  # noqa: B006
    offset=0.5,
    flatten_to_2d=False,
    name=None,
):
    """Return prior boxes that stand denser the smaller they are, and their variances, [H, W, P, 4]."""


def _anchor_attributes(given: dict[str, Any]) -> None:
    given["anchor_sizes"], given["aspect_ratios"] = _floats(given["anchor_sizes"]), _floats(given["aspect_ratios"])
    given["stride"] = list(_two_steps(given, "stride"))


@operator(
    "anchor_generator",
    inputs={"Input": "input"},
    outputs={"Anchors": None, "Variances": None},
    stop_gradient=["Anchors", "Variances"],
    rename={"variance": "variances"},
    prepare=_anchor_attributes,
)
def anchor_generator(
    input,
    anchor_sizes=None,
    aspect_ratios=None,
    variance=[0.1, 0.1, 0.2, 0.2],  # noqa: B006  the signature of fluid
    stride=None,
    offset=0.5,
    name=None,
):
    """Return the anchors of a feature map [N, C, H, W] and their variances, [H, W, A, 4] (Ren, arXiv:1506.01497)."""


def multi_box_head(
    inputs: Any,
    image: Any,
    base_size: int,
    num_classes: int,
    aspect_ratios: Any,
    min_ratio: int | None = None,
    max_ratio: int | None = None,
    min_sizes: Any = None,
    max_sizes: Any = None,
    steps: Any = None,
    step_w: Any = None,
    step_h: Any = None,
    offset: float = 0.5,
    variance: Any = [0.1, 0.1, 0.2, 0.2],  # noqa: B006  the signature of fluid
    flip: bool = True,
    clip: bool = False,
    kernel_size: int = 1,
    pad: int = 0,
    stride: int = 1,
    name: str | None = None,
    min_max_aspect_ratios_order: bool = False,
) -> tuple[Any, Any, Any, Any]:
    """Return the offsets [N, P, 4], the class scores [N, P, C], the priors [P, 4] and their variances of several maps.

    Args:
        inputs: feature maps.
        base_size, min_ratio, max_ratio: give the sizes of the priors, in percent of the image, from the second map on.
        min_sizes, max_sizes: the sizes themselves; needed for one or two maps.
        aspect_ratios, step_w, step_h, steps: one for each map.

    Raises:
        ValueError: a list has another length than `inputs`.
    """
    if not isinstance(inputs, list | tuple):
        raise ValueError(f"multi_box_head: inputs is a list of feature maps, not {inputs!r}")
    count = len(inputs)
    if count <= 2:
        assert min_sizes is not None, "multi_box_head: one or two maps need min_sizes and max_sizes"
        assert max_sizes is not None, "multi_box_head: one or two maps need min_sizes and max_sizes"
        assert len(min_sizes) == len(max_sizes) == count, f"multi_box_head: {count} maps need as many sizes"
    elif min_sizes is None and max_sizes is None:
        width = math.floor((max_ratio - min_ratio) / (count - 2))
        ratios = range(min_ratio, max_ratio + 1, width)
        min_sizes = [base_size * 0.10, *(base_size * ratio / 100.0 for ratio in ratios)]
        max_sizes = [base_size * 0.20, *(base_size * (ratio + width) / 100.0 for ratio in ratios)]
    for value, what in ((aspect_ratios, "aspect_ratios"), (step_h, "step_h"), (step_w, "step_w"), (steps, "steps")):
        if value and (not isinstance(value, list | tuple) or len(value) != count):
            raise ValueError(f"multi_box_head: {what} is a list of {count}, one for each map, not {value!r}")
    if steps is not None:
        step_w = step_h = steps
    offsets, scores, boxes, variances = [], [], [], []
    for index, feature_map in enumerate(inputs):
        box, var = prior_box(
            feature_map,
            image,
            _listed(min_sizes[index]),
            _listed(max_sizes[index]),
            [] if aspect_ratios is None else _listed(aspect_ratios[index]),
            variance,
            flip,
            clip,
            [step_w[index] if step_w else 0.0, step_h[index] if step_w else 0.0],
            offset,
            None,
            min_max_aspect_ratios_order,
        )
        boxes.append(box)
        variances.append(var)
        for results, outputs_of_a_box in ((offsets, 4), (scores, num_classes)):
            predicted = nn.conv2d(
                input=feature_map,
                num_filters=box.shape[2] * outputs_of_a_box,
                filter_size=kernel_size,
                padding=pad,
                stride=stride,
            )
            results.append(nn.flatten(nn.transpose(predicted, perm=[0, 2, 3, 1]), axis=1))
    if count == 1:
        return offsets[0], scores[0], boxes[0], variances[0]
    box = tensor.concat([nn.flatten(x=box, axis=3) for box in boxes])
    var = tensor.concat([nn.flatten(x=var, axis=3) for var in variances])
    box.stop_gradient = var.stop_gradient = True
    all_offsets = nn.reshape(tensor.concat(offsets, axis=1), shape=[0, -1, 4])
    all_scores = nn.reshape(tensor.concat(scores, axis=1), shape=[0, -1, num_classes])
    return all_offsets, all_scores, box, var
