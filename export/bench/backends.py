"""What is measured: a table of backends, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fluidline.runs import RunFolder


@dataclass(frozen=True)
class Backend:
    """A way to run a model: the `library` (a key of worker.LIBRARIES), and the `options` that the worker sets in it.

    `stage` is the one whose model it reads: "inference" (Paddle's files) or "onnx".
    """

    name: str
    library: str
    stage: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def model(self, run: RunFolder) -> Path:
        """Return the model's path in the run, without the suffix: Paddle's models are two files of one stem."""
        return {"inference": run.inference / "model", "onnx": run.onnx.with_suffix("")}[self.stage]

    def model_bytes(self, run: RunFolder) -> int:
        """Return the size on disk of all the files that belong to the model."""
        model = self.model(run)
        return sum(file.stat().st_size for file in model.parent.glob(f"{model.name}.*"))


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
