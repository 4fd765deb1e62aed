from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from export.__main__ import export
from export.conversion import translate
from export.conversion.paddle_files import load_2x
from export.onnx import export_onnx
from fluidline import __version__
from fluidline.cli import main
from fluidline.errors import DataError, RunError, ValidationError

ROOT = Path(__file__).parents[2]
IMAGES = np.random.default_rng(2).uniform(-1, 1, (5, 1, 28, 28)).astype(np.float32)


def test_the_file_takes_a_batch_of_images_and_names_both_ends(exported):
    session = onnxruntime.InferenceSession(exported.onnx, providers=["CPUExecutionProvider"])
    assert [(value.name, value.shape) for value in session.get_inputs()] == [("img", ["batch", 1, 28, 28])]
    assert [(value.name, value.shape) for value in session.get_outputs()] == [("prediction", ["batch", 10])]
    expected = load_2x(exported.inference / "model").run({"img": IMAGES})[0]
    np.testing.assert_allclose(session.run(None, {"img": IMAGES})[0], expected, rtol=0, atol=1e-5)


def test_the_graph_is_the_network_and_nothing_else(exported):
    model = onnx.load(exported.onnx)
    assert [node.op_type for node in model.graph.node] == [
        *("Conv", "Relu", "MaxPool", "Conv", "Relu", "MaxPool", "Flatten", "MatMul", "Add", "Softmax")
    ]
    assert not model.graph.value_info
    assert {constant.name for constant in model.graph.initializer} == {
        *("conv2d_0.w_0", "conv2d_1.w_0", "fc_0.w_0", "fc_0.b_0", "Conv_0_B", "Conv_1_B")
    }
    assert (model.producer_name, model.producer_version, model.opset_import[0].version) == (
        "fluidline",
        __version__,
        17,
    )


def test_labels_and_preprocessing_travel_in_the_file(exported):
    metadata = {item.key: item.value for item in onnx.load(exported.onnx).metadata_props}
    assert json.loads(metadata.pop("labels")) == [str(digit) for digit in range(10)]
    assert json.loads(metadata.pop("preprocessing"))["scale"] == pytest.approx(2 / 255)
    assert metadata == {"model": "lenet", "task": "classification", "run": "bars", "fluidline": __version__}


def test_the_manifest_says_what_was_proved_and_how_far_it_was_off(exported):
    entry = exported.read_stage("onnx", "")
    assert entry["parent"] == "inference"
    assert list(entry["files"]) == ["onnx/model.onnx"]
    assert entry["batch_norms"] == {"batch_norm_0.tmp_2": "into the Conv after it"}
    validation = entry["validation"]
    assert validation["checks"] == ["file", "names", "axes", "shapes", "values"]
    assert validation["batches"] == [1, 2, 7, 64]
    assert 0 < validation["largest_difference"] <= validation["atol"] + validation["rtol"] <= 1e-5


def test_the_same_model_converted_again_is_the_same_file(exported):
    before = exported.onnx.read_bytes()
    export_onnx(exported)
    assert exported.onnx.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("opset", range(7, 20))
def test_every_opset_that_paddle2onnx_writes_is_valid(exported, opset):
    assert export_onnx(exported, opset=opset)["opset"] >= opset


def test_a_model_that_was_changed_since_is_found(exported):
    exported.onnx.write_bytes(exported.onnx.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"model\.onnx was changed"):
        exported.read_stage("onnx", "")


def test_an_inference_model_that_was_changed_is_not_converted(exported):
    file = exported.inference / "model.pdiparams"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"model\.pdiparams was changed .*python -m export inference"):
        export_onnx(exported)


def test_a_run_without_inference_model_is_named_with_the_command(run):
    with pytest.raises(RunError, match=r"has no stage 'inference' yet .*python -m export inference"):
        export_onnx(run)


def test_a_conversion_that_goes_wrong_leaves_file_and_manifest_as_they_were(exported, monkeypatch):
    from export.conversion import convert

    def translate_wrongly(*args: object) -> onnx.ModelProto:
        model = translate.translate(*args)
        for node in model.graph.node:
            if node.op_type == "Constant" and node.output[0] == "fc_0.w_0":
                tensor = node.attribute[0].t
                weights = onnx.numpy_helper.to_array(tensor).copy()
                weights[:, 7] += 1e-3
                tensor.CopyFrom(onnx.numpy_helper.from_array(weights))
        return model

    before = exported.read_manifest(), exported.onnx.read_bytes(), sorted(exported.path.rglob("*"))
    monkeypatch.setattr(convert, "translate", translate_wrongly)
    with pytest.raises(ValidationError, match=r"^values: prediction: "):
        export_onnx(exported)
    assert (exported.read_manifest(), exported.onnx.read_bytes(), sorted(exported.path.rglob("*"))) == before


def test_the_command_reports_differences_and_folds(exported, capsys):
    arguments = ["onnx", "--run", "bars", "--runs-dir", str(exported.path.parent)]
    assert main(export, arguments) == 0
    said = capsys.readouterr().out
    assert "batch_norm batch_norm_0.tmp_2: into the Conv after it" in said
    assert "prediction: largest difference from Paddle" in said
    assert "passed file, names, axes, shapes, values on test images of" in said
    assert main(export, [*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["validation"]["rtol"] == 5e-6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--opset", "20"], "7<=x<=19"),
        (["--out", "x.onnx"], "--out: only with --from-fluid or --from-jit"),
        (["--labels", "a,b", "--softmax"], "--labels, --softmax: only with"),
        (["--from-jit", "x", "--from-fluid", "y", "--out", "z"], "both given"),
        (["--from-jit", "x", "--params", "y"], "go with --from-fluid"),
        (["--from-jit", "x", "--labels", "a,a"], "1 come twice"),
        (["--from-jit", "x", "--preprocessing", "scael=1"], "did you mean 'scale'"),
        (["--from-jit", "x", "--preprocessing", "size=28"], "write it as in size=28x28"),
        (["--from-fluid", "model", "--out", "x.onnx", "--data", "mnist"], "do not go with --from-fluid"),
        (["--from-fluid", "model", "--out", "x.json"], "x.json is where the summary goes"),
        (["--from-fluid", "model"], "--from-fluid needs --out FILE"),
        (["--opsets", "9"], "Did you mean one of: '--opset'"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_right(arguments, message, capsys):
    assert main(export, ["onnx", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_help_needs_neither_paddle_nor_onnx():
    code = "import sys; from export.__main__ import export; from fluidline.cli import main; main(export, ['--help']); "
    code += "main(export, ['onnx', '--help']); print({'paddle', 'onnx', 'onnxruntime'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.stdout.endswith("set()\n"), done.stdout + done.stderr
