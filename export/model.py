"""A model.onnx opened for classifying images: session, labels, preprocessing, and the provider that really runs it."""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from export.compiled import compiled
from export.settings import Setting, read_settings
from fluidline.errors import DataError, FluidlineError, UsageError
from fluidline.machine import cores
from fluidline.runs import DEFAULT_ROOT, LATEST, RunFolder, find_run

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
SIDE = 28
OPTIMISATIONS = ("basic", "extended", "all")  # onnxruntime's levels of graph optimisation
_BATCH, _GPU_BATCH = 8, 4096  # images a call: as many as the processor's caches hold; what fills a GPU
_FATAL, _ERROR, _WARNING = 4, 3, 2  # onnxruntime's severities; the last is its default


@dataclass(frozen=True)
class Preprocessing:
    """How pixels become the model's input: value = pixel * scale + shift, the ink light on dark or dark on light."""

    scale: float = 2 / 255
    shift: float = -1.0
    ink: str = "light"


@dataclass(frozen=True)
class Model:
    """An opened classifier of 28x28 images; safe to call from several threads at once.

    `setting` says how it is run, and that as many as `setting.calls` threads had best call it.
    """

    path: Path
    name: str
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    provider: str
    session: Any
    input_name: str
    setting: Setting

    def classify(self, pixels: Pixels) -> Floats:
        """Return the probabilities, float32 [n, labels], of images uint8 [n, 28, 28], light ink on dark."""
        return self.run(self.normalise(pixels))

    def normalise(self, pixels: Pixels) -> Floats:
        """Return images uint8 [n, 28, 28], light ink on dark, as the model takes them: float32 [n, 1, 28, 28]."""
        if self.preprocessing.ink == "dark":
            pixels = np.invert(pixels)
        images = pixels.reshape(-1, 1, SIDE, SIDE).astype(np.float32)
        images *= np.float32(self.preprocessing.scale)
        images += np.float32(self.preprocessing.shift)
        return images

    def run(self, images: Floats) -> Floats:
        """Return the probabilities, float32 [n, labels], of normalised images float32 [n, 1, 28, 28]."""
        size = self.setting.batch
        if len(images) <= size:
            probabilities: Floats = self.session.run(None, {self.input_name: images})[0]
            return probabilities
        return np.concatenate([self.run(images[start : start + size]) for start in range(0, len(images), size)])


def locate(run: str | None = None, model: str | Path | None = None, root: str | Path = DEFAULT_ROOT) -> Path:
    """Return the model.onnx that is meant: a file, the one of a run folder, or that of run `run`, the latest if None.

    Raises UsageError where both are given, RunError where the run has none, and DataError where there is no such file,
    or it lies in a run folder and is not the file that the manifest names.
    """
    if run is not None and model is not None:
        raise UsageError(f"a run and a model are given, {run} and {model} (leave one out)")
    if model is None:
        return _checked(find_run(run or LATEST, Path(root)))
    path = Path(model)
    if path.is_dir():
        return _checked(RunFolder(path))
    if not path.is_file():
        raise DataError(f"no such model: {path} (make it: make export; or name another with --model)")
    folder = RunFolder(path.parent.parent)
    return _checked(folder) if path == folder.onnx and folder.manifest.exists() else path


def load(path: str | Path, device: str = "auto", purpose: str | None = None, approximate: bool = False) -> Model:
    """Open a model.onnx, run it once, and return it.

    `device` is cpu, gpu, or auto, which takes a GPU where onnxruntime can really use one. On the CPU it runs as the
    settings beside it say for `purpose`, latency or throughput, or, where there are none that fit, rewritten for the
    processor (`export.compiled`); without a purpose it runs as it is. `approximate` lets the settings name a file of
    fewer bits. Without metadata the labels are 0, 1, 2..., and pixels go from -1 to 1. Raises DataError where the file
    is no ONNX model, or one of something else than 28x28 images, and FluidlineError where the device is not to be had.
    """
    path = Path(path)
    session = _open_on_gpu(path, required=device == "gpu") if device == "gpu" or _may_use_gpu(device) else None
    setting = Setting(path.name, batch=_GPU_BATCH) if session else Setting(path.name, calls=cores(), batch=_BATCH)
    if session is None:
        tuned = read_settings(path, purpose, approximate) if purpose else None
        setting = tuned or setting
        file = path.parent / setting.file if tuned or not purpose else compiled(path)
        session = _open(file, session_options(setting.threads, setting.optimisation), [CPU])
    _check_input(path, session)
    metadata = session.get_modelmeta().custom_metadata_map
    labels = _read_labels(path, metadata, _try(path, session).shape[1])
    return Model(
        path=path,
        name=metadata.get("model", path.stem),
        labels=labels,
        preprocessing=_read_preprocessing(path, metadata),
        provider=session.get_providers()[0],
        session=session,
        input_name=session.get_inputs()[0].name,
        setting=setting,
    )


