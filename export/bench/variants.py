"""The run's model in other forms that may be faster: the same arithmetic laid out otherwise, and fewer bits.

onnx/variants/wide.onnx       channels filled up with zeros (export.conversion.widen): the same answers
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

from export.conversion.for_processor import rewrite
from export.conversion.graph import read_model
from export.model import Model, load
from fluidline.files import atomic_folder
from fluidline.machine import vector_floats
from fluidline.runs import RunFolder
from pipeline.data.dataset import Dataset, Split

FLOAT32 = "float32"
EXACT = 1e-5  # the largest absolute difference of probabilities up to which a variant gives the same answers
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


def make_variants(run: RunFolder, dataset: Dataset) -> list[Variant]:
    """Write the variants of the run's model below onnx/variants, and return them after the plain model.

    One that cannot be made, or loses more than MOST_LOST of the test images, is returned with the reason and not kept.
    """
    plain = load(run.onnx)
    reference = _classify(plain, dataset.test)
    right = dataset.test.labels
    accuracy = float(np.mean(reference.argmax(1) == right))
    found = [Variant(FLOAT32, run.onnx.name, run.onnx.stat().st_size, accuracy=accuracy)]
    with atomic_folder(run.variants) as folder:
        for name, make in _MAKERS.items():
            file = folder / f"{name}.onnx"
            try:
                with _quiet():
                    make(plain, file, dataset.train)
                judged = _judge(file, reference, dataset.test)
            except Exception as error:  # the quantizer raises whatever it stumbles over
                judged = {"reason": f"cannot be made: {str(error).splitlines()[0]}"}
            size = file.stat().st_size if file.exists() else 0
            if judged["reason"]:
                file.unlink(missing_ok=True)
            found.append(Variant(name, f"{run.variants.name}/{file.name}", size, **judged))
    return found


def _judge(file: Path, reference: Floats, test: Split) -> dict[str, Any]:
    """Return what the fields of Variant say of a file's answers."""
    probabilities = _classify(load(file), test)
    labels, before = probabilities.argmax(1), reference.argmax(1)
    accuracy = float(np.mean(labels == test.labels))
    lost = float(np.mean(before == test.labels)) - accuracy
    return {
        "largest_difference": float(np.abs(probabilities - reference).max()),
        "accuracy": accuracy,
        "agreement": float(np.mean(labels == before)),
        "reason": f"loses {lost:.2%} of the test images (at most {MOST_LOST:.1%})" if lost > MOST_LOST + 1e-9 else "",
    }


def _classify(model: Model, split: Split) -> Floats:
    starts = range(0, len(split), _BATCH)
    return np.concatenate([model.classify(split.images[start : start + _BATCH]) for start in starts])


def _write_wide(model: Model, file: Path, _: Split) -> None:
    file.write_bytes(rewrite(model.path, max(vector_floats(), _LEAST_WIDTH)))


def _write_float16(model: Model, file: Path, _: Split) -> None:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(read_model(model.path), keep_io_types=True), file)


def _write_int8(model: Model, file: Path, train: Split) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Images(CalibrationDataReader):
        def __init__(self) -> None:
            starts = range(0, min(len(train), _CALIBRATION_IMAGES), _BATCH)
            batches = (model.images.normalise(train.images[start : start + _BATCH]) for start in starts)
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


_MAKERS: dict[str, Callable[[Model, Path, Split], None]] = {
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
