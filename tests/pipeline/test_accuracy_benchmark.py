"""benchmarks/accuracy.py, on a data set that is learnt in a second."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_accuracy_benchmark_reports_medians_and_goes_on_where_it_was(squares: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(squares), "--model", "softmax", "--seeds", "3", "--runs-dir", str(tmp_path)]
    command = [sys.executable, "-m", "benchmarks.accuracy", *arguments]
    for more in ([], ["--resume"]):
        done = subprocess.run(
            [*command, *more], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (row,) = json.loads((tmp_path / "accuracy.json").read_text())
        accuracies = sorted(result["test_accuracy"] for result in row["results"])
        assert (row["lowest"], row["median"], row["highest"]) == tuple(accuracies)
        assert f"| softmax | **{row['median']:.2%}** |" in done.stdout
    assert "epoch 0" not in done.stderr


def test_a_preset_that_is_not_for_a_model_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.accuracy", "--preset", "best", "--model", "mlp"]
    done = subprocess.run(
        [*command, "--runs-dir", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )  # fmt: skip
    assert done.returncode == 2
    assert "preset best is for lenet, not for mlp" in done.stderr
    assert list(tmp_path.iterdir()) == []
