"""What trainings make of data beside MNIST: the tutorials' three parts, a user's own classes up to the answers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from data_files import TEST_LABELS, TRAIN_LABELS, idx_bytes, json_parts, write_idx_set, write_json
from PIL import Image

from export.inference import export_inference
from export.onnx import export_onnx
from export.predict import predict_folder
from fluidline.runs import find_run
from pipeline import trainer
from pipeline.config import TrainConfig
from pipeline.metrics import read_rows
from pipeline.train import train


def config(data: Path, runs: Path, **options: object) -> TrainConfig:
    given = {"model": "softmax", "batch_size": 16, "learning_rate": 0.01, "run": "mine", **options}
    return TrainConfig(data=str(data), runs_dir=str(runs), **given)


def test_the_tutorials_file_is_chosen_by_its_valid_part_and_its_eval_part_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    in_order = trainer.in_order
    monkeypatch.setattr(trainer, "in_order", lambda split, size: read.append(len(split)) or in_order(split, size))
    data = write_json(tmp_path / "mnist.json.gz", json_parts(counts=(12, 11, 10)))
    result = train(config(data, tmp_path, epochs=3), [])
    assert read == [11, 11, 11, 10]
    costs = [row["valid_cost"] for row in read_rows(tmp_path / "mine" / "metrics.jsonl") if row["kind"] == "epoch"]
    assert result.best_epoch == costs.index(min(costs))
    assert 0 <= result.test_accuracy <= 1


def test_a_set_of_other_classes_has_as_many_outputs_and_their_names(tmp_path: Path) -> None:
    data = write_idx_set(tmp_path / "data")
    for path, count in ((data / TRAIN_LABELS, 30), (data / TEST_LABELS, 20)):
        path.write_bytes(idx_bytes(np.arange(count) % 12))
    train(config(data, tmp_path, epochs=1), [])
    entry = json.loads((tmp_path / "mine" / "manifest.json").read_text())["stages"]["train"]
    assert entry["labels"] == [str(number) for number in range(12)]
    assert entry["output"]["shape"] == [12]


def test_the_names_of_a_users_own_classes_come_back_as_answers(tmp_path: Path) -> None:
    names = ("left side", "\u53f3\u8fb9")
    for label, name in enumerate(names):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(20):
            image = Image.new("RGB", (60 + number, 80 - number), (250, 240, 230))  # dark ink on paper, of all sizes
            place = (10, 10, 20, 50) if label == 0 else (image.width - 20, 10, image.width - 10, 50)
            image.paste((20, 0, 60), place)
            image.save(tmp_path / "data" / name / f"{number}.{'jpg' if number % 2 else 'png'}")
    train(config(tmp_path / "data", tmp_path, epochs=20), [])
    run = find_run("mine", tmp_path)
    export_inference(run)
    export_onnx(run)
    predict_folder(tmp_path / "data", tmp_path / "answers.csv", model=run.onnx)
    with open(tmp_path / "answers.csv", encoding="utf-8") as file:
        answers = list(csv.DictReader(file))
    assert len(answers) == 40
    assert all(answer["file"].split("/")[0] == answer["label"] for answer in answers)
