"""One backend in a process of its own, `worker.py SPEC`: lines of JSON come in on stdin and go out on stdout.

This file is run as a script and imports nothing of the project, so that a cold start is the backend's alone, and that
onnxruntime is measured without paddle in its process. SPEC is a JSON object: `library`, `options`, `model` (a path
without suffix), `threads`, and `images` (an .npy file, float32 [N, 1, 28, 28]).

It sends `{"ready": {...}}` after its first answer, or `{"unavailable": reason}`. Then it takes requests until stdin
ends, and sends `{"answer": ...}` for each:

    {"do": "answer", "batch": n}                 the model's output for the first n images
    {"do": "time", "batch": n, "seconds": s}     the duration of each call, in ns
    {"do": "memory"}                             the process's largest resident size until now, in bytes
"""

import zlib  # noqa: F401  (before paddle, whose own inflate would take its place)

# isort: split
import ctypes
import importlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_WARM_UP = 2  # untimed calls of each turn: caches are cold after the other backends' turns
_LEAST_CALLS = 2
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class UnavailableError(Exception):
    """The backend cannot run on this machine; the message says why."""


@dataclass(frozen=True)
class Model:
    """A loaded model: a call from NumPy array to NumPy array, and what the library says that it runs on."""

    run: Callable[[Array], Array]
    providers: list[str]


def load_executor(spec: dict[str, Any]) -> Model:
    """The Program as Paddle's Executor runs it."""
    import paddle

    paddle.enable_static()
    executor = paddle.static.Executor(paddle.CPUPlace())
    program, (name,), outputs = paddle.static.load_inference_model(spec["model"], executor)
    return Model(
        run=lambda images: executor.run(program, feed={name: images}, fetch_list=outputs)[0],
        providers=["CPUPlace"],
    )


def load_predictor(spec: dict[str, Any]) -> Model:
    """Paddle Inference on the CPU; the option `onednn` chooses between oneDNN's kernels and Paddle's own."""
    from paddle import inference

    config = inference.Config(spec["model"] + ".pdmodel", spec["model"] + ".pdiparams")
    config.disable_gpu()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(spec["threads"])
    if spec["options"]["onednn"]:
        config.enable_mkldnn()
        if not config.mkldnn_enabled():
            raise UnavailableError("this build of Paddle has no oneDNN")
    else:
        config.disable_mkldnn()  # it is on by default
    predictor = inference.create_predictor(config)
    source = predictor.get_input_handle(predictor.get_input_names()[0])
    result = predictor.get_output_handle(predictor.get_output_names()[0])

    def run(images: Array) -> Array:
        source.reshape(images.shape)
        source.copy_from_cpu(images)
        predictor.run()
        answers: Array = result.copy_to_cpu()
        return answers

    return Model(run, ["CPU, oneDNN" if config.mkldnn_enabled() else "CPU"])


def load_session(spec: dict[str, Any]) -> Model:
    """onnxruntime with one execution provider, `provider`, and its `provider_options`."""
    import onnxruntime

    provider = spec["options"]["provider"]
    if provider not in onnxruntime.get_available_providers():
        raise UnavailableError(f"this build of onnxruntime has no {provider}")
    if provider != "CPUExecutionProvider":
        _need_nvidia_driver()
        os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # TensorRT has no option of its own for it
        onnxruntime.preload_dlls()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = spec["threads"]
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        spec["model"] + ".onnx", options, providers=[(provider, spec["options"].get("provider_options", {}))]
    )
    providers = session.get_providers()
    if provider != providers[0]:
        raise UnavailableError(
            f"onnxruntime could not start {provider} and fell back to {providers[0]}"
            " (libraries for NVIDIA: pip install 'onnxruntime-gpu[cuda,cudnn]')"
        )
    name = session.get_inputs()[0].name
    return Model(lambda images: session.run(None, {name: images})[0], providers)


LIBRARIES = {
    "paddle.static": load_executor,
    "paddle.inference": load_predictor,
    "onnxruntime": load_session,
}


def main(spec: dict[str, Any]) -> None:
    """Load what `spec` names, say so, and answer what is asked until stdin ends."""
    if sys.platform == "linux":  # a worker that is stopped for another's turn would outlive a parent that is killed
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the libraries log on stdout: the replies' own pipe stays clean

    def send(**reply: Any) -> None:
        print(json.dumps(reply), file=replies, flush=True)

    images = np.load(spec["images"])
    try:
        model, ready = _load(spec, images[:1])
    except UnavailableError as reason:
        send(unavailable=str(reason))
        return
    send(ready=ready)
    for line in sys.stdin:
        request = json.loads(line)
        send(answer=REQUESTS[request["do"]](model, images, request))


def _load(spec: dict[str, Any], image: Array) -> tuple[Model, dict[str, Any]]:
    """Return the model and what it took to load it and to have the first answer of it."""
    began = time.perf_counter_ns()
    library = spec["library"]
    try:
        importlib.import_module(library)
    except ImportError as error:
        raise UnavailableError(f"{library} cannot be imported: {error}") from None
    imported = time.perf_counter_ns()
    model = LIBRARIES[library](spec)
    loaded = time.perf_counter_ns()
    model.run(image)
    answered = time.perf_counter_ns()
    return model, {
        "version": sys.modules[library.partition(".")[0]].__version__,
        "providers": model.providers,
        "import_ns": imported - began,
        "load_ns": loaded - imported,
        "first_answer_ns": answered - loaded,
        "peak_bytes": peak_bytes(),
    }


def answer(model: Model, images: Array, request: dict[str, Any]) -> list[list[float]]:
    """Return the model's output for the first images."""
    answers: list[list[float]] = model.run(images[: request["batch"]]).tolist()
    return answers


def time_calls(model: Model, images: Array, request: dict[str, Any]) -> list[int]:
    """Return the duration of each call in ns; the whole turn takes about `seconds`, its untimed calls included."""
    end = time.perf_counter_ns() + int(request["seconds"] * 1e9)
    batch = images[: request["batch"]]
    for _ in range(_WARM_UP):
        model.run(batch)
    durations: list[int] = []
    while len(durations) < _LEAST_CALLS or time.perf_counter_ns() < end:
        start = time.perf_counter_ns()
        model.run(batch)
        durations.append(time.perf_counter_ns() - start)
    return durations


def peak_bytes(*_: Any) -> int:
    """Return the largest resident size that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux, where ru_maxrss also counts the process that started this one
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


REQUESTS: dict[str, Callable[[Model, Array, dict[str, Any]], Any]] = {
    "answer": answer,
    "time": time_calls,
    "memory": peak_bytes,
}


def _need_nvidia_driver() -> None:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        raise UnavailableError("no NVIDIA driver on this machine (libcuda.so.1 does not load)") from None


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
