"""Where a training computes: what is said where it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import legacy_fluid as fluid
from fluidline.errors import UsageError
from pipeline.device import place

ROOT = Path(__file__).parents[2]


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", "train", "--model", "softmax", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=100, check=False)


def test_the_cpu_is_a_place_everywhere() -> None:
    assert isinstance(place("cpu"), fluid.CPUPlace)


@pytest.mark.skipif(fluid.core.is_compiled_with_cuda(), reason="this Paddle was built with CUDA")
def test_a_gpu_that_paddle_was_not_built_for_is_refused_with_what_to_install(squares: Path, tmp_path: Path) -> None:
    done = run("--data", str(squares), "--device", "gpu", cwd=tmp_path)
    assert done.returncode == 2
    assert "needs a Paddle that was built with CUDA" in done.stderr
    assert "pip install paddlepaddle-gpu==2.6.2" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("count", "expected"), [(0, "sees no GPU"), (1, None)])
def test_where_paddle_was_built_with_cuda_a_gpu_is_taken_or_missed(
    count: int, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Any] = []
    monkeypatch.setattr(fluid.core, "is_compiled_with_cuda", lambda: True)
    monkeypatch.setattr(fluid.core, "get_cuda_device_count", lambda: count)
    monkeypatch.setattr(fluid, "CUDAPlace", taken.append)
    if expected:
        with pytest.raises(UsageError, match=expected):
            place("gpu")
    else:
        place("gpu")
        assert taken == [0]


def test_the_number_of_threads_is_taken_and_kept_and_another_on_resume_is_warned_of(
    squares: Path, tmp_path: Path
) -> None:
    options = ["--data", str(squares), "--epochs", "1"]
    begun = run(*options, "--threads", "2", cwd=tmp_path, OMP_NUM_THREADS="1")
    assert begun.returncode == 0, begun.stderr
    assert "WISELY" not in begun.stderr
    assert '"threads": 2' in (tmp_path / "runs" / "softmax" / "checkpoints" / "last" / "state.json").read_text()
    resumed = run("--resume", "--threads", "1", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert "begun with 2 threads and resumed with 1" in resumed.stderr
