"""The golden cases recorded from genuine fluid 1.8.5, where they are at hand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT.parent / "shared" / "compat" / "cases").glob("*.py"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_golden_cases_pass(file, tmp_path):
    compat = file.parents[1]
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / file.name).symlink_to(file)
    report = tmp_path / "cases.json"
    command = [sys.executable, compat / "run_cases.py", "--impl", "legacy_fluid", "--path", ROOT]
    command += ["--cases", tmp_path / "cases", "--golden", compat / "golden", "--json", report]
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=290, check=False)
    failed = {name: case["reason"] for name, case in json.loads(report.read_text()).items() if not case["ok"]}
    assert not failed
