"""The report of runs, from one that has everything to one that has nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reported import CLASSES, Page

from fluidline.cli import main
from fluidline.runs import RunFolder
from pipeline.__main__ import pipeline
from pipeline.evaluate import evaluate
from pipeline.report import report

pytestmark = pytest.mark.timeout(300)  # a model is trained, exported and measured first


@pytest.fixture(scope="module")
def page(whole_once: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The report of the run that has everything."""
    out = tmp_path_factory.mktemp("report") / "report.html"
    assert report(whole_once, out).missing == {}
    return Page(out)


def test_the_confusion_matrix_is_what_evaluate_finds(page, whole_once):
    confusion = evaluate(whole_once).scores.confusion
    header, *rows = page.table("A row for each true class")
    assert header == ["true", *CLASSES, "all"]
    assert [row[0] for row in rows] == list(CLASSES)
    assert [[int(cell) for cell in row[1:-1]] for row in rows] == confusion.tolist()
    assert [int(row[-1]) for row in rows] == confusion.sum(axis=1).tolist()


def test_every_mistake_is_shown_with_its_label_answer_and_probability(page, whole_once):
    scores = evaluate(whole_once).scores
    mistakes = int(scores.confusion.sum() - np.trace(scores.confusion))
    assert mistakes
    images = [image for image in page.all("img") if image["alt"].startswith("test image")]
    assert len(images) == mistakes
    assert all(image["src"].startswith("data:image/webp;base64,") for image in images)
    lines = page.lines("test")
    assert sum(line.startswith("answer ") for line in lines) == mistakes
    assert f"{mistakes} of {mistakes} mistakes" in " ".join(lines)


def test_classes_have_their_accuracy(page, whole_once):
    rows = page.table("Accuracy: the share")[1:]
    found = evaluate(whole_once).scores.classes()
    assert [row[3] for row in rows] == [f"{each['recall']:.2%}" for each in found]


def test_options_that_differ_from_the_recipe_are_marked_with_what_it_says(page):
    assert len(page.all("mark")) == 3
    lines = page.lines("configuration")
    marked = [(lines[index - 1], line) for index, line in enumerate(lines) if " recipe: " in line]
    assert marked == [("epochs", "2 recipe: 15"), ("batch_size", "8 recipe: 64"), ("l2", "0.001 recipe: 0.0")]


def test_passes_have_their_costs_and_times(page, whole_once):
    rows = [json.loads(line) for line in whole_once.metrics.read_text().splitlines()]
    passes = [row for row in rows if row["kind"] == "epoch"]
    header, *shown = page.table("The passes")
    assert header == [
        *("pass", "training cost", "training accuracy", "test cost", "test accuracy", "seconds", "samples/s"),
    ]  # fmt: skip
    assert [row[3] for row in shown] == [f"{row['test_cost']:.4f}" for row in passes]
    assert [row[0] for row in shown].count("1, the best") + [row[0] for row in shown].count("0, the best") == 1


def test_layers_have_their_parameters(page):
    header, *rows = page.table("Layers")
    assert [row[header.index("learnt")] for row in rows] == ["2,355", "2,355"]  # (784 + 1) * 3, and of all layers
    assert "fc_0.w_0 [784, 3]" in rows[0][header.index("parameters")]


def test_onnx_differences_and_benchmark_are_those_of_the_run(page, whole_once):
    onnx = whole_once.read_manifest()["stages"]["onnx"]["validation"]["outputs"]
    header, *rows = page.table("The largest difference")
    assert [row[0] for row in rows] == ["inference/", "inference_fluid/", "onnx/model.onnx"]
    assert float(rows[-1][header.index("answer there")]) == pytest.approx(onnx[0]["found"], rel=1e-7)
    bench = json.loads((whole_once.bench / "bench.json").read_text())
    header, *rows = page.table("Images/s by batch size")
    measured = [backend for backend in bench["backends"] if backend["timings"]]
    assert header == ["batch", *(backend["name"] for backend in measured)]
    assert [row[0] for row in rows] == ["1", "4"]
    assert any(image["alt"].startswith("Latency and throughput") for image in page.all("img"))


def test_files_have_their_checksums(page, whole_once):
    written = {
        file: digest
        for stage in whole_once.read_manifest()["stages"].values()
        for file, digest in stage["files"].items()
    }
    rows = page.table("Files that the manifest names")[1:]
    assert {row[0]: row[4] for row in rows} == written
    assert {row[3] for row in rows} == {"as written"}


def test_a_name_that_is_markup_stays_text(page):
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "iframe", "object", "form"})
    assert [attributes for _, attributes in page.elements if any(name.startswith("on") for name in attributes)] == []
    assert CLASSES[0] in page.sections["test"]


def test_it_can_be_read_without_eyes_and_without_a_mouse(page):
    headings = [tag for tag, _ in page.elements if tag in ("h1", "h2", "h3")]
    assert headings.count("h1") == 1
    assert headings[0] == "h1"
    assert all(heading["scope"] in ("row", "col") for heading in page.all("th"))
    assert all(image["alt"] for image in page.all("img"))
    assert all(drawing["aria-label"] for drawing in page.all("svg"))
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in page.all("div") if "role" in region)
    targets = {str(attributes.get("id")) for _, attributes in page.elements}
    assert {link["href"] for link in page.all("a")} <= {f"#{target}" for target in targets}


