"""The benchmark, over real processes of the real libraries, on a model of one layer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from ctypes import util
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from processes import are_gone, children, state, wait_for

from export.__main__ import export
from export.bench import bench, process
from export.bench.backends import BACKENDS, Backend
from export.bench.process import BackendError, Worker
from fluidline.cli import main
from fluidline.errors import DataError, RunError, UsageError
from fluidline.runs import RunFolder, create_run, point_latest

ROOT = Path(__file__).parents[2]
EXECUTOR, _, _, ONNXRUNTIME, CUDA, TENSORRT = BACKENDS
DRIVER = util.find_library("cuda")

SAVE_PADDLE_MODEL = """
import sys, zlib
import numpy, paddle
paddle.enable_static()
image = paddle.static.data("img", [None, 1, 28, 28], "float32")
weight = paddle.static.create_parameter([784, 10], "float32", name="weight")
answer = paddle.nn.functional.softmax(paddle.matmul(paddle.flatten(image, 1), weight))
executor = paddle.static.Executor(paddle.CPUPlace())
executor.run(paddle.static.default_startup_program())
paddle.static.global_scope().find_var("weight").get_tensor().set(numpy.load(sys.argv[1]), paddle.CPUPlace())
paddle.static.save_inference_model(sys.argv[2], [image], [answer], executor)
"""

FAULTY_WORKER = f"""
import importlib.util, json, os, signal, sys, time
spec = importlib.util.spec_from_file_location("worker", {str(process.WORKER)!r})
worker = sys.modules["worker"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
FAULTS = {{
    None: lambda: None,
    "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "raise": lambda: [][0],
    "hang": lambda: time.sleep(60),
    "die while timed": lambda: worker.REQUESTS.update(time=lambda *_: os._exit(3)),
}}
arguments = json.loads(sys.argv[1])
FAULTS[arguments["options"].pop("fault", None)]()
worker.main(arguments)
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `inference` with a model of one layer as Paddle writes it, and `onnx` with the same as ONNX."""
    folder = tmp_path_factory.mktemp("models")
    weight = np.random.default_rng(3).normal(0, 0.05, (784, 10)).astype(np.float32)
    np.save(folder / "weight.npy", weight)
    command = [sys.executable, "-c", SAVE_PADDLE_MODEL, folder / "weight.npy", folder / "inference" / "model"]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    (folder / "onnx").mkdir()
    save_onnx(weight, folder / "onnx" / "model.onnx")
    return folder


@pytest.fixture
def run(models: Path, tmp_path: Path) -> RunFolder:
    """An exported run of its own for each test, beside ten test images."""
    run = create_run("tiny", tmp_path / "runs")
    shutil.copytree(models / "inference", run.inference)
    shutil.copytree(models / "onnx", run.onnx.parent)
    run.config.write_text(json.dumps({"data": str(save_images(tmp_path / "data"))}))
    facts = {
        "model": "tiny",
        "input": {"name": "img", "shape": [1, 28, 28], "dtype": "float32"},
        "preprocessing": {"size": [28, 28], "scale": 2 / 255, "shift": -1.0, "ink": "light"},
    }
    run.write_stage("inference", list(run.inference.iterdir()), facts)
    run.write_stage("onnx", [run.onnx], facts, parent="inference")
    point_latest(run)
    return run


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Backend]:
    """A function that makes onnxruntime's row with a fault, which its process then has."""
    script = tmp_path / "faulty_worker.py"
    script.write_text(FAULTY_WORKER)
    monkeypatch.setattr(process, "WORKER", script)
    return lambda fault: Backend("faulty", "onnxruntime", "onnx", {**ONNXRUNTIME.options, "fault": fault})


def save_onnx(weight: np.ndarray, path: Path) -> None:
    shape = ["batch", 1, 28, 28]
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["img"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weight"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["prediction"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("img", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(weight, "weight")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def save_images(folder: Path) -> Path:
    folder.mkdir()
    images = np.random.default_rng(4).integers(0, 256, (10, 28, 28)).astype(np.uint8)
    for prefix in ("train", "t10k"):
        header = struct.pack(">4B3I", 0, 0, 8, 3, *images.shape)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, 10) + bytes(range(10)))
    return folder


