"""The run's model in other forms that may be faster: the same arithmetic laid out otherwise, and fewer bits.

onnx/variants/wide.onnx       channels in whole vectors (export.conversion.for_processor): the same answers
onnx/variants/float16.onnx    weights and arithmetic in 16 bits, inputs and outputs as they were
onnx/variants/int8.onnx       8 bits, scaled by what training images bring about in the network
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from export.bench.subject import Subject
from export.conversion.for_processor import rewrite
from export.conversion.graph import read_model
from export.model import Model, load
from fluidline.files import atomic_folder
from fluidline.machine import vector_floats
from pipeline.data.dataset import Dataset, Split

FLOAT32 = "float32"
EXACT = 1e-5  # the largest difference of answers, as a part of the largest and of 1, up to which a variant gives the same answers
MOST_LOST = 0.001  # of the test images: an inexact variant may be wrong on so many more
_CALIBRATION_IMAGES = 1024
_LEAST_WIDTH = 4  # of vectors, where the processor does not say it
_BATCH = 64

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Variant:
    """A form of the model and how its answers compare with the plain one's, on test images.

    `file` is relative to the model's folder; `accuracy` is a fraction of 1, `agreement` that of equal labels. `reason`
    is empty where it may be used, and otherwise says why not.
    """

    name: str
    file: str
    file_bytes: int = 0
    largest_difference: float = 0.0
    accuracy: float | None = None
    agreement: float = 1.0
    reason: str = ""

    @property
    def exact(self) -> bool:
        return self.largest_difference <= EXACT


def make_variants(subject: Subject) -> list[Variant]:
    """Write the variants of the model below its folder for them, and return them after the plain model.

    One that cannot be made, or loses more than MOST_LOST of the test samples, is returned with the reason and not kept.
    """
    plain, dataset = load(subject.onnx), subject.dataset
    test = subject.samples if dataset is None else _rows(plain, dataset.test)
    truth = dataset.test.labels if dataset is not None and plain.labels else None
    reference = plain.run(test)
    accuracy = None if truth is None else float(np.mean(reference.argmax(1) == truth))
    found = [Variant(FLOAT32, subject.onnx.name, subject.onnx.stat().st_size, accuracy=accuracy)]
    with atomic_folder(subject.variants) as folder:
        for name, make in _MAKERS.items():
            file = folder / f"{name}.onnx"
            try:
                with _quiet():
                    make(plain, file, dataset)
                judged = _judge(load(file).run(test), reference, truth)
            except Exception as error:  # the quantizer raises whatever it stumbles over
                judged = {"reason": f"cannot be made: {str(error).splitlines()[0]}"}
            size = file.stat().st_size if file.exists() else 0
            if judged["reason"]:
                file.unlink(missing_ok=True)
            found.append(Variant(name, f"{subject.variants.name}/{file.name}", size, **judged))
    return found


def _rows(model: Model, split: Split) -> Floats:
    """Return samples as the model takes them."""
    takes = model.kind.takes
    assert takes is not None
    return takes.normalise(split.samples)


def _judge(answers: Floats, reference: Floats, truth: npt.NDArray[np.int64] | None) -> dict[str, Any]:
    """Return what the fields of Variant say of a file's answers."""
    labels, before = answers.argmax(1), reference.argmax(1)
    difference = float(np.abs(answers - reference).max() / max(1.0, float(np.abs(reference).max())))
    judged = {"largest_difference": difference, "agreement": float(np.mean(labels == before)), "reason": ""}
    if truth is None:
        unknown = "gives other answers, and no labels say what that loses" if difference > EXACT else ""
        return judged | {"reason": unknown}
    accuracy = float(np.mean(labels == truth))
    lost = float(np.mean(before == truth)) - accuracy
    if lost > MOST_LOST + 1e-9:
        judged["reason"] = f"loses {lost:.2%} of the test images (at most {MOST_LOST:.1%})"
    return judged | {"accuracy": accuracy}


def _write_wide(model: Model, file: Path, _: Dataset | None) -> None:
    file.write_bytes(rewrite(model.path, max(vector_floats(), _LEAST_WIDTH)))


def _write_float16(model: Model, file: Path, _: Dataset | None) -> None:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(read_model(model.path), keep_io_types=True), file)


def _write_int8(model: Model, file: Path, dataset: Dataset | None) -> None:
    if dataset is None:
        raise ValueError("there are no training samples to scale it by (--data)")
    train = dataset.train.rows(np.arange(min(len(dataset.train), _CALIBRATION_IMAGES)))
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Images(CalibrationDataReader):
        def __init__(self) -> None:
            batches = (_rows(model, train)[start : start + _BATCH] for start in range(0, len(train), _BATCH))
            self._feeds: Iterator[dict[str, Floats]] = ({model.input_name: batch} for batch in batches)

        def get_next(self) -> dict[str, Floats] | None:
            return next(self._feeds, None)

    graph = read_model(model.path).graph
    quantize_static(
        model.path,
        file,
        Images(),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=[node.name for node in graph.node if node.op_type == "Softmax"],  # 8 bits are no probabilities
    )


_MAKERS: dict[str, Callable[[Model, Path, Dataset | None], None]] = {
    "wide": _write_wide,
    "float16": _write_float16,
    "int8": _write_int8,
}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the quantizer's advice to itself: it is about graphs that were not simplified, and these were."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
