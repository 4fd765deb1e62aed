"""What is measured: a table of backends, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from export.bench.subject import Subject


@dataclass(frozen=True)
class Backend:
    """A way to run a model: the `library` (a key of worker.LIBRARIES), and the `options` that the worker sets in it.

    `stage` is the one whose model it reads: "inference" (Paddle's files) or "onnx".
    """

    name: str
    library: str
    stage: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def model(self, subject: Subject) -> Path | None:
        """Return the model's path without the suffix, None where it has no such file: Paddle's are two of one stem."""
        if self.stage == "onnx":
            return subject.onnx.with_suffix("")
        return subject.inference and subject.inference / "model"

    def model_bytes(self, subject: Subject) -> int:
        """Return the size on disk of all the files that belong to the model."""
        if self.stage == "onnx":
            return subject.onnx.stat().st_size
        return sum(file.stat().st_size for file in subject.inference.iterdir()) if subject.inference else 0


BACKENDS = (
    Backend("Paddle executor", "paddle.static", "inference"),
    Backend("Paddle Inference", "paddle.inference", "inference", {"onednn": False}),
    Backend("Paddle Inference, oneDNN", "paddle.inference", "inference", {"onednn": True}),
    Backend("onnxruntime CPU", "onnxruntime", "onnx", {"provider": "CPUExecutionProvider"}),
    # TF32 rounds what goes into a multiplication to 10 bits: without it every row computes in float32.
    Backend(
        "onnxruntime CUDA",
        "onnxruntime",
        "onnx",
        {"provider": "CUDAExecutionProvider", "provider_options": {"use_tf32": "0"}},
    ),
    Backend("onnxruntime TensorRT", "onnxruntime", "onnx", {"provider": "TensorrtExecutionProvider"}),
)
