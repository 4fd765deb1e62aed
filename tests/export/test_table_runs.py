"""A run of a table, from training to an answer: the inference models, ONNX, the benchmark, predict and serve take it."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from export.bench import bench, bench_file
from export.bench.backends import BACKENDS
from export.model import load
from export.onnx import export_onnx
from export.predict import predict
from fluidline.runs import RunFolder

FEATURES = ["rooms", "age", "tax"]


def test_what_it_takes_and_gives_travels_from_the_training_into_the_file(houses):
    entries = houses.read_manifest()["stages"]
    for stage in ("inference", "onnx"):
        assert (entries[stage]["task"], entries[stage]["target"]) == ("regression", "price")
        assert entries[stage]["validation"]["inputs"].startswith("test rows of the table")
    metadata = {item.key: item.value for item in onnx.load(houses.onnx).metadata_props}
    assert (metadata["task"], metadata["labels"], metadata["model"]) == ("regression", "[]", "linear")
    assert json.loads(metadata["preprocessing"]) == entries["train"]["preprocessing"]
    model = load(houses.onnx)
    assert str(model.kind) == "rows of 3 numbers to a value"
    assert model.table.features == tuple(FEATURES)


def test_its_table_is_predicted_with_or_without_the_target(houses, tmp_path):
    from pipeline.data import load as load_data

    table = houses.path.parent.parent / "houses.csv"
    without = tmp_path / "without.csv"
    lines = [line.rpartition(",")[0] for line in table.read_text().splitlines()]
    without.write_text("\n".join(lines))
    for source, out in ((table, tmp_path / "a.csv"), (without, tmp_path / "b.csv")):
        summary = predict(source, out, run="houses", runs_dir=houses.path.parent)
        assert (summary.count, summary.unit, summary.failures) == (60, "rows", 0)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    dataset = load_data(str(table)).as_trained(houses.read_stage("train", "")["preprocessing"])
    first = dataset.train.input.normalise(dataset.train.samples[:5])
    with open(tmp_path / "a.csv", newline="") as file:
        found = [float(row["value"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(found[:5], load(houses.onnx).run(first)[:, 0], rtol=1e-5)


def test_where_the_table_is_gone_models_are_compared_on_random_rows(houses, tmp_path, caplog):
    shutil.copytree(houses.path, tmp_path / "houses")
    run = RunFolder(tmp_path / "houses")
    config = json.loads(run.config.read_text())
    run.config.write_text(json.dumps(config | {"data": str(tmp_path / "gone.csv")}))
    assert export_onnx(run)["validation"]["inputs"] == "random rows"
    assert "comparing on random rows instead" in caplog.text


@pytest.mark.slow
def test_it_is_measured_and_forms_of_fewer_bits_are_not_used_for_values(houses, tmp_path):
    shutil.copytree(houses.path, tmp_path / "houses")
    run = RunFolder(tmp_path / "houses")
    backends = [backend for backend in BACKENDS if backend.name in ("Paddle executor", "onnxruntime CPU")]
    report = bench(run, batches=(1,), seconds=0.3, threads=1, backends=backends)
    assert [result.status for result in report.backends] == ["measured", "measured"]
    assert report.protocol["images"].startswith("test rows of")
    reasons = {variant.name: variant.reason for variant in report.tuning.variants}
    assert reasons["float32"] == reasons["wide"] == ""
    assert "no labels say what that loses" in reasons["int8"]
    data = str(houses.path.parent.parent / "houses.csv")
    alone = bench_file(run.onnx, (1,), seconds=0.2, threads=1, tuned=False, data=data)
    assert alone.protocol["images"].startswith("the test part of the table")


def test_an_onnx_file_alone_is_measured_and_what_is_found_lies_beside_it(houses, tmp_path):
    file = Path(shutil.copy(houses.onnx, tmp_path / "prices.onnx"))
    report = bench_file(file, batches=(1,), seconds=0.2, threads=1)
    assert (report.title, report.run, report.protocol["images"]) == ("linear", None, "noise")
    assert {path.name for path in (tmp_path / "prices.bench").iterdir()} >= {"bench.json", "bench.md"}
    assert load(file, "cpu", "throughput").setting == report.tuning.chosen["throughput"]
