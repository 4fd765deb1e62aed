"""Variants of a model, their judgement, and the choice among settings."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from export.bench import bench, variants
from export.bench.subject import subject_of_run
from export.bench.tuning import Trial, choose, tune
from export.bench.variants import make_variants
from export.model import load
from export.settings import Setting, read_settings


def trial(rate: float, variant: str = "float32", exact: bool = True, purpose: str = "throughput") -> Trial:
    return Trial(purpose, variant, exact, Setting(f"{variant}.onnx", batch=int(rate)), 1.0, 2.0, rate)


def both(*trials: Trial) -> list[Trial]:
    return [dataclasses.replace(each, purpose=purpose) for purpose in ("latency", "throughput") for each in trials]


def test_the_fastest_whose_answers_are_the_plain_ones_is_chosen():
    trials = both(trial(100), trial(200, "wide"), trial(300, "int8", exact=False))
    assert choose(trials)["throughput"].file == "wide.onnx"
    assert choose(trials, exact=False)["latency"].file == "int8.onnx"


def test_a_process_a_core_is_served_with_a_thread_each():
    fast = dataclasses.replace(trial(300), setting=Setting("model.onnx", threads=2))
    chosen = choose(both(trial(100), fast))
    assert (chosen["throughput"].threads, chosen["serving"].threads) == (2, 1)


def test_what_is_hardly_faster_is_not_preferred_to_what_stands_before_it():
    assert choose(both(trial(100), trial(101, "wide")))["throughput"].file == "float32.onnx"


@pytest.fixture
def made(exported):
    return {variant.name: variant for variant in make_variants(subject_of_run(exported))}


def test_a_lenet_has_a_wide_form_with_the_same_answers_and_two_of_fewer_bits(exported, made):
    assert list(made) == ["float32", "wide", "float16", "int8"]
    assert made["wide"].exact
    assert not made["int8"].exact
    images = subject_of_run(exported).dataset.test.images
    plain = load(exported.onnx).classify(images)
    for variant in made.values():
        file = exported.onnx.parent / variant.file
        assert variant.file_bytes == file.stat().st_size
        probabilities = load(file).classify(images)
        np.testing.assert_allclose(np.abs(probabilities - plain).max(), variant.largest_difference, atol=1e-6)
        assert variant.agreement == np.mean(probabilities.argmax(1) == plain.argmax(1))
    assert made["float16"].file_bytes < 0.6 * made["float32"].file_bytes
    assert made["int8"].file_bytes < 0.4 * made["float32"].file_bytes


def test_a_variant_that_loses_too_much_is_not_kept_and_says_so(exported, monkeypatch):
    monkeypatch.setattr(variants, "MOST_LOST", -1.0)
    for variant in make_variants(subject_of_run(exported))[1:]:
        assert "of the test images" in variant.reason
    assert list(exported.variants.iterdir()) == []


def test_a_variant_that_cannot_be_made_says_why_and_the_others_are_there(exported, monkeypatch):
    def fail(*_):
        raise ValueError("no such thing\nmore")

    monkeypatch.setitem(variants._MAKERS, "int8", fail)
    reasons = {variant.name: variant.reason for variant in make_variants(subject_of_run(exported))}
    assert reasons == {"float32": "", "wide": "", "float16": "", "int8": "cannot be made: no such thing"}


def test_every_setting_of_every_variant_is_tried_on_one_core_as_on_several(exported, made):
    images = load(exported.onnx).images.normalise(np.zeros((64, 28, 28), np.uint8))
    for cores in (1, 2):
        trials = tune(list(made.values()), exported.onnx.parent, images, seconds=0.1, cores=cores)
        assert {each.variant for each in trials} == set(made)
        assert {each.setting.threads for each in trials} == {1, cores}
        assert {each.setting.calls for each in trials} == {1, cores}
        assert all(each.images_per_s > 0 and each.p50_ms <= each.p99_ms for each in trials)


def test_the_benchmark_writes_settings_that_models_are_opened_with(exported):
    report = bench(exported, batches=(1,), seconds=0.3, threads=1, backends=())
    assert report.tuning is not None
    assert read_settings(exported.onnx, "throughput") == report.tuning.chosen["throughput"]
    assert load(exported.onnx, "cpu", "throughput").setting == report.tuning.chosen["throughput"]
    entry = exported.read_stage("bench", "make onnx-bench")
    assert {"onnx/settings.json", "onnx/variants/wide.onnx", "bench/bench.json"} <= set(entry["files"])
    assert json.loads((exported.bench / "bench.json").read_text()) == report.as_json()
    assert "| wide " in (exported.bench / "bench.md").read_text()
