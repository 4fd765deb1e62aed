"""Filters and feature maps as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.inspect.network import Network, Parameter, Tensor, shape_text
from pipeline.inspect.opened import Array
from pipeline.inspect.page import bars, gray, grid, scale_text, signed, write_page, zoomed

_MOST_FILTERS, _MOST_CHANNELS, _MOST_TILES, _MOST_BARS = 64, 32, 256, 10
_LAYOUTS = ("assign", "flatten", "reshape", "scale", "squeeze", "unsqueeze")  # words in operators that keep all numbers
_CELL, _MAP, _FILTER, _IMAGE = 22, 72, 60, 140  # about how large a tile becomes, pixels


def draw_filters(folder: Path, network: Network, values: Mapping[str, Array], labels: Sequence[str]) -> list[Path]:
    """Draw each convolution's filters, and the weights that look at the image itself, to `filters_NAME.png` in `folder`."""
    paths = []
    for name, section in _filter_sections(network, values, labels).items():
        path = folder / f"filters_{name.replace('/', '_')}.png"
        write_page(path, f"{name} {shape_text(network.parameters[name].shape)}", [section])
        paths.append(path)
    return paths


def draw_feature_maps(
    path: Path, title: str, pixels: Array, layers: Mapping[str, Array], answer: Array, labels: Sequence[str]
) -> None:
    """Draw what each layer gives for one image, uint8 [28, 28], and the answer: the probabilities of `labels`, if any."""
    sections = [("what the model is given", Image.fromarray(zoomed(gray(pixels), _IMAGE)))]
    sections += [_map_section(layer, array) for layer, array in layers.items()]
    if labels:
        shown = np.sort(np.argsort(-answer[0], kind="stable")[:_MOST_BARS])
        heading = f"probabilities of {_of(len(shown), len(labels), 'highest')} classes"
        sections.append((heading, bars(answer[0][shown].tolist(), [labels[index] for index in shown])))
    else:
        sections.append(_map_section("answer", answer))
    write_page(path, title, sections)


def _filter_sections(
    network: Network, values: Mapping[str, Array], labels: Sequence[str]
) -> dict[str, tuple[str, Image.Image]]:
    seen = {tensor.name: tensor.shape[1:] for tensor in network.inputs}  # what has all the numbers of the image
    sections = {}
    for operator in network.operators:
        kept = [seen[tensor.name] for tensor in operator.inputs if tensor.name in seen]
        if kept and any(word in operator.type for word in _LAYOUTS):
            seen.update((tensor.name, kept[0]) for tensor in operator.outputs)
        for parameter in operator.parameters:
            if "kernel" in operator.settings and len(parameter.shape) == 4:
                sections[parameter.name] = _filters(values[parameter.name])
            elif kept and _weighs(parameter, kept[0]):
                sections[parameter.name] = _templates(values[parameter.name], kept[0][-2:], labels)
    return sections


def _weighs(parameter: Parameter, image: Sequence[int | str]) -> bool:
    """Tell whether a parameter is a matrix with a row for each pixel of a gray image."""
    pixels = Tensor("", tuple(image)).size
    return len(image) == 3 and image[0] == 1 and len(parameter.shape) == 2 and parameter.shape[0] == pixels


def _filters(weights: Array) -> tuple[str, Image.Image]:
    filters, channels = weights.shape[:2]
    shown = weights[:_MOST_FILTERS, : _MOST_CHANNELS if filters > 1 else None]
    limit = float(np.abs(weights).max())
    side = _FILTER if channels == 1 else _FILTER // 2
    tiles = [zoomed(signed(each, limit), side) for each in shown.reshape(-1, *weights.shape[2:])]
    words, columns = f"{_of(len(shown), filters)} filters", None
    if channels > 1:
        words = (
            f"a row for each of {words}, a column for each of {_of(shown.shape[1], channels)} channels that it reads"
        )
        columns = shown.shape[1]
    return f"{words}; {scale_text(limit)}", grid(tiles, columns=columns)


def _templates(weights: Array, image: Sequence[int | str], labels: Sequence[str]) -> tuple[str, Image.Image]:
    units = weights.shape[1]
    limit = float(np.abs(weights).max())
    shown = weights.T[:_MOST_TILES].reshape(-1, *image)
    side = _IMAGE if units <= 12 else _FILTER
    captions = list(labels) if len(labels) == units else []
    tiles = [zoomed(signed(each, limit), side) for each in shown]
    return f"the weight of each pixel in {_of(len(shown), units)} units; {scale_text(limit)}", grid(tiles, captions)


def _map_section(layer: str, array: Array) -> tuple[str, Image.Image]:
    """Return what a layer gives for one image: a tile for each channel, or a cell for each number."""
    values = array[0]
    limit = float(np.abs(values).max())
    what, side = ("channels", _MAP) if values.ndim == 3 and values[0].size > 1 else ("numbers", _CELL)
    planes = values if what == "channels" else values.reshape(-1, 1, 1)
    tiles = [zoomed(signed(plane, limit), side) for plane in planes[:_MOST_TILES]]
    return f"{layer}: {_of(len(tiles), len(planes))} {what}; {scale_text(limit)}", grid(tiles)


def _of(shown: int, all_: int, which: str = "first") -> str:
    return f"{all_}" if shown == all_ else f"the {which} {shown} of {all_}"
