"""Proof that an ONNX file is the model it came from: named checks in order, each able to fail.

file      the file is whole ONNX: full checker, strict shape inference, and onnxruntime loads it
names     inputs and outputs are called what they should be, in order
axes      their dimensions are free or fixed as they should be, under the same names
shapes    every output comes in the dtype and shape that Paddle gives, for every batch
values    every number is Paddle's within the tolerance: atol + rtol * the largest of the output
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from export.conversion.compare import Difference, Tolerance, compare
from export.conversion.graph import read_model
from export.conversion.signature import Signature, TensorSpec
from fluidline.errors import DataError, ValidationError

CHECKS = ("file", "names", "axes", "shapes", "values")

Feed = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Report:
    """What a model passed."""

    tolerance: Tolerance
    batches: tuple[int, ...]
    differences: tuple[Difference, ...]

    @property
    def largest(self) -> float:
        return max(difference.largest for difference in self.differences)

    def as_json(self) -> dict[str, Any]:
        return {
            "checks": list(CHECKS),
            **asdict(self.tolerance),
            "batches": list(self.batches),
            "largest_difference": self.largest,
            "outputs": [difference.as_json() for difference in self.differences],
        }


def validate(
    path: Path,
    signature: Signature,
    feeds: Sequence[Feed],
    expected: Sequence[Sequence[np.ndarray]],
    tolerance: Tolerance,
) -> Report:
    """Check the ONNX file at `path` against Paddle's answers `expected` to `feeds`, and return the differences found.

    Raises ValidationError, its message beginning with the name of the check that failed.
    """
    model, session = _check_file(path)
    _check_names(model, signature)
    _check_axes(model, signature)
    answers = _check_shapes(session, signature, feeds, expected)
    differences = _check_values(signature, answers, expected, tolerance)
    return Report(tolerance, tuple(_batch_size(signature, feed) for feed in feeds), differences)


def _check_file(path: Path) -> tuple[onnx.ModelProto, onnxruntime.InferenceSession]:
    try:
        model = read_model(path)
        onnx.checker.check_model(model, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        onnx.checker.check_model(inferred)
    except (DataError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ValidationError(f"file: {error}") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone; they come as exceptions
    try:
        return model, onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no common base of their own
        raise ValidationError(f"file: onnxruntime does not load {path}: {error}") from error


def _check_names(model: onnx.ModelProto, signature: Signature) -> None:
    for kind, values, specs in _ends(model, signature):
        found, wanted = [value.name for value in values], [spec.name for spec in specs]
        if found != wanted:
            raise ValidationError(f"names: {kind}s are {found}, should be {wanted}")


def _check_axes(model: onnx.ModelProto, signature: Signature) -> None:
    for kind, values, specs in _ends(model, signature):
        for value, spec in zip(values, specs, strict=True):
            found = _declared(value)
            if found != spec:
                raise ValidationError(f"axes: {kind} is {found}, should be {spec}")


def _check_shapes(
    session: onnxruntime.InferenceSession, signature: Signature, feeds: Sequence[Feed], expected: Sequence[Any]
) -> list[list[np.ndarray]]:
    answers = []
    for feed, wanted in zip(feeds, expected, strict=True):
        given = {spec.name: feed[spec.name] for spec in signature.inputs}
        shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in given.items())
        try:
            found = session.run(None, given)
        except Exception as error:  # onnxruntime's exceptions have no common base of their own
            raise ValidationError(f"shapes: onnxruntime cannot run {shapes}: {error}") from error
        for spec, ours, theirs in zip(signature.outputs, found, wanted, strict=True):
            if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
                is_, should = (f"{value.dtype}{list(value.shape)}" for value in (ours, theirs))
                raise ValidationError(f"shapes: for {shapes} output {spec.name} is {is_}, should be {should}")
        answers.append(found)
    return answers


def _check_values(
    signature: Signature, answers: Sequence[Sequence[np.ndarray]], expected: Sequence[Any], tolerance: Tolerance
) -> tuple[Difference, ...]:
    ours, theirs = list(zip(*answers, strict=True)), list(zip(*expected, strict=True))
    return tuple(
        compare(spec.name, ours[position], theirs[position], tolerance)
        for position, spec in enumerate(signature.outputs)
    )


def _batch_size(signature: Signature, feed: Feed) -> int:
    batched = [spec.name for spec in signature.inputs if "batch" in spec.shape[:1]]
    return len(feed[batched[0]]) if batched else 1


def _ends(model: onnx.ModelProto, signature: Signature) -> list[tuple[str, Any, tuple[TensorSpec, ...]]]:
    return [("input", model.graph.input, signature.inputs), ("output", model.graph.output, signature.outputs)]


def _declared(value: onnx.ValueInfoProto) -> TensorSpec:
    tensor = value.type.tensor_type
    sizes = tuple(
        dim.dim_value if dim.WhichOneof("value") == "dim_value" else dim.dim_param or "?" for dim in tensor.shape.dim
    )
    return TensorSpec(value.name, helper.tensor_dtype_to_np_dtype(tensor.elem_type).name, sizes)
