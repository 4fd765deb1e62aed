"""A model that fluid 1.x saved, or paddle.jit.save in Paddle 2, as a validated ONNX file."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from export.conversion.compare import Tolerance
from export.conversion.convert import to_onnx, write_validated
from export.conversion.fluid_model import read_fluid
from export.conversion.jit_model import read_jit
from export.conversion.paddle_model import PaddleModel, with_softmax
from export.conversion.probe import BATCH, Measured, measure, random_feed
from export.conversion.refusals import explain_control_flow
from export.conversion.rewrite import rewrite
from export.conversion.saved_model import SavedModel
from export.conversion.sequences import with_lengths
from export.conversion.signature import Signature
from export.conversion.validate import Feed
from export.kind import decide
from export.said import NOTHING, Said
from fluidline.errors import DataError, FluidlineError, UsageError
from fluidline.files import sha256, write_json

TOLERANCE = Tolerance(atol=1e-5, rtol=1e-5)
_BATCHES = (1, 2, 7, 64)


def convert_fluid(
    folder: Path,
    out: Path,
    model_filename: str | None = None,
    params_filename: str | None = None,
    opset: int = 17,
    said: Said = NOTHING,
) -> dict[str, Any]:
    """Convert the inference model in `folder` to the ONNX file `out`, and return what was made and measured.

    The same is written beside it, as `out` with the suffix .json. The ONNX file is compared with the Paddle executor on
    random inputs of several sizes before it counts. Raises DataError where the folder holds no inference model, one that
    ONNX cannot express or one that is not what was `said` of it, FluidlineError where paddle2onnx fails, and
    ValidationError, with nothing written, where the ONNX model is not the same model.
    """
    _check_out(out)
    source = read_fluid(folder, model_filename, params_filename)
    return _convert(source, out, "fluid", folder.resolve().name, opset, said)


def convert_jit(prefix: Path, out: Path, opset: int = 17, said: Said = NOTHING) -> dict[str, Any]:
    """Do as `convert_fluid` does with PREFIX.pdmodel and PREFIX.pdiparams, which paddle.jit.save wrote in Paddle 2."""
    _check_out(out)
    source = read_jit(prefix)
    return _convert(source, out, "jit", source.program_file.stem, opset, said)


def _check_out(out: Path) -> None:
    if out.suffix == ".json":
        raise UsageError(f"{out} is where the summary goes; name the ONNX file otherwise, as in model.onnx")


def _convert(source: SavedModel, out: Path, origin: str, name: str, opset: int, said: Said) -> dict[str, Any]:
    model = with_lengths(source.model)
    model = with_softmax(model) if said.softmax else model
    rewritten = rewrite(model)
    reference, measured = _runnable(model, rewritten.model)
    feeds, expected = _answers(reference, measured)
    names = _plain_names(model)
    outputs = tuple(spec.renamed(name) for spec, name in zip(measured.signature.outputs, names, strict=True))
    signature = Signature(measured.signature.inputs, outputs)
    metadata = said.metadata(signature.inputs)
    kind = decide(signature.inputs, metadata, lambda: np.atleast_1d(expected[0][0])[:1])
    if metadata and kind.takes is None:
        raise DataError(f"the model is not what was said of it: {kind.why}")
    try:
        converted = to_onnx(rewritten, signature, name, {"source": origin, **metadata}, opset)
        report = write_validated(converted, out, signature, feeds, expected, TOLERANCE)
    except FluidlineError as error:
        raise explain_control_flow(model, error) from error
    summary = {
        "source": _described(source, reference is model),
        "onnx": {"file": out.name, "sha256": sha256(out), "bytes": out.stat().st_size},
        "takes": str(kind),
        "inputs": [spec.as_json() for spec in signature.inputs],
        "outputs": [spec.as_json() for spec in signature.outputs],
        **converted.as_json(),
        "validation": {"inputs": "random inputs", **report.as_json()},
    }
    write_json(out.with_suffix(".json"), summary)
    return summary


def _runnable(model: PaddleModel, rewritten: PaddleModel) -> tuple[PaddleModel, Measured]:
    """Return the model as saved, or as rewritten where Paddle has lost an operator since, and what was measured."""
    try:
        return model, measure(model)
    except DataError:
        return rewritten, measure(rewritten)


def _answers(reference: PaddleModel, measured: Measured) -> tuple[list[Feed], list[list[np.ndarray]]]:
    """Return random inputs of several sizes, and the answers: finite ones, if positive inputs can make them so."""
    batched = [trial | {BATCH: batch} for batch, trial in zip(_BATCHES, itertools.cycle(measured.trials), strict=False)]
    for manner in {measured.manner: None, replace(measured.manner, positive=True): None}:
        feeds: list[Feed] = []
        expected: list[list[np.ndarray]] = []
        for seed, sizes in enumerate([*batched, *measured.trials]):
            feed = random_feed(reference, measured.signature.inputs, sizes, seed, manner)
            with contextlib.suppress(Exception):  # a batch that Paddle refuses too: there are others
                expected.append(reference.run(feed))
                feeds.append(feed)
        if all(np.isfinite(output).all() for outputs in expected for output in outputs):
            break
    return feeds, expected


def _plain_names(model: PaddleModel) -> list[str]:
    """Return names for the outputs: the predictions' own, not those of the `scale` that was put behind on saving."""
    scaled = {
        op.output("Out")[0]: op.input("X")[0]
        for op in model.block.ops
        if op.type == "scale" and op.output("Out")[0].startswith("save_infer_model/")
    }
    saved = [spec.name for spec in model.outputs]
    plain = [scaled.get(name, name) for name in saved]
    clash = len(set(plain)) < len(plain) or set(plain) & {spec.name for spec in model.inputs}
    return saved if clash else plain


def _described(source: SavedModel, is_reference: bool) -> dict[str, Any]:
    files = (source.program_file, *source.parameter_files)
    return {
        "folder": source.program_file.parent.resolve().name,
        "files": {file.name: sha256(file) for file in files},
        "compared_with": "the program as saved" if is_reference else "the program in operators that Paddle 2 has",
    }