def test_nothing_is_named_that_would_have_to_be_loaded(page):
    named = [attributes.get(name) for _, attributes in page.elements for name in ("src", "href", "srcset", "data")]
    assert [place for place in named if place and not place.startswith(("data:", "#"))] == []


def test_what_a_run_does_not_have_yet_is_a_line_with_the_commands_that_make_it(trained):
    options = f"--run noise --runs-dir {trained.path.parent}"
    made = report(trained)
    assert set(made.missing) == {"ONNX", "Benchmark"}
    page = Page(trained.report)
    inference, onnx, bench = (f"python -m export {stage} {options}" for stage in ("inference", "onnx", "bench"))
    assert page.lines("onnx") == ["ONNX", f"Not exported yet. To make it: {inference} && {onnx}"]
    assert page.lines("benchmark")[1].endswith(f"{inference} && {onnx} && {bench}")


def test_a_run_whose_data_are_gone_has_a_report_that_says_so(trained_once, tmp_path, noise):
    data = Path(shutil.copytree(noise, tmp_path / "data"))
    run = RunFolder(Path(shutil.copytree(trained_once.path, tmp_path / "runs" / "noise")))
    config = json.loads(run.config.read_text())
    run.config.write_text(json.dumps({**config, "data": str(data)}))
    assert "Test" not in report(run).missing
    shutil.rmtree(data)
    assert f"no data: {data} is not there" in report(run).missing["Test"]
    page = Page(run.report)
    assert f"no data: {data} is not there" in page.sections["data"]
    assert any(line.endswith("%") for line in page.lines("summary"))


def test_other_data_than_the_run_was_trained_on_are_told_from_them(trained, noise, tmp_path):
    assert "other data" not in _data(trained, None)
    data = Path(shutil.copytree(noise, tmp_path / "data"))
    Image.new("L", (28, 28)).save(data / CLASSES[2] / "0.png")
    assert "other data than the run was trained on" in _data(trained, str(data))


def _data(run: RunFolder, data: str | None) -> str:
    report(run, data=data)
    return Page(run.report).sections["data"]


def test_a_file_that_was_changed_or_removed_since_is_named(whole):
    (whole.inference / "model.pdiparams").write_bytes(b"other")
    whole.onnx.unlink()
    report(whole)
    rows = Page(whole.report).table("Files that the manifest names")[1:]
    states = {row[0]: row[3] for row in rows}
    assert states["inference/model.pdiparams"] == "changed since"
    assert states["onnx/model.onnx"] == "gone"
    assert list(states.values()).count("as written") == len(states) - 2


def test_a_damaged_checkpoint_leaves_what_the_other_files_say(trained):
    parameters = trained.checkpoints / "best" / "model.pdparams"
    parameters.write_bytes(parameters.read_bytes()[:-1])
    missing = report(trained).missing
    assert "its SHA-256 differs" in missing["Test"]
    assert {"Summary", "Curves", "Timings", "Configuration", "Environment", "Files"}.isdisjoint(missing)


def test_a_training_that_was_stopped_in_its_first_pass_has_a_report_of_what_there_is(trained):
    shutil.rmtree(trained.checkpoints)
    trained.manifest.unlink()
    trained.metrics.write_text("")
    missing = report(trained).missing
    assert set(missing) == {"Summary", "Curves", "Test", "Parameters", "Timings", "ONNX", "Benchmark", "Data", "Files"}
    command = f"python -m pipeline train --resume --run noise --runs-dir {trained.path.parent}"
    assert Page(trained.report).lines("curves") == ["Curves", f"No pass is finished. To make it: {command}"]


def test_a_stopped_training_has_a_report_of_the_passes_that_are_done(trained):
    trained.manifest.unlink()
    missing = report(trained).missing
    assert set(missing) == {"ONNX", "Benchmark", "Files"}
    assert "not finished" in Page(trained.report).sections["summary"]


def test_an_empty_folder_has_a_report_that_names_the_first_command(tmp_path):
    run = RunFolder(tmp_path / "empty")
    run.path.mkdir()
    report(run)
    lines = Page(run.report).lines("configuration")
    assert lines[1] == f"Not begun to train. To make it: python -m pipeline train --run empty --runs-dir {tmp_path}"


def test_a_file_that_is_no_json_is_named(whole):
    bench = whole.bench / "bench.json"
    bench.write_text("{")
    assert str(bench) in report(whole).missing["Benchmark"]


def test_a_training_that_begins_anew_takes_the_report_of_the_old_one_away(trained):
    from pipeline.resume import clear

    report(trained)
    clear(trained)
    assert not trained.report.exists()


def test_the_command_writes_where_it_is_told_and_says_what_is_missing(trained, tmp_path, capsys):
    out = tmp_path / "elsewhere" / "noise.html"
    arguments = ["report", "--run", "noise", "--runs-dir", str(trained.path.parent), "--out", str(out)]
    assert main(pipeline, [*arguments, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["file"] == str(out)
    assert said["bytes"] == out.stat().st_size
    assert set(said["missing"]) == {"ONNX", "Benchmark"}
    assert main(pipeline, arguments) == 0
    assert "Not exported yet." in capsys.readouterr().out
    assert not trained.report.exists()


def test_a_run_that_does_not_exist_is_an_error_in_a_line(tmp_path, capsys):
    assert main(pipeline, ["report", "--run", "nobody", "--runs-dir", str(tmp_path)]) == 1
    assert "no such run" in capsys.readouterr().err
