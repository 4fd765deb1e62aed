"""A finished ONNX file rewritten for the processor that will run it; its answers stay."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx.version_converter

from export.conversion.fold import fold
from export.conversion.graph import Graph, read_model
from export.conversion.part import part
from export.conversion.simplify import simplify
from export.conversion.widen import widen
from fluidline.errors import DataError

_BATCH = "batch"
_OPSET = 17  # before 15, inference does not follow sizes through Shape and Slice


def rewrite(path: Path, vector_floats: int) -> bytes:
    """Return the file's model simplified, folded, parted and widened to multiples of `vector_floats`, names and metadata kept.

    Raises DataError where it is no ONNX file, or an output would lose its name.
    """
    model = read_model(path)
    if any(entry.domain in ("", "ai.onnx") and entry.version < _OPSET for entry in model.opset_import):
        model = onnx.version_converter.convert_version(model, _OPSET)
    _name_batch(model)
    graph = Graph(model)
    simplify(graph)
    fold(graph)
    simplify(graph)
    if vector_floats > 1:
        part(graph, vector_floats)
        widen(graph, vector_floats)
    if graph.outputs != [value.name for value in model.graph.output]:
        raise DataError(f"{path}: an output is another value's name")
    rewritten = graph.to_model(model.graph.name, list(model.graph.input), list(model.graph.output))
    rewritten.metadata_props.extend(model.metadata_props)
    onnx.checker.check_model(rewritten, full_check=True)
    return rewritten.SerializeToString()


def _name_batch(model: onnx.ModelProto) -> None:
    """Give the first dimension of what goes in and out one name, and leave the shapes between to inference.

    Paddle's converter gives each free dimension a name of its own, by which no shape can be followed.
    """
    for value in (*model.graph.input, *model.graph.output):
        dimensions = value.type.tensor_type.shape.dim
        if dimensions and not dimensions[0].HasField("dim_value"):
            dimensions[0].dim_param = _BATCH
    del model.graph.value_info[:]
