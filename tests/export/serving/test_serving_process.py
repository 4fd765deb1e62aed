"""The server as a process: its start and end, its workers, its models replaced while it runs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection

import pytest
from bodies import floats, http, png
from classifiers import bar, write_classifier
from processes import are_gone, have_ended, wait_for
from running import ROOT, Server, serving

from export.__main__ import export
from fluidline.cli import main
from fluidline.runs import RunFolder

RAW = "application/octet-stream"


class Load:
    """Threads that ask one request after the other, and what they were answered."""

    def __init__(self, server: Server, threads: int = 3) -> None:
        self.statuses: list[int] = []
        self.labels: set[str] = set()
        self.versions: set[str] = set()
        self._server = server
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        body = http("POST", "/predict", floats(3), Content_Type=RAW)
        with self._server.connect() as connection:
            while not self._over.is_set():
                connection.send(body)
                answer = connection.read()
                self.statuses.append(answer.status)
                if answer.status == 200:
                    self.labels.update(answer.labels)
                    self.versions.add(answer.json["version"])


def test_it_imports_neither_paddle_nor_what_makes_models(bars):
    script = (
        "import sys, export.serve, export.serving.worker, export.serving.metrics, export.serving.supervisor;"
        "print([name for name in sys.modules if name.split('.')[0] in ('paddle', 'pipeline', 'onnx', 'matplotlib')])"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert found.stdout.strip() == "[]"


def test_it_says_where_it_is_and_on_what_it_runs_and_stops_when_told(bars):
    server = Server("--model", bars, "--workers", 2).wait_until_ready()
    line = server.wait_for_log("serving bars")
    assert "CPUExecutionProvider" in line["message"]
    assert {"time", "level", "process", "path"} <= set(line)
    ready = server.get("/health/ready").json
    assert ready["workers"] == {"ready": 2, "of": 2}
    assert ready["models"][0]["provider"] == "CPUExecutionProvider"
    assert server.get("/health").json == ready
    assert server.get("/health/live").json == {"status": "live"}
    workers = server.workers
    assert len(workers) == 2
    assert server.stop() == 0
    assert are_gone(workers)


def test_no_worker_answers_before_all_have_loaded(bars):
    """Or else who was answered once would be refused by the next."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server("--model", bars, "--workers", 2, "--port", port)
    server.port = port

    def status() -> int | None:
        client = HTTPConnection("127.0.0.1", port, timeout=0.5)
        try:
            client.request("POST", "/predict", floats(3), {"Content-Type": RAW})
            return client.getresponse().status
        except OSError:  # nobody listens yet, or the one who stands still was asked
            return None
        finally:
            client.close()

    try:
        late = server.wait_for(lambda: server.workers[1:])[0]
        os.kill(late, signal.SIGSTOP)
        server.wait_for(lambda: status() == 503)
        time.sleep(1)  # in which the other one has loaded
        assert {status() for _ in range(20)} <= {503, None}
        os.kill(late, signal.SIGCONT)
        server.wait_for(lambda: status() == 200)
        assert [status() for _ in range(20)] == [200] * 20
    finally:
        server.stop()


def test_what_was_accepted_is_answered_before_it_ends(bars):
    with serving("--model", bars, "--workers", 1) as server:
        body = http("POST", "/predict?fit=1", png(255 - bar(3)), Content_Type="image/png")
        with server.connect() as busy, server.connect() as half:
            half.send(body[:-100])
            busy.send(body * 30)
            server.wait_for(lambda: server.metric("fluidline_connections") >= 2)
            server.process.send_signal(signal.SIGTERM)
            half.send(body[-100:])
            answers = [busy.read() for _ in range(30)]
            assert [answer.status for answer in answers] == [200] * 30
            late = half.read()
            assert (late.status, late.headers["connection"]) == (200, "close")
            assert half.has_ended()
        assert server.stop() == 0


def test_it_ends_within_the_grace_time_whatever_a_client_does(bars):
    with serving("--model", bars, "--workers", 1, "--grace", 0.5) as server, server.connect() as connection:
        connection.send(b"POST /predict HTTP/1.1\r\nContent-Length: 10\r\n\r\n")
        server.wait_for(lambda: server.metric("fluidline_connections") >= 1)
        assert server.stop() == 0


