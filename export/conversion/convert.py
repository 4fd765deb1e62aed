"""From a Paddle model to an ONNX file that was proved to be the same model: for runs and for fluid's files alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from export.conversion.compare import Tolerance
from export.conversion.fold import FoldReport, fold
from export.conversion.graph import Graph
from export.conversion.naming import declare_inputs, declared, name_values
from export.conversion.paddle_model import parameter_names
from export.conversion.rewrite import Rewritten
from export.conversion.sequence_functions import OPSET as SEQUENCES_OPSET
from export.conversion.sequences import attach_lengths, inline_calls
from export.conversion.signature import Signature
from export.conversion.simplify import simplify
from export.conversion.translate import translate
from export.conversion.validate import Feed, Report, validate
from fluidline import __version__
from fluidline.errors import FluidlineError
from fluidline.files import atomic_file

PRODUCER = "fluidline"


@dataclass(frozen=True)
class Converted:
    """An ONNX model and what was done to make it."""

    proto: onnx.ModelProto
    opset: int
    folds: FoldReport
    rewritten: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "opset": self.opset,
            "nodes": len(self.proto.graph.node),
            "batch_norms": {**self.folds.folded, **self.folds.kept},
            "rewritten_operators": list(self.rewritten),
        }


def to_onnx(
    rewritten: Rewritten, signature: Signature, name: str, metadata: Mapping[str, str], opset: int
) -> Converted:
    """Return a model as ONNX with the names of `signature`, simplified and its batch_norms folded.

    Raises DataError where sequences are used in a way that cannot be converted, and FluidlineError where paddle2onnx
    fails or contradicts itself.
    """
    model, calls = attach_lengths(rewritten.model)
    kinds = {call.type for call in calls}
    proto = inline_calls(translate(model, max(opset, SEQUENCES_OPSET) if calls else opset, kinds), calls)
    declare_inputs(proto, signature)
    try:
        graph = Graph(proto)
    except onnx.shape_inference.InferenceError as error:
        raise FluidlineError(
            f"paddle2onnx made a graph that contradicts itself: {str(error).splitlines()[0]}"
        ) from error
    simplify(graph)
    folds = fold(graph)
    simplify(graph)
    name_values(graph, signature, parameter_names(rewritten.model.program))
    ends = ([declared(spec) for spec in specs] for specs in (signature.inputs, signature.outputs))
    finished = graph.to_model(name, *ends)
    finished.producer_name, finished.producer_version = PRODUCER, __version__
    helper.set_model_props(finished, {**metadata, "fluidline": __version__})
    return Converted(finished, graph.opset, folds, rewritten.operators)


def write_validated(
    converted: Converted,
    path: Path,
    signature: Signature,
    feeds: Sequence[Feed],
    expected: Sequence[Sequence[np.ndarray]],
    tolerance: Tolerance,
) -> Report:
    """Write the model to `path` if, read back, it passes every check; else raise ValidationError, nothing written."""
    with atomic_file(path) as part:
        onnx.save(converted.proto, part)
        return validate(part, signature, feeds, expected, tolerance)
