"""A model.onnx opened: session, what kind of model it is, and the provider that really runs it."""

from __future__ import annotations

import contextlib
import ctypes
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from export.compiled import compiled
from export.conversion.signature import TensorSpec
from export.kind import Floats, Images, Kind, Pixels, Shape, Table, decide, is_batch, row_shape
from export.settings import Setting, read_settings
from fluidline.errors import DataError, FluidlineError, UsageError
from fluidline.machine import cores
from fluidline.runs import DEFAULT_ROOT, LATEST, RunFolder, find_run

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
OPTIMISATIONS = ("basic", "extended", "all")  # onnxruntime's levels of graph optimisation
_BATCH, _GPU_BATCH = 32, 4096  # images a call: what hides its own cost and the caches hold; what fills a GPU
_FATAL, _ERROR, _WARNING = 4, 3, 2  # onnxruntime's severities; the last is its default
_DTYPES = {"float": "float32", "double": "float64"}  # what onnxruntime calls otherwise than NumPy
_NUMBERS = ("bool", *(f"{kind}{bits}" for bits in (8, 16, 32, 64) for kind in ("int", "uint", "float")))


@dataclass(frozen=True)
class Model:
    """An opened model; safe to call from several threads at once.

    `setting` says how it is run, and that as many as `setting.calls` threads had best call it.
    """

    path: Path
    name: str
    kind: Kind
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    provider: str
    session: Any
    setting: Setting

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it gives probabilities of, () where it gives a value."""
        return self.kind.labels

    @property
    def images(self) -> Images:
        """The images that it takes. Raises DataError where it takes something else."""
        if isinstance(self.kind.takes, Images):
            return self.kind.takes
        raise self._other("images")

    @property
    def table(self) -> Table:
        """The table that it takes. Raises DataError where it takes something else."""
        if isinstance(self.kind.takes, Table):
            return self.kind.takes
        raise self._other("a table")

    @property
    def is_batched(self) -> bool:
        """Whether all that it takes and gives is one tensor of float32, [batch, fixed sizes]."""
        return len(self.inputs) == len(self.outputs) == 1 and is_batch(self.inputs[0]) and is_batch(self.outputs[0])

    @cached_property
    def input_name(self) -> str:
        return self.inputs[0].name

    @cached_property
    def shape(self) -> Shape:
        """The shape of one image or row, as the model takes it."""
        return row_shape(self.inputs[0])

    def classify(self, pixels: Pixels) -> Floats:
        """Return the answers, float32 [n, labels or 1], to images uint8 [n, height, width], light ink on dark."""
        return self.run(self.images.normalise(pixels))

    def run(self, rows: Floats) -> Floats:
        """Return the first output, float32 [n, labels or 1], for normalised images or rows float32 [n, *shape]."""
        size = self.setting.batch
        if len(rows) <= size:
            answers: Floats = self.session.run(None, {self.input_name: rows})[0]
            return answers
        return np.concatenate([self.run(rows[start : start + size]) for start in range(0, len(rows), size)])

    def run_tensors(self, feed: Mapping[str, npt.NDArray[Any]], names: list[str]) -> list[npt.NDArray[Any]]:
        """Return the outputs `names` for tensors of any kind."""
        answers: list[npt.NDArray[Any]] = self.session.run(names, feed)
        return answers

    def _other(self, wanted: str) -> DataError:
        return DataError(f"{self.path} does not take {wanted}: {self.kind.why or f'it takes {self.kind}'}")


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
    fewer bits. Raises DataError where the file is no ONNX model or its metadata contradict it, and FluidlineError where
    the device is not to be had.
    """
    path = Path(path)
    session = _open_on_gpu(path, required=device == "gpu") if device == "gpu" or _may_use_gpu(device) else None
    setting = Setting(path.name, batch=_GPU_BATCH) if session else Setting(path.name, calls=cores(), batch=_BATCH)
    if session is None:
        tuned = read_settings(path, purpose, approximate) if purpose else None
        setting = tuned or setting
        file = path.parent / setting.file if tuned or not purpose else compiled(path)
        session = _open(file, session_options(setting.threads, setting.optimisation), [CPU])
    metadata = session.get_modelmeta().custom_metadata_map
    inputs, outputs = (_specs(path, values) for values in (session.get_inputs(), session.get_outputs()))
    try:
        kind = decide(inputs, metadata, lambda: _try(path, session, inputs[0]))
    except DataError as error:
        raise _unusable(path, str(error)) from error
    return Model(
        path=path,
        name=metadata.get("model", path.stem),
        kind=kind,
        inputs=inputs,
        outputs=outputs,
        provider=session.get_providers()[0],
        session=session,
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


def _specs(path: Path, values: Any) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(value.name, _dtype(path, value), tuple(_size(size) for size in value.shape)) for value in values
    )


def _dtype(path: Path, value: Any) -> str:
    kind = value.type.removeprefix("tensor(").removesuffix(")")
    name = _DTYPES.get(kind, kind)
    if value.type == kind or name not in _NUMBERS:
        raise _unusable(path, f"its {value.name} is a {value.type}, not a tensor of numbers")
    return name


def _size(size: int | str | None) -> int | str:
    return "?" if size is None else size


def _try(path: Path, session: Any, source: TensorSpec) -> npt.NDArray[Any]:
    """Run the model once, so that what a device lacks shows now, and return its answer to a black image."""
    black = np.zeros((1, *row_shape(source)), np.float32)
    try:
        answer: npt.NDArray[Any] = session.run(None, {source.name: black})[0]
    except Exception as error:
        raise _unusable(
            path, f"it does not run on {session.get_providers()[0]}: {str(error).splitlines()[0]}"
        ) from error
    return answer


def _unusable(path: Path, reason: str) -> DataError:
    return DataError(f"{path} cannot be used: {reason} (make a model with make export)")
