"""`python -m benchmarks.reading`: every way of reading gives the same images, and the table has them all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from benchmarks.reading import Bench, command
from pipeline.config import TrainConfig


def test_every_way_brings_every_image_of_every_source(squares: Path, tmp_path: Path) -> None:
    bench = Bench(TrainConfig(model="softmax", data=str(squares)), 150, tmp_path)
    everything = np.sort(bench.split.labels)
    for source in bench.sources.values():
        for way in bench.ways.values():
            feeds = list(way(source))
            assert [np.asarray(feed["img"]).shape for feed in feeds] == [
                (64, 1, 28, 28),
                (64, 1, 28, 28),
                (22, 1, 28, 28),
            ]
            labels = np.concatenate([np.asarray(feed["label"]) for feed in feeds]).ravel()
            np.testing.assert_array_equal(np.sort(labels), everything)


def test_the_benchmark_prints_a_table_and_writes_figures_and_picture(squares: Path, tmp_path: Path) -> None:
    out, plot = tmp_path / "reading.json", tmp_path / "reading.png"
    words = f"--data {squares} --model softmax --images 64 --rounds 1 --out {out} --plot {plot}"
    done = CliRunner().invoke(command, words.split())
    assert done.exit_code == 0, done.output
    rows = [line.split(" | ") for line in done.output.splitlines() if line.startswith("| ")]
    assert [len(row) for row in rows] == [5] * 8
    assert [row[0] for row in rows[1:3]] == ["| when wanted", "| --prefetch 1"]
    results = json.loads(out.read_text())["results"]
    assert all(0 < result["lowest"] <= result["median"] <= result["highest"] for result in results)
    assert all(0 <= result["waiting"] < 1 for result in results)
    assert plot.read_bytes().startswith(b"\x89PNG")