def specification(run: RunFolder, backend: Backend, images: Path) -> dict[str, Any]:
    """What a worker is told, with one grey image in the file `images`."""
    np.save(images, np.zeros((1, 1, 28, 28), np.float32))
    model, options = str(backend.model(run)), dict(backend.options)
    return {"library": backend.library, "options": options, "model": model, "threads": 1, "images": str(images)}


def test_the_executor_and_onnxruntime_are_compared_timed_and_written_down(run: RunFolder) -> None:
    report = bench(run, tuned=False, batches=(1, 4), seconds=1, threads=1, backends=(EXECUTOR, ONNXRUNTIME))

    executor, onnxruntime = report.backends
    assert [result.status for result in report.backends] == ["measured", "measured"]
    assert onnxruntime.compared_to == "Paddle executor"
    assert onnxruntime.largest_difference is not None
    assert 0 <= onnxruntime.largest_difference < 1e-6
    assert onnxruntime.providers == ["CPUExecutionProvider"]
    for result in report.backends:
        assert [timing.batch for timing in result.timings] == [1, 4]
        assert all(timing.calls >= 10 for timing in result.timings)
        assert all(0 < timing.p50_ms <= timing.p95_ms <= timing.p99_ms for timing in result.timings)
        assert result.cold_start_ms > result.import_ms > 0
        assert result.memory_peak_mib >= result.memory_loaded_mib > 10
    assert onnxruntime.model_bytes == run.onnx.stat().st_size
    assert executor.model_bytes == sum(file.stat().st_size for file in run.inference.iterdir())
    assert json.loads((run.bench / "bench.json").read_text()) == report.as_json()
    assert "| Paddle executor " in (run.bench / "bench.md").read_text()
    assert (run.bench / "bench.png").read_bytes().startswith(b"\x89PNG")
    entry = run.read_stage("bench", "python -m export bench")
    assert entry["parent"] == "onnx"
    assert sorted(entry["files"]) == ["bench/bench.json", "bench/bench.md", "bench/bench.png"]


@pytest.mark.slow
def test_every_cpu_backend_runs_agrees_and_is_printed_as_json_by_the_command(run: RunFolder) -> None:
    options = ["--runs-dir", str(run.path.parent), "--batches", "1,8", "--seconds", "1", "--json"]
    command = [sys.executable, "-m", "export", "bench", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [row["name"] for row in report["backends"]] == [backend.name for backend in BACKENDS]
    for row in report["backends"][:4]:
        assert row["status"] == "measured"
        assert [timing["batch"] for timing in row["timings"]] == [1, 8]
    assert report["protocol"]["images"].startswith("test images of")
    assert "onnxruntime::" not in done.stderr


def test_a_changed_model_that_answers_otherwise_is_an_error_row_without_figures(run: RunFolder) -> None:
    weight = np.random.default_rng(5).normal(0, 0.05, (784, 10)).astype(np.float32)
    save_onnx(weight, run.onnx)
    run.write_stage("onnx", [run.onnx], {}, parent="inference")

    report = bench(run, tuned=False, batches=(2,), seconds=0.1, threads=1, backends=(EXECUTOR, ONNXRUNTIME))

    assert [result.status for result in report.backends] == ["measured", "disagrees"]
    assert report.failures == [report.backends[1]]
    assert "differ from those of Paddle executor" in report.backends[1].reason
    assert report.backends[1].timings == []


def test_answers_that_are_not_numbers_disagree_and_leave_valid_json(run: RunFolder) -> None:
    save_onnx(np.full((784, 10), np.nan, np.float32), run.onnx)
    run.write_stage("onnx", [run.onnx], {}, parent="inference")

    report = bench(run, tuned=False, batches=(1,), seconds=0.1, threads=1, backends=(EXECUTOR, ONNXRUNTIME))

    assert [result.status for result in report.backends] == ["measured", "disagrees"]
    assert "Infinity" not in (run.bench / "bench.json").read_text()


def test_the_one_that_disagrees_is_named_though_it_comes_first(run: RunFolder, tmp_path: Path) -> None:
    class Other(Backend):
        def model(self, run: RunFolder) -> Path:
            return tmp_path / "other"

    save_onnx(np.eye(784, 10, dtype=np.float32), tmp_path / "other.onnx")
    other = Other("other", "onnxruntime", "onnx", ONNXRUNTIME.options)
    twin = Backend("twin", "onnxruntime", "onnx", ONNXRUNTIME.options)

    report = bench(run, tuned=False, batches=(1,), seconds=0.1, threads=1, backends=(other, ONNXRUNTIME, twin))

    assert [result.status for result in report.backends] == ["disagrees", "measured", "measured"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("crash", "stopped by SIGSEGV"), ("raise", "IndexError"), ("die while timed", "ended with exit code 3")],
)
def test_a_backend_that_crashes_is_a_row_with_its_reason_and_the_others_are_measured(
    run: RunFolder, faulty: Callable[[str], Backend], fault: str, reason: str
) -> None:
    report = bench(run, tuned=False, batches=(1,), seconds=0.1, threads=1, backends=(faulty(fault), ONNXRUNTIME))

    crashed, well = report.backends
    assert (crashed.status, well.status) == ("failed", "measured")
    assert reason in crashed.reason
    assert crashed.timings == []
    assert len(well.timings) == 1
    assert crashed.reason in (run.bench / "bench.md").read_text()


