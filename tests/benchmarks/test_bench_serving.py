"""benchmarks/serving: a real race of two servers for some requests, and what follows from figures."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from processes import are_gone, children, wait_for

from benchmarks.serving.__main__ import bench_serving
from benchmarks.serving.contenders import OURS, Contender, contenders
from benchmarks.serving.results import Course, Lap, Report, Started
from benchmarks.serving.tables import draw, markdown
from fluidline.errors import FluidlineError

ROOT = Path(__file__).parents[2]


def test_two_servers_are_loaded_in_turns_in_every_form_that_they_take(classifier: Path, tmp_path: Path) -> None:
    (ours,) = contenders(classifier, None)
    other = replace(ours, title="other", command=[*ours.command, "--workers", "1"], paths={"raw": "/predict"})
    settings = {"data": "builtin", "forms": ["raw", "PNG"], "clients": [3], "rounds": 2, "seconds": 0.1}
    report = bench_serving([ours, other], classifier, **settings, requests=20)
    assert [sorted(course.laps) for course in report.courses] == [[OURS, "other"], [OURS]]
    assert [len(laps) for course in report.courses for laps in course.laps.values()] == [2, 2, 2]
    assert all(lap.answers > 0 and lap.cpu_us > 0 for lap in report.courses[0].laps["other"])
    assert report.errors == 0
    assert report.courses[0].ratio.median > 0
    assert [server.title for server in report.servers] == [OURS, "other"]
    assert all(server.memory > 10**7 for server in report.servers)
    assert report.memory[0][0] == 0
    json.dumps(report.as_dict())
    draw(report, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_a_server_that_ends_is_named_with_its_last_words(classifier: Path) -> None:
    broken = Contender("broken", [sys.executable, "-c", "raise SystemExit('no such luck')"], {"raw": "/"})
    with pytest.raises(FluidlineError, match="broken does not answer: no such luck"):
        bench_serving([broken], classifier, data="builtin")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_race_that_is_interrupted_leaves_no_server_behind(
    classifier: Path, tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "benchmarks.serving", "--model", str(classifier), "--data", "builtin"]
    command += ["--without-peers", "--seconds", "60", "--out", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as race:
        try:
            workers = wait_for(lambda: [worker for server in children(race.pid) for worker in children(server)], 30)
            race.send_signal(number)
            assert race.wait(30) == 130
        finally:
            race.kill()
        assert race.stderr is not None
        assert race.stderr.read().endswith("interrupted\n")
    wait_for(lambda: are_gone(workers), 5)
    assert not list(tmp_path.iterdir())


def test_without_the_peers_the_command_says_how_to_get_them_and_how_to_go_without(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.serving", "--peers", str(tmp_path / "python")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "make bench-serve" in done.stderr
    assert "--without-peers" in done.stderr


def test_a_ratio_is_taken_to_the_best_of_each_round_and_its_median_over_the_rounds() -> None:
    def laps(*rates: int, errors: int = 0) -> list[Lap]:
        return [Lap(rate, 1.0, 1.0, 1000 / rate, 50.0, errors) for rate in rates]

    course = Course("raw", 64, {OURS: laps(100, 200, 600), "A": laps(50, 50, 100, errors=1), "B": laps(10, 100, 300)})
    assert (course.ratio.median, course.ratio.lowest, course.ratio.highest) == (2, 2, 2)
    assert course.tail.median == pytest.approx(0.5)
    facts = {"cpu_model": "a processor", "cpu_cores": 2, "other_cpu_share": 0.5}
    started = [Started(title, 1.0, 10**8) for title in (OURS, "A", "B")]
    text = markdown(Report(facts, {"model": "m.onnx", "rounds": 3, "seconds": 1.0}, started, [course]))
    assert "**2.00**" in text
    assert "2.00 to 2.00" in text
    assert "3 answers were errors" in text
    assert "Other processes took 50% of the processors" in text