def test_a_port_in_use_is_an_error(server, bars, capsys):
    assert main(export, ["serve", "--model", str(bars), "--port", str(server.port)]) == 1
    error = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1 port {server.port}: address already in use" in error
    assert "--port" in error


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["--model", "nothing.onnx"], 1, "no such model: nothing.onnx"),
        (["--run", "nothing"], 1, "no such run"),
        (["--model", "{bars}", "--model", "{bars}"], 2, "two models are bars"),
        (["--model", "{bars}", "--device", "gpu"], 1, "--allow-cpu-fallback"),
        (["--model", "{bars}", "--max-queue", "10"], 2, "--max-images"),
        (["--model", "{bars}", "--host", "256.1.1.1"], 1, "cannot listen"),
        (["--modle", "{bars}"], 2, "--model"),
    ],
)
def test_what_cannot_be_served_is_an_error_in_a_line(bars, arguments, code, named):
    filled = [argument.format(bars=bars) for argument in arguments]
    command = [sys.executable, "-m", "export", "serve", "--port", "0", *filled]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == code
    assert named in found.stderr
    assert "Traceback" not in found.stderr


def test_without_a_gpu_the_cpu_serves_where_that_is_allowed(bars):
    with serving("--model", bars, "--workers", 1, "--device", "gpu", "--allow-cpu-fallback") as server:
        assert server.get("/health").json["models"][0]["provider"] == "CPUExecutionProvider"
        server.wait_for_log("falling back to the CPU")


def test_a_worker_that_is_killed_is_replaced_and_its_counts_stay(bars):
    with serving("--model", bars, "--workers", 2) as server:
        for _ in range(20):
            assert server.post("/predict", floats(1), RAW).status == 200
        before = server.workers
        os.kill(before[0], signal.SIGKILL)
        server.wait_for_log("killed by SIGKILL; it is replaced")
        server.wait_for(lambda: server.get("/health").json["workers"]["ready"] == 2)
        assert len(set(server.workers) - set(before)) == 1
        for _ in range(20):
            assert server.post("/predict", floats(1), RAW).labels == ["1"]
        assert server.metric('fluidline_requests_total{route="/predict"') == 40
        assert server.metric("fluidline_worker_starts_total") == 3


def test_workers_end_with_the_supervisor_that_is_killed(bars):
    server = Server("--model", bars, "--workers", 2).wait_until_ready()
    workers = server.workers
    server.stop(signal.SIGKILL)
    wait_for(lambda: have_ended(workers))


def test_several_models_are_found_by_name_and_version(bars, tmp_path):
    other = write_classifier(tmp_path / "other.onnx", {"model": "other", "labels": json.dumps(list("abcdefghij"))})
    arguments = ["--model", bars, "--model", f"named:2={other}", "--model", f"named:1={bars}"]
    with serving(*arguments, "--workers", 1) as server:
        listed = {model["name"]: model for model in server.get("/models").json["models"]}
        assert set(listed) == {"bars", "named"}
        assert listed["named"]["versions"] == ["2", "1"]
        assert server.post("/predict", floats(1), RAW).json["model"] == "bars"
        assert server.post("/predict?model=named", floats(1), RAW).labels == ["b"]
        assert server.post("/predict?model=named&version=1", floats(1), RAW).labels == ["1"]
        assert server.get("/v2/models/named").json["versions"] == ["2", "1"]


def test_a_run_is_served_by_its_name(tmp_path):
    run = RunFolder(tmp_path / "runs" / "mine")
    run.onnx.parent.mkdir(parents=True)
    write_classifier(run.onnx, {"model": "lenet"})
    run.write_stage("onnx", [run.onnx], {})
    with serving("--runs-dir", tmp_path / "runs", "--run", "mine", "--workers", 1) as server:
        assert server.post("/predict", floats(1), RAW).json["model"] == "lenet"


