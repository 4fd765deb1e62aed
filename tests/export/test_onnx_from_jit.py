from __future__ import annotations

import json
import shutil
from pathlib import Path

import jit_models
import numpy as np
import onnxruntime
import pytest

from export.__main__ import export
from export.conversion.from_saved import convert_jit
from export.conversion.jit_model import read_jit
from export.model import load
from export.said import Said
from fluidline.cli import main
from fluidline.errors import DataError, FluidlineError

IMAGES = ((None, 1, 28, 28), "float32", "images")
ROWS = ((None, 4), "float32", "x")


def ends(summary: dict) -> list[str]:
    return [f"{end['name']} {end['dtype']}{end['shape']}" for end in (*summary["inputs"], *summary["outputs"])]


def answers(file: Path, **feed: np.ndarray) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, feed)


@pytest.fixture(scope="module")
def lenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return jit_models.save(tmp_path_factory.mktemp("jit") / "lenet.v2", jit_models.LeNet, IMAGES)


@pytest.mark.parametrize("training", [False, True])
def test_a_layer_gives_in_onnx_what_paddle_gives_in_evaluation(lenet, tmp_path, training):
    prefix = jit_models.save(tmp_path / "train", jit_models.LeNet, IMAGES, training=True) if training else lenet
    summary = convert_jit(prefix, tmp_path / "model.onnx")
    assert ends(summary)[0] == "images float32['batch', 1, 28, 28]"
    assert list(summary["batch_norms"].values()) == ["into the Conv before it"]
    images = np.random.default_rng(0).uniform(-1, 1, (3, 1, 28, 28)).astype(np.float32)
    import paddle

    with jit_models.dynamic_mode():
        loaded = paddle.jit.load(str(prefix))
        loaded.eval()
        expected = loaded(paddle.to_tensor(images)).numpy()
    np.testing.assert_allclose(answers(tmp_path / "model.onnx", images=images)[0], expected, rtol=0, atol=1e-5)
    assert json.loads((tmp_path / "model.json").read_text()) == summary


def test_several_inputs_and_outputs_of_free_sizes_convert(tmp_path):
    specs = (((None, None), "int64", "words"), ((None, None), "float32", "mask"))
    summary = convert_jit(jit_models.save(tmp_path / "text", jit_models.TwoEnds, *specs), tmp_path / "model.onnx")
    assert ends(summary)[:2] == ["words int64['batch', 'length']", "mask float32['batch', 'length']"]
    assert [spec["shape"] for spec in summary["outputs"]] == [["batch", 3], ["batch"]]
    assert summary["takes"].startswith("tensors only: it takes words int64")


def test_a_network_without_parameters_is_one_file_and_a_number_has_no_dimensions(tmp_path):
    prefix = jit_models.save(tmp_path / "sum", jit_models.Sum, ROWS)
    assert not (tmp_path / "sum.pdiparams").exists()
    summary = convert_jit(prefix, tmp_path / "model.onnx")
    assert summary["outputs"][0]["shape"] == []
    assert answers(tmp_path / "model.onnx", x=np.full((2, 4), 3, np.float32))[0] == 72


def test_simple_control_flow_converts_and_so_do_recurrences_and_loops_of_python(tmp_path):
    convert_jit(jit_models.save(tmp_path / "branch", jit_models.Branch, ROWS), tmp_path / "branch.onnx")
    for value, expected in ((1.0, 16.0), (-1.0, -16.0)):
        found = answers(tmp_path / "branch.onnx", x=np.full((2, 4), value, np.float32))[0]
        np.testing.assert_array_equal(found, np.full((2, 4), expected))
    recurrent = jit_models.save(tmp_path / "recurrent", jit_models.Recurrent, ((None, None, 4), "float32", "x"))
    assert ends(convert_jit(recurrent, tmp_path / "recurrent.onnx"))[0] == "x float32['batch', 'length', 4]"
    steps = jit_models.save(tmp_path / "steps", jit_models.Steps, ((None, 5, 3), "float32", "x"))
    assert convert_jit(steps, tmp_path / "steps.onnx")["outputs"][0]["shape"] == ["batch", 5, 4]


