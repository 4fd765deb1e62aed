"""A server of models of every kind: labels and values, of images of several sizes, of rows of a table, and of tensors."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnx_graphs
import pytest
from bodies import png
from classifiers import LESS, bar, write_classifier, write_value
from PIL import Image
from running import Server, serving

from export.model import load

LETTERS = [chr(ord("a") + index) for index in range(26)]
PREPROCESSING = {"features": ["a", "b", "c"], "offset": [1.0, 0.0, 0.0], "scale": [1.0, 2.0, 0.5]}
RAW = "application/octet-stream"
LENGTH = "Inference-Header-Content-Length"


def write_tensors(path: Path) -> Path:
    """Write a model of two inputs, one of integers, and two outputs."""
    graph = """(float[batch, length] x, int64[batch] shift) => (float[batch, length] moved, bool[batch, length] positive) {
        axes = Constant <value = int64[1] {1}> ()
        column = Unsqueeze (shift, axes)
        amount = Cast <to = 1> (column)
        moved = Add (x, amount)
        positive = Greater (moved, zero)
    }"""
    onnx.save(onnx_graphs.parse(graph, zero=np.float32(0)), path)
    return path


def write_two_outputs(path: Path) -> Path:
    """Write a classifier of two labels by the mean of an image, which gives its mean too."""
    graph = """(float[batch, 1, 4, 4] img) => (float[batch, 2] probabilities, float[batch] mean) {
        mean = ReduceMean <keepdims = 0, axes = [1, 2, 3]> (img)
        last = Constant <value = int64[1] {1}> ()
        light = Unsqueeze (mean, last)
        dark = Neg (light)
        both = Concat <axis = 1> (dark, light)
        probabilities = Softmax <axis = 1> (both)
    }"""
    onnx.save(onnx_graphs.parse(graph), path)
    return path


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("kinds")
    houses = {"preprocessing": json.dumps(PREPROCESSING), "labels": "[]", "task": "regression"}
    files = [
        write_classifier(folder / "bars.onnx"),
        write_value(folder / "ink.onnx"),
        write_value(folder / "houses.onnx", houses, size=(3,)),
        write_classifier(folder / "letters.onnx", {"labels": json.dumps(LETTERS)}, size=(1, 32, 40), classes=26),
        write_tensors(folder / "moves.onnx"),
        write_two_outputs(folder / "light.onnx"),
    ]
    arguments = [argument for file in files for argument in ("--model", file)]
    with serving(*arguments, "--workers", 1, "--max-images", 20) as server:
        yield server


def worth(a: float, b: float, c: float) -> float:
    return (a - 1) + 2 * b + c / 2 - LESS


def values(answer: dict) -> list[float]:
    return [prediction["value"] for prediction in answer["predictions"]]


def test_what_each_model_takes_and_gives_is_told(kinds):
    told = {
        model["name"]: (model["takes"], model["task"], model["labels"]) for model in kinds.get("/models").json["models"]
    }
    assert told["bars"] == ({"kind": "images", "size": [28, 28]}, "classification", list("0123456789"))
    assert told["ink"] == ({"kind": "images", "size": [28, 28]}, "regression", [])
    assert told["houses"] == ({"kind": "table", "count": 3, "features": ["a", "b", "c"]}, "regression", [])
    assert told["letters"] == ({"kind": "images", "size": [32, 40]}, "classification", LETTERS)
    assert told["moves"] == ({"kind": "tensors"}, None, [])
    assert kinds.get("/health/ready").status == 200


def test_rows_of_a_table_are_answered_with_values_one_or_many(kinds):
    one = kinds.post_json("/predict?model=houses", {"features": [1, 2, 4]}).json
    assert one["model"] == "houses"
    assert one["predictions"] == [{"value": worth(1, 2, 4)}]
    rows = [[1, 2, 4], [3.5, 1, 0], [0, -2, 1]]
    many = kinds.post_json("/predict?model=houses&timing=1", {"features": rows}).json
    assert values(many) == [worth(*row) for row in rows]
    assert many["timing"]["batch"] == 3
    normalised = np.array([[0, 4, 2], [2.5, 2, 0]], "<f4")
    assert values(kinds.post("/predict?model=houses", normalised.tobytes(), RAW).json) == [5.5, 4.0]
    assert values(kinds.post_json("/predict?model=houses", {"tensor": normalised.tolist()}).json) == [5.5, 4.0]


def test_images_are_answered_with_a_value_where_the_model_gives_one(kinds):
    expected = (bar(3) / 255 * 2 - 1).sum() - LESS
    for answer in (
        kinds.post("/predict?model=ink", png(bar(3)), "image/png"),
        kinds.post_json("/predict?model=ink", {"pixels": bar(3).tolist()}),
    ):
        assert values(answer.json) == [pytest.approx(expected, abs=1e-2)]


def test_images_of_another_size_are_brought_to_it(kinds):
    found = kinds.post("/predict?model=letters&pixels=1&top=3", png(bar(3)), "image/png").json["predictions"][0]
    assert len(found["pixels"]) == 32 * 40
    assert (len(found["probabilities"]), len(found["top"])) == (26, 3)
    assert found["label"] in LETTERS
    exact = np.zeros((32, 40), np.uint8)
    exact[9:20, 15:19] = 200
    for how in (
        kinds.post("/predict?model=letters&pixels=1&raw=1", png(exact), "image/png"),
        kinds.post_json("/predict?model=letters&pixels=1", {"pixels": exact.tolist()}),
        kinds.post("/predict?model=letters&pixels=1", (exact.astype("<f4") / 127.5 - 1).tobytes(), RAW),
    ):
        assert how.json["predictions"][0]["pixels"] == exact.ravel().tolist()
    fitted = kinds.post(
        "/predict?model=letters&pixels=1&fit=1",
        png(np.asarray(Image.new("L", (9, 9), 255)) - bar(0)[:9, :9]),
        "image/png",
    )
    assert len(fitted.json["predictions"][0]["pixels"]) == 32 * 40


@pytest.mark.parametrize(
    ("query", "body", "kind", "status", "named"),
    [
        ("model=houses", b"\x89PNG", "image/png", 415, "rows of a table, and not image/png"),
        ("model=houses", b"", "", 415, "without Content-Type"),
        ("model=houses", b'{"pixels": [1, 2, 3]}', "application/json", 422, "pixels"),
        ("model=houses", b'{"features": [1, 2]}', "application/json", 422, "not all rows"),
        ("model=houses", b'{"features": []}', "application/json", 422, "0 items"),
        ("model=houses", b'{"features": ["1", 2, 3]}', "application/json", 422, "numbers"),
        ("model=houses", b'{"features": [true, 2, 3]}', "application/json", 422, "true"),
        ("model=houses", b'{"features": [1e999, 2, 3]}', "application/json", 400, "JSON"),
        ("model=houses", b'{"features": [1e300, 2, 3]}', "application/json", 422, "no number"),
        (
            "model=houses",
            json.dumps({"features": [[1, 2, 3]] * 21}).encode(),
            "application/json",
            413,
            "20 images or rows",
        ),
        ("model=houses", b"123", RAW, 422, "inputs of 12"),
        ("model=houses&top=2", b'{"features": [1, 2, 3]}', "application/json", 422, "top is for labels"),
        ("model=houses&pixels=1", b'{"features": [1, 2, 3]}', "application/json", 422, "pixels is for images"),
        ("model=ink&top=1", b"", "image/png", 422, "top is for labels"),
        ("model=ink", b'{"features": [1, 2, 3]}', "application/json", 422, "features"),
        ("model=letters&raw=1", png(bar(1)), "image/png", 422, "28 x 28"),
        ("model=letters", b'{"pixels": [1, 2, 3]}', "application/json", 422, "3 items"),
        ("model=moves", b"{}", "application/json", 422, "it takes x float32"),
    ],
)
def test_what_is_not_for_a_model_is_refused_with_the_mend(kinds, query, body, kind, status, named):
    answer = kinds.post(f"/predict?{query}", body, kind)
    assert (answer.status, named in answer.json["error"]["message"]) == (status, True), answer.json
    assert answer.json["error"]["hint"]


def test_the_protocol_serves_every_model_with_its_own_names_and_shapes(kinds):
    ends = {name: kinds.get(f"/v2/models/{name}").json for name in ("houses", "letters", "moves")}
    assert ends["houses"]["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]
    assert ends["houses"]["outputs"] == [{"name": "value", "datatype": "FP32", "shape": [-1, 1]}]
    assert ends["letters"]["inputs"][0]["shape"] == [-1, 1, 32, 40]
    assert [each["datatype"] for each in (*ends["moves"]["inputs"], *ends["moves"]["outputs"])] == [
        *("FP32", "INT64", "FP32", "BOOL")
    ]
    asked = {"inputs": [{"name": "x", "shape": [2, 3], "datatype": "FP32", "data": [[0, 4, 2], [2.5, 2, 0]]}]}
    (output,) = kinds.post_json("/v2/models/houses/infer", asked).json["outputs"]
    assert (output["name"], output["data"]) == ("value", [5.5, 4.0])


def test_of_several_outputs_the_first_is_predicted_and_the_protocol_has_them_all(kinds):
    light = kinds.post_json("/predict?model=light", {"pixels": [255] * 16}).json["predictions"][0]
    assert (light["label"], len(light["probabilities"])) == ("1", 2)
    asked = {"inputs": [{"name": "img", "shape": [1, 1, 4, 4], "datatype": "FP32", "data": [-0.5] * 16}]}
    first, mean = kinds.post_json("/v2/models/light/infer", asked).json["outputs"]
    assert first["data"][0] == pytest.approx(1 / (1 + math.exp(-1)))
    assert (mean["shape"], mean["data"]) == ([1], [-0.5])


X = {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, -5, 0.5, 2]}
SHIFT = {"name": "shift", "shape": [2], "datatype": "INT64", "data": [1, -1]}


def test_tensors_of_any_kind_go_in_and_come_out(kinds):
    answer = kinds.post_json("/v2/models/moves/infer", {"inputs": [SHIFT, X], "id": "7"}).json
    assert answer["id"] == "7"
    moved, positive = answer["outputs"]
    assert (moved["name"], moved["shape"], moved["data"]) == ("moved", [2, 2], [2.0, -4.0, -0.5, 1.0])
    assert (positive["datatype"], positive["data"]) == ("BOOL", [True, False, False, True])
    only = kinds.post_json("/v2/models/moves/infer", {"inputs": [X, SHIFT], "outputs": [{"name": "positive"}]}).json
    assert [output["name"] for output in only["outputs"]] == ["positive"]


def test_tensors_go_in_and_come_out_in_binary_each_by_its_own_wish(kinds):
    x, shift = np.array([[1, -5, 2]], "<f4"), np.array([1], "<i8")
    inputs = [
        {"name": "x", "shape": [1, 3], "datatype": "FP32", "parameters": {"binary_data_size": x.nbytes}},
        {"name": "shift", "shape": [1], "datatype": "INT64", "parameters": {"binary_data_size": shift.nbytes}},
    ]
    outputs = [{"name": "positive"}, {"name": "moved", "parameters": {"binary_data": True}}]
    header = json.dumps({"inputs": inputs, "outputs": outputs}).encode()
    body = header + x.tobytes() + shift.tobytes()
    answer = kinds.post("/v2/models/moves/infer", body, RAW, **{LENGTH: str(len(header))})
    size = int(answer.headers[LENGTH.lower()])
    positive, moved = json.loads(answer.body[:size])["outputs"]
    assert positive["data"] == [True, False, True]
    assert moved["parameters"] == {"binary_data_size": 12}
    assert np.frombuffer(answer.body[size:], "<f4").tolist() == [2, -4, 3]


@pytest.mark.parametrize(
    ("inputs", "more", "status", "named"),
    [
        ([X], {}, 422, "1 inputs"),
        ([X, X], {}, 422, "2 inputs"),
        ([X, SHIFT | {"datatype": "INT32"}], {}, 422, "INT32"),
        ([X, SHIFT | {"shape": [2, 1]}], {}, 422, "shape"),
        ([X | {"shape": [0, 2], "data": []}, SHIFT], {}, 422, "shape"),
        ([X, SHIFT | {"data": [1]}], {}, 422, "1 values"),
        ([X, SHIFT | {"data": [1.5, 2]}], {}, 422, "INT64"),
        ([X, SHIFT | {"data": ["1", "2"]}], {}, 422, "INT64"),
        ([X, SHIFT | {"data": [True, False]}], {}, 422, "2 values"),
        ([X, SHIFT | {"data": None}], {}, 400, "0 bytes of tensor"),
        ([X, SHIFT | {"shape": [3], "data": [1, 2, 3]}], {}, 422, "refuses these tensors"),
        ([X, SHIFT], {"outputs": [{"name": "moves"}]}, 422, "no output is named moves"),
        ([X, SHIFT], {"outputs": [{"name": "moved"}] * 3}, 422, "3 outputs"),
    ],
)
def test_tensors_that_are_not_the_models_are_refused(kinds, inputs, more, status, named):
    answer = kinds.post_json("/v2/models/moves/infer", {"inputs": inputs, **more})
    assert (answer.status, named in answer.json["error"]) == (status, True), answer.json


def test_the_description_has_every_kind_and_its_example_works(kinds):
    document = kinds.get("/openapi.json").json
    schemas = document["components"]["schemas"]
    assert {"JsonImages", "JsonRows"} <= set(schemas)
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert {"image/*", "application/octet-stream"} <= set(content)
    features = schemas["JsonRows"]["oneOf"][0]["properties"]["features"]["anyOf"]
    assert (features[0]["minItems"], features[0]["maxItems"]) == (3, 3)
    sizes = {
        shape["anyOf"][0]["minItems"]
        for shape in schemas["JsonImages"]["oneOf"][0]["properties"]["pixels"]["anyOf"]
        if "anyOf" in shape
    }
    assert sizes == {784, 32 * 40, 16}
    assert "JsonRows" in kinds.get("/docs").body.decode()


def test_a_server_of_a_table_alone_describes_no_images(tmp_path):
    with serving("--model", write_value(tmp_path / "houses.onnx", size=(3,)), "--workers", 1) as server:
        document = server.get("/openapi.json").json
        content = document["paths"]["/predict"]["post"]["requestBody"]["content"]
        assert set(content) == {"application/json", "application/octet-stream"}
        assert "JsonImages" not in document["components"]["schemas"]
        answer = server.post_json("/predict", content["application/json"]["example"])
        assert math.isclose(answer.json["predictions"][0]["value"], -LESS)
        assert server.get("/docs").status == server.get("/").status == 200


def test_a_run_of_a_table_is_served_by_the_runs_name(houses):
    rows = [[5.0, 10.0, 300.0], [3.0, 40.0, 200.0]]
    with serving("--runs-dir", houses.path.parent, "--run", "houses", "--workers", 1) as server:
        answer = server.post_json("/predict", {"features": rows}).json
        about = server.get("/v2/models/linear").json
    model = load(houses.onnx)
    expected = model.run(model.table.normalise(np.array(rows)))[:, 0]
    assert answer["model"] == "linear"
    np.testing.assert_allclose(values(answer), expected, rtol=1e-5)
    assert about["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]
    assert about["outputs"] == [{"name": "prediction", "datatype": "FP32", "shape": [-1, 1]}]