def test_a_backend_that_hangs_is_ended_and_said_to_hang(
    run: RunFolder, faulty: Callable[[str], Backend], tmp_path: Path
) -> None:
    spec = specification(run, faulty("hang"), tmp_path / "image.npy")
    with pytest.raises(BackendError, match=r"gave no answer in 0\.5 s") as caught:
        Worker(spec, tmp_path / "log", timeout_s=0.5)
    assert caught.value.status == "failed"


def test_a_backend_that_dies_between_two_questions_is_found_at_the_next(run: RunFolder, tmp_path: Path) -> None:
    with Worker(specification(run, ONNXRUNTIME, tmp_path / "image.npy"), tmp_path / "log") as worker:
        worker.process.kill()
        worker.process.wait()
        with pytest.raises(BackendError, match="stopped by SIGKILL"):
            worker.ask(do="answer", batch=1)


def test_where_nothing_can_be_measured_the_report_says_so_and_has_no_picture(
    run: RunFolder, faulty: Callable[[str], Backend]
) -> None:
    report = bench(run, tuned=False, batches=(1,), seconds=0.1, threads=1, backends=(faulty("crash"),))

    assert report.measured == []
    assert sorted(file.name for file in run.bench.iterdir()) == ["bench.json", "bench.md"]


def test_the_worker_of_onnxruntime_imports_no_paddle_and_one_of_paddle_says_that_it_is_missing(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap" / "paddle"
    trap.mkdir(parents=True)
    trap.joinpath("__init__.py").write_text("raise ImportError('caught in the trap')")
    monkeypatch.setenv("PYTHONPATH", str(trap.parent))

    with pytest.raises(BackendError, match="caught in the trap") as caught:
        Worker(specification(run, EXECUTOR, tmp_path / "image.npy"), tmp_path / "log")
    assert caught.value.status == "unavailable"
    with Worker(specification(run, ONNXRUNTIME, tmp_path / "image.npy"), tmp_path / "log") as worker:
        assert np.shape(worker.ask(do="answer", batch=1)["answer"]) == (1, 10)


@pytest.mark.skipif(DRIVER is not None, reason="this machine has an NVIDIA driver")
def test_without_an_nvidia_driver_no_row_of_a_gpu_is_claimed_and_nothing_loud_is_printed(
    run: RunFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    report = bench(run, tuned=False, batches=(1,), seconds=0.1, threads=1, backends=(ONNXRUNTIME, CUDA, TENSORRT))

    for row in report.backends[1:]:
        assert row.status == "unavailable"
        assert "no NVIDIA driver" in row.reason
        assert (row.providers, row.timings, row.cold_start_ms) == ([], [], None)
    assert report.failures == []
    assert "rror" not in "".join(capfd.readouterr())


@pytest.mark.skipif(DRIVER is not None or sys.platform != "linux", reason="needs Linux without an NVIDIA driver")
def test_a_cuda_session_that_fell_back_to_the_cpu_is_not_claimed_either(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Any library under the driver's name: onnxruntime then tries, and says what it misses.
    library = next(line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libm.so" in line)
    shutil.copy(library, tmp_path / "libcuda.so.1")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))

    with pytest.raises(BackendError, match=r"fell back to CPUExecutionProvider.*cudnn.*: \w+") as caught:
        Worker(specification(run, CUDA, tmp_path / "image.npy"), tmp_path / "log")
    assert caught.value.status == "unavailable"


@pytest.mark.gpu
@pytest.mark.skipif(DRIVER is None, reason="needs an NVIDIA driver")
def test_on_a_gpu_the_cuda_row_runs_on_cuda(run: RunFolder) -> None:
    report = bench(run, tuned=False, batches=(1,), seconds=1, threads=1, backends=(ONNXRUNTIME, CUDA))
    assert [result.status for result in report.backends] == ["measured", "measured"]
    assert report.backends[1].providers[0] == "CUDAExecutionProvider"


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_no_worker_outlives_a_benchmark_that_is_killed(run: RunFolder, tmp_path: Path) -> None:
    options = ["--runs-dir", str(run.path.parent), "--batches", "1", "--seconds", "60"]
    benchmark = subprocess.Popen(
        [sys.executable, "-m", "export", "bench", *options],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},  # where a killed benchmark leaves its images
        stderr=subprocess.PIPE,
    )
    try:
        workers = wait_for(lambda: [worker for worker in children(benchmark.pid) if state(worker) == "T"], 20)
        benchmark.send_signal(signal.SIGKILL)
    finally:
        benchmark.kill()
        benchmark.communicate()
    wait_for(lambda: are_gone(workers), 20)


def test_an_onnx_file_changed_after_the_export_is_found_by_its_checksum(run: RunFolder) -> None:
    run.onnx.write_bytes(run.onnx.read_bytes() + b" ")
    with pytest.raises(DataError, match=r"model\.onnx was changed"):
        bench(run, tuned=False, batches=(1,), seconds=0.1, backends=(ONNXRUNTIME,))


def test_a_run_without_onnx_names_the_command_that_makes_it(tmp_path: Path) -> None:
    run = create_run("new", tmp_path)
    with pytest.raises(RunError, match="python -m export inference"):
        bench(run)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batches": (0,)}, "0 is no batch size"),
        ({"batches": (1, 5000)}, "5000 is no batch size"),
        ({"batches": (8, 8)}, "each once"),
        ({"batches": ()}, "at least one"),
        ({"seconds": 0}, "must be above 0"),
        ({"seconds": 1e9}, "at most 3600"),
        ({"seconds": float("nan")}, "must be above 0"),
        ({"threads": 0}, "cores"),
        ({"threads": 10_000}, "cores"),
    ],
)
def test_a_value_out_of_range_is_a_usage_error_that_names_it(
    run: RunFolder, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        bench(run, **options)


def test_the_command_exits_with_2_for_wrong_usage_and_1_without_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(export, ["bench", "--batches", "1,x"]) == 2
    assert "'1,x' is no list of whole numbers like 1,8,64" in capsys.readouterr().err
    assert main(export, ["bench", "--runs-dir", str(tmp_path)]) == 1
    assert "no such run" in capsys.readouterr().err


def test_the_command_prints_its_report_and_exits_with_1_where_backends_failed(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('error: broken')")
    monkeypatch.setattr(process, "WORKER", script)

    assert main(export, ["bench", "--runs-dir", str(run.path.parent), "--quick", "--no-tune"]) == 1
    printed = capsys.readouterr()
    assert "Paddle executor is not measured: its process ended with exit code 1: error: broken" in printed.out
    assert "6 of 6 backends failed" in printed.err
