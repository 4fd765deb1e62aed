from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from export import inference
from export.__main__ import export
from export.conversion.paddle_files import load_2x, load_fluid, save_fluid
from export.conversion.paddle_model import PaddleModel
from export.inference import export_inference
from fluidline.cli import main
from fluidline.errors import DataError, RunError, ValidationError
from fluidline.runs import RunFolder

IMAGES = np.random.default_rng(2).uniform(-1, 1, (5, 1, 28, 28)).astype(np.float32)

PREDICT = """
import sys, zlib
import numpy
from paddle import inference
config = inference.Config(sys.argv[1] + ".pdmodel", sys.argv[1] + ".pdiparams")
config.disable_glog_info()
predictor = inference.create_predictor(config)
predictor.get_input_handle("img").copy_from_cpu(numpy.load(sys.argv[2]))
predictor.run()
numpy.save(sys.argv[3], predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu())
"""

LOAD_STATIC = """
import sys, zlib
import numpy, paddle
paddle.enable_static()
executor = paddle.static.Executor(paddle.CPUPlace())
program, feeds, fetches = paddle.static.load_inference_model(sys.argv[1], executor)
assert feeds == ["img"], feeds
numpy.save(sys.argv[3], executor.run(program, feed={"img": numpy.load(sys.argv[2])}, fetch_list=fetches)[0])
"""


def test_both_layouts_hold_the_model_from_image_to_prediction_and_nothing_of_the_training(exported):
    assert sorted(file.name for file in exported.inference.iterdir()) == ["model.pdiparams", "model.pdmodel"]
    model = load_2x(exported.inference / "model")
    assert [spec.name for spec in model.inputs] == ["img"]
    assert {op.type for op in model.operators} == {
        *("conv2d", "elementwise_add", "relu", "pool2d", "batch_norm", "mul", "softmax", "scale")
    }
    parameters = {file.name for file in exported.inference_fluid.iterdir()} - {"__model__"}
    assert len(parameters) == 10
    assert {"conv2d_0.w_0", "batch_norm_0.w_1", "fc_0.b_0"} <= parameters
    np.testing.assert_array_equal(
        load_fluid(exported.inference_fluid).run({"img": IMAGES})[0], model.run({"img": IMAGES})[0]
    )


def test_the_manifest_tells_what_was_made_from_what_and_how_it_compares(exported):
    entry = exported.read_stage("inference", "")
    assert entry["parent"] == "train"
    assert len(entry["files"]) == 13
    assert entry["labels"] == [str(digit) for digit in range(10)]
    assert entry["preprocessing"]["shift"] == -1
    validation = entry["validation"]
    assert validation["largest_difference"] <= validation["atol"] == 1e-6
    assert validation["batches"] == [1, 2, 7, 64]
    assert "test images of" in validation["inputs"]
    assert set(validation["differences"]) == {"inference", "inference_fluid"}


@pytest.mark.parametrize(("script", "atol"), [(PREDICT, 1e-5), (LOAD_STATIC, 1e-6)])
def test_paddle_itself_loads_the_model_and_answers_alike(exported, tmp_path, script, atol):
    np.save(tmp_path / "images.npy", IMAGES)
    arguments = [exported.inference / "model", tmp_path / "images.npy", tmp_path / "answers.npy"]
    subprocess.run([sys.executable, "-c", script, *arguments], check=True, timeout=60, capture_output=True)
    expected = load_2x(exported.inference / "model").run({"img": IMAGES})[0]
    np.testing.assert_allclose(np.load(tmp_path / "answers.npy"), expected, rtol=0, atol=atol)


def test_a_run_that_was_not_trained_is_named_with_the_command(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match=r"has no stage 'train' yet .*python -m pipeline train"):
        export_inference(RunFolder(tmp_path / "empty"))


def test_a_changed_checkpoint_is_found(run):
    file = run.checkpoints / "best" / "model.pdparams"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"model\.pdparams was changed"):
        export_inference(run)


def test_a_model_that_answers_otherwise_does_not_count_and_leaves_what_was_there(exported, monkeypatch):
    def load_another(prefix: Path) -> PaddleModel:
        model = load_2x(prefix)
        weights = model.scope.find_var("fc_0.w_0").get_tensor()
        changed = np.array(weights)
        changed[3, 3] += 1e-3
        weights.set(changed, fluid.CPUPlace())
        return model

    import legacy_fluid as fluid

    before = exported.read_manifest(), sorted(exported.path.rglob("*"))
    monkeypatch.setattr(inference, "load_2x", load_another)
    with pytest.raises(ValidationError, match=r"values: .* out of tolerance"):
        export_inference(exported)
    assert (exported.read_manifest(), sorted(exported.path.rglob("*"))) == before


def test_a_run_whose_data_is_gone_is_compared_on_drawn_digits_with_a_warning(run, caplog, monkeypatch):
    from pipeline.data.dataset import Dataset, Split

    drawn = Split(np.random.default_rng(0).integers(0, 256, (80, 28, 28), np.uint8), np.zeros(80, np.int64))

    def load(spec: str) -> Dataset:
        if spec != "builtin":
            raise DataError(f"no data at {spec}")
        return Dataset("built-in digits", drawn, drawn, None, ("0",))

    monkeypatch.setattr("pipeline.data.load", load)
    entry = export_inference(run)
    assert "comparing on drawn digits instead" in caplog.text
    assert entry["validation"]["inputs"] == "test images of built-in digits"


def test_data_asked_for_by_name_and_not_there_is_an_error(run):
    with pytest.raises(DataError):
        export_inference(run, data="/nowhere")


def test_the_command_prints_the_entry_as_json_or_says_it_in_a_sentence(run, capsys):
    arguments = ["inference", "--run", "bars", "--runs-dir", str(run.path.parent)]
    assert main(export, arguments) == 0
    assert "largest difference" in capsys.readouterr().out
    assert main(export, [*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parent"] == "train"


def test_a_model_of_genuine_fluid_is_written_back_with_the_same_parameter_files(shared, tmp_path):
    genuine = shared / "compat" / "legacy_models" / "lenet" / "separate"
    save_fluid(load_fluid(genuine), tmp_path)
    for file in genuine.iterdir():
        assert file.name == "__model__" or file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name