def session_options(threads: int = 1, optimisation: str = "all") -> Any:
    """Return onnxruntime's options for a session whose calls compute on so many threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_ENABLE_{optimisation.upper()}")
    options.log_severity_level = _ERROR
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other threads have work for the cores
    return options


def _checked(run: RunFolder) -> Path:
    run.read_stage("onnx", f"make export RUN={run.path.resolve().name}")
    return run.onnx


def _may_use_gpu(device: str) -> bool:
    import onnxruntime

    return device == "auto" and CUDA in onnxruntime.get_available_providers() and has_cuda_driver()


def _open_on_gpu(path: Path, required: bool) -> Any:
    """Return a session that runs on CUDA; None where there is none to be had, and an error where it is required."""
    import onnxruntime

    session = None
    if CUDA in onnxruntime.get_available_providers():
        with _quiet(onnxruntime):
            session = _open(path, session_options(), [CUDA, CPU])
    if session is not None and session.get_providers()[0] == CUDA:
        return session
    if required:
        raise FluidlineError(
            "onnxruntime cannot use a GPU here (--device cpu does without; a GPU needs NVIDIA's driver and"
            " pip install 'onnxruntime-gpu[cuda,cudnn]')"
        )
    return None


def _open(path: Path, options: Any, providers: list[str]) -> Any:
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers, enable_fallback=0)
    except Exception as error:  # onnxruntime's exceptions have no base of their own
        raise _unusable(path, f"onnxruntime refuses it: {str(error).splitlines()[0]}") from error


@contextlib.contextmanager
def _quiet(onnxruntime: Any) -> Iterator[None]:
    """Load CUDA where it is installed, and print nothing where it is not: the session's providers say so."""
    onnxruntime.set_default_logger_severity(_FATAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()
            yield
    finally:
        onnxruntime.set_default_logger_severity(_WARNING)


def has_cuda_driver() -> bool:
    """Tell whether NVIDIA's driver is there; whether a GPU can be used shows when a model is opened."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def _check_input(path: Path, session: Any) -> None:
    inputs = session.get_inputs()
    shapes = ", ".join(f"{tensor.name} {tensor.type}{tensor.shape}" for tensor in inputs)
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or inputs[0].shape[1:] != [1, SIDE, SIDE]:
        raise _unusable(path, f"it takes {shapes}, not images [batch, 1, {SIDE}, {SIDE}] of float32")
    if isinstance(inputs[0].shape[0], int):
        raise _unusable(path, f"it takes {inputs[0].shape[0]} images at a time ({shapes}), not any number")


def _try(path: Path, session: Any) -> Floats:
    """Run the model once, so that what a device lacks shows now, and return its answer to a black image."""
    black = np.zeros((1, 1, SIDE, SIDE), np.float32)
    try:
        answer: Floats = session.run(None, {session.get_inputs()[0].name: black})[0]
    except Exception as error:
        raise _unusable(
            path, f"it does not run on {session.get_providers()[0]}: {str(error).splitlines()[0]}"
        ) from error
    if answer.ndim != 2 or answer.shape[0] != 1 or answer.dtype != np.float32:
        raise _unusable(path, f"it answers with {answer.dtype}{list(answer.shape)}, not probabilities [batch, labels]")
    if answer.min() < 0 or abs(float(answer.sum()) - 1) > 1e-3:
        raise _unusable(path, "its answers are no probabilities (let its graph end with softmax)")
    return answer


def _read_preprocessing(path: Path, metadata: dict[str, str]) -> Preprocessing:
    if "preprocessing" not in metadata:
        return Preprocessing()
    try:
        values = json.loads(metadata["preprocessing"])
        size, ink = values["size"], values["ink"]
        preprocessing = Preprocessing(float(values["scale"]), float(values["shift"]), ink)
    except (ValueError, KeyError, TypeError) as error:
        raise _unusable(path, f"its metadata has no readable preprocessing: {error!r}") from error
    if size != [SIDE, SIDE] or ink not in ("light", "dark"):
        raise _unusable(path, f"its metadata asks for {ink} ink on {size}, not for {SIDE}x{SIDE}, light or dark")
    return preprocessing


def _read_labels(path: Path, metadata: dict[str, str], count: int) -> tuple[str, ...]:
    if "labels" not in metadata:
        return tuple(map(str, range(count)))
    try:
        labels = json.loads(metadata["labels"])
    except ValueError as error:
        raise _unusable(path, f"its metadata has no readable labels: {error}") from error
    if not isinstance(labels, list) or len(labels) != count:
        raise _unusable(path, f"its metadata has the labels {labels}, and its answers {count} probabilities")
    return tuple(map(str, labels))


def _unusable(path: Path, reason: str) -> DataError:
    return DataError(f"{path} cannot classify images: {reason} (make a model with make export)")
