"""`--doctor`: what is installed of what matters, whether it fits together, and what to do where it does not."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib import metadata

FLUID = "1.8.5"
"""The version of paddle.fluid whose interface this is."""


@dataclass(frozen=True)
class Finding:
    """One thing examined: what was found, whether it fits, and what to do where it does not, or may be wished for."""

    what: str
    found: str
    fits: bool = True
    advice: str = ""


@dataclass(frozen=True)
class Report:
    """All findings."""

    findings: list[Finding]

    @property
    def fits(self) -> bool:
        return all(finding.fits for finding in self.findings)


@dataclass(frozen=True)
class Wanted:
    """A package, the version it was tested with, and the bounds of those that work: from, and up to but without.

    `others` name the same package built otherwise; one of them does as well.
    """

    package: str
    tested: str
    at_least: str
    below: str
    needed_for: str = ""  # without it the rest works
    others: tuple[str, ...] = ()


PYTHON = Wanted("python", "3.11", "3.11", "3.13")
PACKAGES = [
    Wanted("paddlepaddle", "2.6.2", "2.6.2", "2.6.3", others=("paddlepaddle-gpu",)),
    Wanted("numpy", "1.26.4", "1.24", "2.5"),
    Wanted("protobuf", "6.33.6", "3.20.2", "7"),
    Wanted("pillow", "13.0.0", "9.4", "14"),
    Wanted("matplotlib", "3.11.2", "3.5", "4", "paddle.utils.plot"),
    Wanted("onnx", "1.23.2", "1.14", "2", "ONNX export"),
    Wanted("paddle2onnx", "1.3.1", "1.3.1", "2", "ONNX export"),
    Wanted("onnxruntime-gpu", "1.31.1", "1.16", "2", "serving", others=("onnxruntime",)),
]


def examine() -> Report:
    """Look at the interpreter, the packages, CUDA and threads, and run a small program."""
    findings = [_fitted(PYTHON, "python", platform.python_version())]
    findings += [_package(wanted) for wanted in PACKAGES]
    return Report([*findings, _providers(), _cuda(), _threads(), _program()])


def as_text(report: Report) -> str:
    """Return the report for people, a line a finding."""
    width = max(len(finding.what) for finding in report.findings)
    lines = []
    for finding in report.findings:
        lines.append(f"{'ok' if finding.fits else 'NO':2}  {finding.what:{width}}  {finding.found}")
        if finding.advice:
            lines.append(f"{'':{width + 6}}{finding.advice}")
    return "\n".join([*lines, "", "it fits together" if report.fits else "it does not fit together"])


def as_json(report: Report) -> str:
    """Return the report for machines."""
    return json.dumps({"fits": report.fits, "findings": [asdict(f) for f in report.findings]}, indent=2)


def installed(package: str) -> str | None:
    """Return the version of an installed package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _package(wanted: Wanted) -> Finding:
    there = {name: v for name in (wanted.package, *wanted.others) if (v := installed(name))}
    if len(there) > 1:
        found = " and ".join(f"{name} {version}" for name, version in there.items())
        return Finding(wanted.package, found, False, f"they overwrite each other: pip uninstall {' '.join(there)}")
    for name, version in there.items():
        return _fitted(wanted, name, version)
    command = f"pip install {wanted.package}=={wanted.tested}"
    if wanted.needed_for:
        return Finding(wanted.package, "not installed", advice=f"{wanted.needed_for} takes it: {command}")
    return Finding(wanted.package, "not installed", False, command)


def _fitted(wanted: Wanted, name: str, version: str) -> Finding:
    if _numbers(wanted.at_least) <= _numbers(version) < _numbers(wanted.below):
        return Finding(name, version)
    bounds = f"{name}>={wanted.at_least},<{wanted.below}"
    advice = f"take {bounds}" if name == "python" else f"pip install {name}=={wanted.tested}  # or any '{bounds}'"
    return Finding(name, version, False, advice)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])


def _providers() -> Finding:
    try:
        import onnxruntime
    except ImportError:
        return Finding("onnxruntime providers", "none")
    compiled_in = ", ".join(name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers())
    return Finding("onnxruntime providers", f"{compiled_in} (compiled in; a session says which one runs)")


def _cuda() -> Finding:
    try:
        ctypes.CDLL("libcuda.so.1")
        driver = "a driver"
    except OSError:
        driver = "no driver"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if driver == "no driver" or visible == "":
        return Finding("CUDA", f"{driver}, CUDA_VISIBLE_DEVICES={visible!r}: programs run on the CPU")
    advice = (
        "" if installed("paddlepaddle-gpu") else "paddlepaddle is built for the CPU: fluid.CUDAPlace will be refused"
    )
    return Finding("CUDA", f"{driver}, CUDA_VISIBLE_DEVICES={visible!r}", advice=advice)


def _threads() -> Finding:
    cores = os.cpu_count() or 1
    threads = os.environ.get("OMP_NUM_THREADS")
    if threads is None:
        found = f"OMP_NUM_THREADS unset: Paddle takes 1 of {cores} cores"
        return Finding("threads", found, advice=f"OMP_NUM_THREADS={cores} may be faster" if cores > 1 else "")
    is_number = threads.isdigit() and int(threads) > 0
    advice = "" if is_number else f"set it to a number from 1 to {cores}"
    if is_number and int(threads) > cores:
        advice = "more threads than cores slow each other down"
    return Finding("threads", f"OMP_NUM_THREADS={threads} of {cores} cores", is_number, advice)


_PROGRAM = """
import paddle.fluid as fluid
x = fluid.data('x', [1])
y = fluid.layers.scale(x, 2.0)
print(fluid.Executor(fluid.CPUPlace()).run(feed={'x': [3.0]}, fetch_list=[y])[0][0])
"""


def _program() -> Finding:
    """Run a small program as a user would, in a process of its own, which a broken installation may bring down."""
    command = [sys.executable, "-m", __name__.partition(".")[0], "-c", _PROGRAM]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return Finding("a small program", "did not end", False, "install paddlepaddle anew")
    if done.returncode == 0 and done.stdout.strip().endswith("6.0"):
        return Finding("a small program", "runs")
    last = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
    return Finding("a small program", last, False, "mend what is above first; then install paddlepaddle anew")