def test_control_flow_that_paddle2onnx_cannot_convert_is_named_with_a_way_out(tmp_path, monkeypatch):
    from export.conversion import from_saved

    def fail(*_: object) -> None:
        raise FluidlineError("paddle2onnx failed (SIGABRT): it said so")

    monkeypatch.setattr(from_saved, "to_onnx", fail)
    prefix = jit_models.save(tmp_path / "branch", jit_models.Branch, ROWS)
    with pytest.raises(DataError, match=r"conditional_block, select_input, while are control flow.*SIGABRT.*unroll"):
        convert_jit(prefix, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_what_is_said_of_a_model_travels_in_the_file(lenet, tmp_path):
    labels = tuple("abcdefghij")
    said = Said(labels, {"scale": 1 / 255, "shift": 0.0}, softmax=True)
    summary = convert_jit(lenet, tmp_path / "model.onnx", said=said)
    assert summary["takes"] == "images of 28x28 to 10 labels"
    assert [spec["name"] for spec in summary["outputs"]] == ["probabilities"]
    model = load(tmp_path / "model.onnx")
    assert model.labels == labels
    assert (model.images.scale, model.images.shift, model.images.ink) == (1 / 255, 0.0, "light")
    assert model.classify(np.zeros((1, 28, 28), np.uint8)).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (Said(("a", "b"), softmax=True), "10 probabilities"),
        (Said(tuple("abcdefghij")), r"not what was said of it: its answers are no probabilities .*--softmax"),
        (Said(preprocessing={"size": [32, 32]}, softmax=True), r"\[32, 32\]"),
        (Said(preprocessing={"features": ["a"], "offset": [0], "scale": [1]}), "1 features"),
    ],
)
def test_what_is_said_and_is_not_so_writes_nothing(lenet, tmp_path, said, reason):
    with pytest.raises(DataError, match=reason):
        convert_jit(lenet, tmp_path / "model.onnx", said=said)
    assert not list(tmp_path.iterdir())


def test_any_file_of_the_model_stands_for_its_prefix(lenet):
    for suffix in (".pdmodel", ".pdiparams", ".pdiparams.info"):
        assert read_jit(lenet.with_name(lenet.name + suffix)).program_file.name == "lenet.v2.pdmodel"


@pytest.mark.parametrize(
    ("there", "asked", "reason"),
    [
        (
            [".pdmodel"],
            "model",
            r"model\.pdmodel lacks its other half, model\.pdiparams with 10 parameters \(copy both",
        ),
        ([".pdmodel", ".pdparams"], "model", r"model\.pdparams is a state dict, not that"),
        ([".pdiparams"], "model", r"model\.pdiparams lacks its other half, model\.pdmodel"),
        ([".pdparams"], "model", r"model\.pdparams is a state dict, parameters without a network; .*set_state_dict"),
        ([".pdparams"], "model.pdparams", r"model\.pdparams is a state dict"),
        ([".pdiparams", ".json"], "model", r"model\.json is a program of Paddle 3 .*FLAGS_enable_pir_api=0"),
        ([".pdmodel"], "modle", r"no such model: .*modle\.pdmodel \(.* holds models by the prefixes model\)"),
        ([], "model", r"no such model: .*\(give --from-jit what paddle\.jit\.save got\)"),
    ],
)
def test_what_is_no_such_model_is_told_with_the_mend(lenet, tmp_path, there, asked, reason):
    for suffix in there:
        source = lenet.with_name(lenet.name + suffix)
        if source.exists():
            shutil.copy(source, tmp_path / f"model{suffix}")
        else:
            (tmp_path / f"model{suffix}").write_text('{"base_code":{"magic":"pir","version":1},"program":{}}')
    with pytest.raises(DataError, match=reason):
        read_jit(tmp_path / asked)


def test_a_torn_half_and_a_training_program_are_told(lenet, trained, tmp_path):
    shutil.copy(lenet.with_name(lenet.name + ".pdmodel"), tmp_path / "torn.pdmodel")
    (tmp_path / "torn.pdiparams").write_bytes(lenet.with_name(lenet.name + ".pdiparams").read_bytes()[:-9])
    with pytest.raises(DataError, match=r"torn\.pdiparams is torn"):
        read_jit(tmp_path / "torn")
    with pytest.raises(DataError, match=r"without declared inputs and outputs .*paddle\.jit\.save\(layer"):
        read_jit(trained.checkpoints / "best" / "model")


def test_the_command_writes_beside_the_model_unless_told_otherwise(lenet, tmp_path, capsys):
    for suffix in (".pdmodel", ".pdiparams"):
        shutil.copy(lenet.with_name(lenet.name + suffix), tmp_path / f"net{suffix}")
    (tmp_path / "labels.txt").write_text("zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n")
    arguments = ["onnx", "--from-jit", str(tmp_path / "net"), "--labels", str(tmp_path / "labels.txt"), "--softmax"]
    assert main(export, [*arguments, "--preprocessing", "scale=1/127.5,ink=dark"]) == 0
    said = capsys.readouterr().out
    assert f"wrote {tmp_path / 'net.onnx'} (opset 17" in said
    assert "takes images of 28x28 to 10 labels" in said
    model = load(tmp_path / "net.onnx")
    assert (model.labels[7], model.images.ink, model.images.size) == ("seven", "dark", (28, 28))
    assert model.images.scale == pytest.approx(2 / 255)
