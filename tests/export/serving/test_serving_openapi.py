from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from classifiers import bar
from running import serving

from export.serving.routes import ROUTES


def test_every_route_is_described_and_every_answer_too(server):
    document = server.get("/openapi.json").json
    assert {(method.upper(), path) for path, methods in document["paths"].items() for method in methods} == {
        (route.method, route.path) for route in ROUTES
    }
    predict = document["paths"]["/predict"]["post"]
    assert set(predict["requestBody"]["content"]) == {
        "application/json",
        "image/*",
        "multipart/form-data",
        "application/octet-stream",
    }
    assert {parameter["name"] for parameter in predict["parameters"]} >= {"model", "top", "fit", "timing"}
    assert {"200", "400", "413", "415", "422", "503"} <= set(predict["responses"])
    names = {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}
    assert len(names) == len(ROUTES)


def test_the_pages_to_read_load_nothing_from_elsewhere(server):
    for path in ("/", "/docs"):
        page = server.get(path)
        assert page.status == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert not re.findall(rb"""(?:src|href)=["']?(?:https?:)?//""", page.body)
        for name in re.findall(r"""(?:src|href)=["'](?!data:)([^"'#?]+)["']""", page.body.decode()):
            assert server.get("/" + name.lstrip("./")).status == 200
    text = server.get("/docs").body.decode()
    assert all(f"{route.method} {route.path}" in text for route in ROUTES)


def test_the_example_of_the_description_works(server):
    content = server.get("/openapi.json").json["paths"]["/predict"]["post"]["requestBody"]["content"]
    example = content["application/json"]["example"]
    assert len(example["pixels"]) == bar(0).size
    assert server.post_json("/predict", example).status == 200


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("key", [None, "secret"])
def test_schemathesis_finds_nothing(bars, key):
    pytest.importorskip("schemathesis", reason="needs schemathesis")
    with serving("--model", bars, "--workers", 1, env={"FLUIDLINE_API_KEY": key or ""}) as server:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{server.port}/openapi.json"]
        command += ["--checks", "all", "--max-examples", "20", "--seed", "1", "--no-color"]
        command += ["--exclude-checks", "positive_data_acceptance"]  # no schema can say which bytes are an image
        if key:
            command += ["--header", f"Authorization: Bearer {key}", "--phases", "examples,coverage"]
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        found = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False, env=environment)
        assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
