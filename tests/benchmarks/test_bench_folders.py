"""benchmarks/folders: a real race over some images, and what follows from figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.folders import AGAINST, OURS, Lap, Race, Report, markdown

ROOT = Path(__file__).parents[2]
FACTS = {"cpu_model": "a processor", "cpu_cores": 2, "other_cpu_share": 0.0}


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.folders", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)


def test_a_loop_around_pillow_and_ours_say_the_same_in_turns(classifier: Path, tmp_path: Path) -> None:
    settings = ["--model", str(classifier), "--data", "builtin", "--images", "70", "--rounds", "1"]
    done = bench(*settings, "--peers", sys.executable, "--without", AGAINST, "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (race,) = json.loads((tmp_path / "bench-predict.json").read_text())["races"]
    assert race["same"]
    assert {title: len(laps) for title, laps in race["laps"].items()} == {OURS: 1, "Pillow, one by one": 1}
    assert done.stdout.strip() == (tmp_path / "bench-predict.md").read_text().strip()
    assert (tmp_path / "bench-predict.png").read_bytes().startswith(b"\x89PNG")


def test_a_program_that_fails_is_named_with_its_last_words(classifier: Path, tmp_path: Path) -> None:
    (tmp_path / "python").write_text("#!/bin/sh\necho nothing works here >&2\nexit 3\n")
    (tmp_path / "python").chmod(0o755)
    settings = ["--model", str(classifier), "--data", "builtin", "--images", "2", "--rounds", "1"]
    done = bench(*settings, "--peers", str(tmp_path / "python"), "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert f"{AGAINST} ended with exit code 3: nothing works here" in done.stderr
    assert not (tmp_path / "out").exists()


def test_without_the_peers_the_command_says_how_to_get_them(tmp_path: Path) -> None:
    done = bench("--peers", str(tmp_path / "python"))
    assert done.returncode == 2
    assert "make bench-predict" in done.stderr


def test_the_ratio_is_the_median_over_the_rounds_and_tables_that_differ_are_told() -> None:
    def laps(*seconds: float) -> list[Lap]:
        return [Lap(each, 1.0) for each in seconds]

    race = Race(10_000, {OURS: laps(1, 2, 4), AGAINST: laps(1, 4, 5)}, same=False)
    assert race.ratio(AGAINST).median == 1.25
    assert race.rate(OURS).highest == 10_000
    text = markdown(Report(FACTS, {"model": "m.onnx", "rounds": 3}, [race]))
    assert "| **1.25**      | 1.00 to 2.00      | 1.15   | yes" in text
    assert "10,000 images: **the tables do not say the same**" in text
