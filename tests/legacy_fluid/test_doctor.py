"""`--doctor`: what is installed, whether it fits, and what to do."""

import json
import re
from pathlib import Path

import pytest

from legacy_fluid.__main__ import main
from legacy_fluid.launcher import doctor

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"


@pytest.fixture
def quick(monkeypatch):
    """Without the small program, which takes seconds."""
    monkeypatch.setattr(doctor, "_program", lambda: doctor.Finding("a small program", "runs"))


def with_versions(monkeypatch, **versions):
    installed = doctor.installed
    monkeypatch.setattr(doctor, "installed", lambda name: versions.get(name.replace("-", "_"), installed(name)))


def finding(what):
    return next(finding for finding in doctor.examine().findings if finding.what == what)


def test_this_installation_fits_and_a_small_program_runs(capsys):
    assert main(["--doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["fits"]
    found = {entry["what"]: entry["found"] for entry in report["findings"]}
    assert found["paddlepaddle"] == "2.6.2"
    assert found["a small program"] == "runs"
    assert "CPU" in found["onnxruntime providers"]


def test_the_versions_it_was_tested_with_are_those_that_the_project_installs():
    pins = dict(re.findall(r"^([\w-]+)==([\d.]+)", REQUIREMENTS.read_text(), re.MULTILINE))
    for wanted in doctor.PACKAGES:
        assert wanted.tested == pins[wanted.package]


@pytest.mark.parametrize(
    ("package", "version", "advice"),
    [
        ("paddlepaddle", "1.8.5", "pip install paddlepaddle==2.6.2"),
        ("paddlepaddle", "3.0.0", "pip install paddlepaddle==2.6.2"),
        ("protobuf", "7.0.1", "pip install protobuf==6.33.6  # or any 'protobuf>=3.20.2,<7'"),
        ("numpy", "1.19.5", "pip install numpy==1.26.4"),
        ("paddle2onnx", "2.0.1", "pip install paddle2onnx==1.3.1"),
    ],
)
def test_a_version_that_does_not_fit_is_told_with_the_command_that_mends_it(
    quick, monkeypatch, capsys, package, version, advice
):
    with_versions(monkeypatch, **{package: version})
    assert not finding(package).fits
    assert finding(package).advice.startswith(advice)
    assert main(["--doctor"]) == 1
    out = capsys.readouterr().out
    assert re.search(rf"^NO  {package} +{re.escape(version)}$", out, re.MULTILINE)
    assert out.splitlines()[-1] == "it does not fit together"


def test_a_missing_package_that_everything_needs_does_not_fit(quick, monkeypatch):
    with_versions(monkeypatch, numpy=None)
    assert finding("numpy") == doctor.Finding("numpy", "not installed", False, "pip install numpy==1.26.4")


def test_a_missing_package_that_one_thing_needs_is_only_told(quick, monkeypatch):
    with_versions(monkeypatch, paddle2onnx=None)
    assert finding("paddle2onnx").fits
    assert finding("paddle2onnx").advice == "ONNX export takes it: pip install paddle2onnx==1.3.1"


def test_two_builds_of_one_package_do_not_fit(quick, monkeypatch):
    with_versions(monkeypatch, onnxruntime="1.31.1", onnxruntime_gpu="1.31.1")
    assert finding("onnxruntime-gpu").advice.endswith("pip uninstall onnxruntime-gpu onnxruntime")


@pytest.mark.parametrize(
    ("threads", "fits", "told"),
    [("1", True, ""), ("1000", True, "more threads than cores"), ("many", False, "set it to a number")],
)
def test_threads_are_told(quick, monkeypatch, threads, fits, told):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert finding("threads").fits is fits
    assert told in finding("threads").advice


def test_a_hidden_device_is_told(quick, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert finding("CUDA").found.endswith("programs run on the CPU")