def test_a_changed_model_is_taken_without_losing_a_request_and_a_broken_one_is_not(bars, tmp_path):
    path = tmp_path / "model.onnx"
    shutil.copy(bars, path)
    with serving("--model", path, "--workers", 2) as server:
        first = server.get("/models").json["models"][0]["version"]
        with Load(server) as load:
            new = write_classifier(tmp_path / "new", {"labels": json.dumps(list("abcdefghij"))})
            os.replace(new, path)
            server.wait_for(lambda: server.metric('fluidline_reloads_total{result="done"}') == 2)
            second = server.get("/models").json["models"][0]["version"]
            path.write_bytes(b"no model")
            server.process.send_signal(signal.SIGHUP)
            server.wait_for(lambda: server.metric('fluidline_reloads_total{result="refused"}') >= 2)
            path.unlink()
            server.process.send_signal(signal.SIGHUP)
            server.wait_for(lambda: server.metric('fluidline_reloads_total{result="refused"}') >= 4)
            assert server.get("/models").json["models"][0]["version"] == second
        assert first != second
        assert set(load.statuses) == {200}
        assert load.labels == {"3", "d"}
        assert load.versions == {first, second}
        assert "no such model" in server.wait_for_log("stay as they were.*no such model")["message"]
        assert server.get("/health/ready").status == 200


def reload_under_load(server: Server, path, other, times: int) -> Load:
    with Load(server) as load:
        for count in range(1, times + 1):
            shutil.copy(other if count % 2 else path.with_name("first.onnx"), path.with_name("part"))
            os.replace(path.with_name("part"), path)
            server.process.send_signal(signal.SIGHUP)
            server.wait_for(lambda done=count: server.metric('fluidline_reloads_total{result="done"}') >= done)
    return load


@pytest.mark.parametrize("times", [20, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_reloads_under_load_lose_no_request_and_keep_no_memory(bars, tmp_path, times):
    path = tmp_path / "model.onnx"
    shutil.copy(bars, path)
    shutil.copy(bars, tmp_path / "first.onnx")
    other = write_classifier(tmp_path / "other.onnx", {"model": "bars", "labels": json.dumps(list("abcdefghij"))})
    with serving("--model", f"bars={path}", "--workers", 1) as server:
        reload_under_load(server, path, other, 4)
        before = server.memory()
        load = reload_under_load(server, path, other, times)
        assert set(load.statuses) == {200}
        assert load.labels == {"3", "d"}
        assert server.memory() - before < 40 << 20


def test_with_a_key_only_those_who_bring_it_are_answered(bars):
    with serving("--model", bars, "--workers", 1, env={"FLUIDLINE_API_KEY": "secret"}) as server:
        refused = server.post("/predict", floats(1), RAW)
        assert (refused.status, refused.code, refused.headers["www-authenticate"]) == (401, "unauthorised", "Bearer")
        assert server.post("/predict", floats(1), RAW, Authorization="Bearer wrong").status == 401
        for header in ({"Authorization": "Bearer secret"}, {"X-API-Key": "secret"}):
            assert server.post("/predict", floats(1), RAW, **header).labels == ["1"]
        for path in ("/models", "/metrics", "/v2/models/bars"):
            assert server.get(path).status == 401
        for path in ("/", "/docs", "/openapi.json", "/health/live", "/health/ready", "/v2/health/ready"):
            assert server.get(path).status == 200
        assert "secret" not in json.dumps(server.lines)


def test_requests_are_logged_where_asked(bars):
    with serving("--model", bars, "--workers", 1, "--access-log") as server:
        server.post("/predict", floats(1), RAW, **{"X-Request-Id": "mine"})
        line = server.wait_for_log("answered")
        assert (line["request"], line["method"], line["path"], line["status"]) == ("mine", "POST", "/predict", 200)
        assert line["milliseconds"] > 0


def test_the_counts_of_all_workers_are_one(server):
    before = server.metric('fluidline_requests_total{route="/predict",status="422"}')
    for _ in range(30):
        server.post("/predict", b"x", RAW)
    assert server.metric('fluidline_requests_total{route="/predict",status="422"}') == before + 30
    text = server.get("/metrics").body.decode()
    for name in (
        'fluidline_request_seconds_bucket{le="0.01",route="/predict"}',
        'fluidline_batch_images_count{model="bars"}',
        "fluidline_queue_images 0.0",
        'fluidline_model_info{model="bars",provider="CPUExecutionProvider"',
        "fluidline_workers_ready 2.0",
    ):
        assert name in text


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_memory_is_flat_over_many_requests(bars):
    with serving("--model", bars, "--workers", 1) as server, Load(server, threads=4):
        time.sleep(10)
        before = server.memory()
        time.sleep(60)
        assert server.memory() - before < 5 << 20
