"""benchmarks/bench_train: real races of a few batches between ours and Paddle as it comes, and what follows from figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.bench_train.contenders import OURS, Contender
from benchmarks.bench_train.results import Climb, Comparison, Entry, Lap, Race, Report
from benchmarks.bench_train.tables import markdown

ROOT = Path(__file__).parents[2]


def bench(*arguments: str, timeout: float = 100) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.bench_train", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.mark.slow
def test_paddle_as_it_comes_learns_the_same_as_ours_in_turns(tmp_path: Path) -> None:
    settings = ["--data", "builtin", "--model", "lenet", "--rounds", "2", "--batches", "11", "--batch-size", "16"]
    done = bench(*settings, "--without", "torch", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (race,) = json.loads((tmp_path / "bench-train.json").read_text())["races"]
    ours, paddle = race["entries"]
    assert [len(entry["laps"]) for entry in (ours, paddle)] == [3, 3]
    assert [batch for batch, _ in ours["laps"][0]["costs"]] == [0, 5, 10]
    assert ours["laps"][0]["cost"] == pytest.approx(paddle["laps"][0]["cost"], rel=1e-3)
    assert race["comparisons"][0]["alike"]
    assert done.stdout.strip() == (tmp_path / "bench-train.md").read_text().strip()
    assert (tmp_path / "bench-train.png").read_bytes().startswith(b"\x89PNG")


def test_without_pytorch_the_command_says_how_to_get_it_and_how_to_go_without(tmp_path: Path) -> None:
    done = bench("--torch", str(tmp_path / "python"), timeout=30)
    assert done.returncode == 2
    assert "make bench-train" in done.stderr
    assert "--without torch" in done.stderr


@pytest.mark.slow
def test_a_python_that_lacks_the_rival_is_named_with_its_own_words(tmp_path: Path) -> None:
    settings = ["--data", "builtin", "--model", "softmax", "--rounds", "1", "--batches", "1", "--without", "paddle"]
    done = bench(*settings, "--torch", sys.executable, "--out", str(tmp_path))
    assert done.returncode == 1
    assert "the process of PyTorch ended with exit code 1: ModuleNotFoundError: No module named 'torch'" in done.stderr
    assert not list(tmp_path.iterdir())


def entry(name: str, rates: list[float], cost: float = 0.5, **contender: object) -> Entry:
    laps = [Lap(100, 100 / rate, cost, [(0, 2.3), (5, cost)], 10**6, 0.98 + 0.01 * at) for at, rate in enumerate(rates)]
    ready = {"import_s": 1.0, "build_s": 0.5, "version": "1", "threads": 1}
    return Entry(Contender(name, name, "none.py", **contender), ready, laps)


def test_the_ratio_is_the_median_over_the_rounds_and_the_warm_up_counts_for_nothing() -> None:
    ours, rival = entry(OURS, [1, 300, 200, 800]), entry("torch", [1000, 100, 200, 200])
    comparison = Comparison(ours, rival, 2.0)
    assert comparison.ratio.median == pytest.approx(3)
    assert (comparison.ratio.lowest, comparison.ratio.highest) == pytest.approx((1, 4))
    assert comparison.alike


@pytest.mark.parametrize(("cost", "difference"), [(0.52, "first_difference"), (0.4, "last_difference")])
def test_costs_that_do_not_fall_alike_are_told(cost: float, difference: str) -> None:
    race = Race("lenet", 1, [entry(OURS, [1, 1], cost), entry("torch", [1, 1])])
    (comparison,) = race.comparisons
    assert not comparison.alike
    assert getattr(comparison, difference) == pytest.approx(
        abs(cost - 0.5) / (0.5 if difference == "last_difference" else 1)
    )
    facts = {"cpu_model": "a processor", "cpu_cores": 2, "other_cpu_share": 0.5}
    text = markdown(Report(facts, {"threads": None, "batch_size": 64, "rounds": 1, "data": "digits"}, [race], None))
    assert "lenet: **the costs of ours and torch 1 do not fall alike**" in text
    assert "Other processes took 50% of the processors" in text


def test_the_way_to_an_accuracy_ends_with_the_first_pass_that_reaches_it() -> None:
    climb = Climb(0.99, [entry(OURS, [100, 50, 100]), entry("torch", [100])])
    first, second = climb.as_dict()["entries"]
    assert (first["passes"], first["seconds"], first["start_s"]) == (2, pytest.approx(3), 1.5)
    assert (second["passes"], second["seconds"]) == (None, None)
