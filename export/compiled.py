"""A model rewritten for this machine's processor: the same answers, sooner. Kept in the user's cache.

What is rewritten is what `export onnx` simplifies and folds, for files that it did not make, and how many channels the
convolutions have (`export.conversion.part` and `.widen`). It takes onnx and 0.1 s once for each model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fluidline.errors import ValidationError
from fluidline.files import atomic_file, sha256
from fluidline.machine import cache_folder, vector_floats

_VERSION = 2  # of the rewriting: what another version has kept is not taken
_TOLERANCE = 1e-5  # of the largest answer to noise, and of 1
_IMAGES = 8
_KEPT = 100  # twins


def compiled(path: Path) -> Path:
    """Return the rewritten twin of an ONNX model of one input, made at the first call for it.

    `path` itself is returned where the twin would not give the same answers, or cannot be made or kept.
    """
    twin = cache_folder() / "onnx" / f"{sha256(path)}-{_VERSION}-{vector_floats()}.onnx"
    if not twin.exists():
        try:
            with atomic_file(twin) as part:
                _write_twin(path, part)
            _forget_the_oldest(twin.parent)
        except Exception:  # a graph may be anything: whatever there is to stumble over, the plain model is at hand
            return path
    return twin


def _write_twin(path: Path, part: Path) -> None:
    import numpy as np

    from export.conversion.for_processor import rewrite

    noise, plain = _answer_to_noise(path)  # which fails at once where the model takes something else
    part.write_bytes(rewrite(path, vector_floats()))
    _, ours = _answer_to_noise(part, noise)
    if not np.abs(ours - plain).max() <= _TOLERANCE * max(1, np.abs(plain).max()):
        raise ValidationError(f"{path} rewritten for the processor gives other answers")


def _forget_the_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.onnx"), key=lambda file: file.stat().st_mtime)
    for file in files[:-_KEPT]:
        file.unlink(missing_ok=True)


def _answer_to_noise(path: Path, noise: Any = None) -> tuple[Any, Any]:
    """Return noise of the shape that the model takes, unless it is given, and all answers to it in a row."""
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    [source] = session.get_inputs()
    if noise is None:
        noise = np.random.default_rng(0).uniform(-1, 1, (_IMAGES, *source.shape[1:])).astype(np.float32)
    return noise, np.concatenate([answer.ravel() for answer in session.run(None, {source.name: noise})])
