"""A training killed at any moment, in the middle of writing a checkpoint too, ends as one that nobody killed.

KILLS=200 (`make test-kill`) makes it 200 moments instead of 20.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("KILLS", "20"))


@pytest.mark.timeout(60 + 10 * KILLS)
def test_killed_at_random_moments_and_resumed_equals_undisturbed(squares: Path, tmp_path: Path) -> None:
    arguments = [str(tmp_path), str(squares), str(KILLS), "1"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.pipeline.killing", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=60 + 9 * KILLS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["kills"] >= KILLS
    assert outcome["failures"] == []
    # Nothing half written stays either.
    rubbish = [path.name for path in tmp_path.rglob(".*") if path.name != ".lock"]
    assert rubbish == []
