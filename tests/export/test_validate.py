from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_graphs import parse

from export.conversion.compare import Tolerance
from export.conversion.signature import Signature, TensorSpec
from export.conversion.validate import validate
from fluidline.errors import ValidationError

TOLERANCE = Tolerance(atol=5e-6, rtol=5e-6)
SIGNATURE = Signature(
    (TensorSpec("img", "float32", ("batch", 1, 4, 4)),), (TensorSpec("prediction", "float32", ("batch", 3)),)
)
random = np.random.default_rng(1)
WEIGHTS = random.standard_normal((16, 3)).astype(np.float32)
FEEDS = [{"img": random.uniform(-1, 1, (size, 1, 4, 4)).astype(np.float32)} for size in (1, 2, 7)]

RIGHT = """(float[batch,1,4,4] img) => (float[batch,3] prediction) {
    flat = Flatten<axis=1>(img) logits = MatMul(flat, w) prediction = Softmax(logits) }"""


def reference() -> list[list[np.ndarray]]:
    """What another framework answers: computed here in float64."""
    expected = []
    for feed in FEEDS:
        powers = np.exp(feed["img"].reshape(-1, 16).astype(np.float64) @ WEIGHTS)
        expected.append([(powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)])
    return expected


def check(folder: Path, model: onnx.ModelProto):
    file = folder / "model.onnx"
    onnx.save(model, file)
    return validate(file, SIGNATURE, FEEDS, reference(), TOLERANCE)


def test_the_right_model_passes_and_the_report_says_by_how_much(tmp_path):
    report = check(tmp_path, parse(RIGHT, w=WEIGHTS)).as_json()
    assert report["checks"] == ["file", "names", "axes", "shapes", "values"]
    assert report["batches"] == [1, 2, 7]
    assert 0 < report["largest_difference"] < 1e-6
    assert report["outputs"][0]["output"] == "prediction"


def test_one_weight_that_is_off_by_a_thousandth_fails_the_values(tmp_path):
    broken = WEIGHTS.copy()
    broken[5, 2] += 1e-3
    with pytest.raises(
        ValidationError, match=r"^values: prediction: .* are out of tolerance \(atol 5e-06, rtol 5e-06\)"
    ):
        check(tmp_path, parse(RIGHT, w=broken))


WRONG = {
    "names: outputs are ['answer'], should be ['prediction']": RIGHT.replace("prediction", "answer"),
    "names: inputs are ['x'], should be ['img']": RIGHT.replace("img", "x"),
    "axes: input is img float32[7, 1, 4, 4], should be img float32[batch, 1, 4, 4]": RIGHT.replace("batch,1", "7,1"),
    "axes: output is prediction float32[3, batch], should be prediction float32[batch, 3]": RIGHT.replace(
        "batch,3", "3,batch"
    ).replace("prediction = Softmax(logits)", "s = Softmax(logits) prediction = Transpose<perm=[1,0]>(s)"),
    "axes: input is img float64": RIGHT.replace("float[batch,1,4,4]", "double[batch,1,4,4]")
    .replace("flat =", "f = Cast<to=1>(img) flat =")
    .replace("Flatten<axis=1>(img)", "Flatten<axis=1>(f)"),
    # Declared as it should be, but not so: the free dimension is fixed inside, or the file contradicts itself.
    "shapes: onnxruntime cannot run img [2, 1, 4, 4]": RIGHT.replace("Flatten<axis=1>(img)", "Reshape(img, once)"),
    "file: [ShapeInferenceError]": RIGHT.replace(
        "prediction = Softmax(logits)", "s = Softmax(logits) prediction = Unsqueeze(s, last)"
    ),
}


@pytest.mark.parametrize(("message", "text"), WRONG.items())
def test_a_model_that_is_declared_or_shaped_otherwise_fails_by_name(tmp_path, message, text):
    with pytest.raises(ValidationError) as caught:
        check(tmp_path, parse(text, w=WEIGHTS, once=np.array([1, 16]), last=np.array([2])))
    assert str(caught.value).startswith(message)


def test_axes_that_are_swapped_inside_fail_the_values(tmp_path):
    text = RIGHT.replace("flat = Flatten<axis=1>(img)", "t = Transpose<perm=[0,1,3,2]>(img) flat = Flatten<axis=1>(t)")
    with pytest.raises(ValidationError, match=r"^values: prediction"):
        check(tmp_path, parse(text, w=WEIGHTS))


def test_an_output_of_the_right_size_and_another_dtype_fails_the_shapes(tmp_path):
    wrong = [[answer.astype(np.float64) for answer in answers] for answers in reference()]
    onnx.save(parse(RIGHT, w=WEIGHTS), tmp_path / "model.onnx")
    with pytest.raises(ValidationError, match=r"^shapes: .* is float32\[1, 3\], should be float64\[1, 3\]"):
        validate(tmp_path / "model.onnx", SIGNATURE, FEEDS, wrong, TOLERANCE)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda whole: b"", "holds no ONNX graph (0 bytes)"),
        (lambda whole: whole[: len(whole) // 2], "is not an ONNX file, or is torn"),
        (lambda whole: b"not a model", "is not an ONNX file, or is torn (11 bytes)"),
    ],
)
def test_a_file_that_is_empty_torn_or_something_else_fails_as_a_file(tmp_path, damage, message):
    file = tmp_path / "model.onnx"
    file.write_bytes(damage(parse(RIGHT, w=WEIGHTS).SerializeToString()))
    with pytest.raises(ValidationError) as caught:
        validate(file, SIGNATURE, FEEDS, reference(), TOLERANCE)
    assert str(caught.value).startswith("file: ")
    assert message in str(caught.value)


def test_an_operator_that_no_opset_has_fails_as_a_file(tmp_path):
    model = parse(RIGHT, w=WEIGHTS)
    model.graph.node[2].op_type = "Softmaximum"
    with pytest.raises(ValidationError, match=r"^file: .*Softmaximum"):
        check(tmp_path, model)
