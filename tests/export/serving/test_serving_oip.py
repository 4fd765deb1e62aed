from __future__ import annotations

import json

import numpy as np
import pytest
from bodies import floats
from classifiers import bar

LENGTH = "Inference-Header-Content-Length"
RAW = "application/octet-stream"


def tensor(*labels: int) -> np.ndarray:
    return np.frombuffer(floats(*labels), "<f4").reshape(-1, 1, 28, 28)


def asked(images: np.ndarray, **more: object) -> dict:
    first = {"name": "img", "shape": list(images.shape), "datatype": "FP32", "data": images.ravel().tolist()}
    return {"inputs": [first | more.pop("input", {})], **more}


def test_the_server_and_its_models_describe_themselves(server):
    about = server.get("/v2").json
    assert about["name"] == "fluidline"
    assert "binary_tensor_data" in about["extensions"]
    model = server.get("/v2/models/bars").json
    assert model["name"] == "bars"
    assert model["inputs"] == [{"name": "img", "datatype": "FP32", "shape": [-1, 1, 28, 28]}]
    assert model["outputs"] == [{"name": "prediction", "datatype": "FP32", "shape": [-1, 10]}]
    (version,) = model["versions"]
    assert server.get(f"/v2/models/bars/versions/{version}").json == model
    for path in (
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/bars/ready",
        f"/v2/models/bars/versions/{version}/ready",
    ):
        assert server.get(path).status == 200
    assert server.post("/v2/repository/index", b"", "").json[0]["name"] == "bars"


def test_a_tensor_in_json_is_answered_in_json(server):
    images = tensor(3, 7)
    for body in (asked(images, id="x"), asked(images, id="x", input={"data": images.tolist()})):
        answer = server.post_json("/v2/models/bars/infer", body).json
        (output,) = answer["outputs"]
        assert (answer["id"], answer["model_name"], output["name"], output["shape"]) == (
            "x",
            "bars",
            "prediction",
            [2, 10],
        )
        assert np.reshape(output["data"], (2, 10)).argmax(axis=1).tolist() == [3, 7]


@pytest.mark.parametrize(
    "ask",
    [
        {"parameters": {"binary_data_output": True}},
        {"outputs": [{"name": "prediction", "parameters": {"binary_data": True}}]},
    ],
)
def test_a_binary_tensor_is_answered_in_binary_where_asked(server, ask):
    images = tensor(3, 7)
    header = asked(images, input={"parameters": {"binary_data_size": images.nbytes}}, **ask)
    del header["inputs"][0]["data"]
    body = json.dumps(header).encode()
    for path in (
        "/v2/models/bars/infer",
        f"/v2/models/bars/versions/{server.get('/v2/models/bars').json['versions'][0]}/infer",
    ):
        answer = server.post(path, body + images.tobytes(), RAW, **{LENGTH: str(len(body))})
        size = int(answer.headers[LENGTH.lower()])
        (output,) = json.loads(answer.body[:size])["outputs"]
        assert output["parameters"]["binary_data_size"] == 80
        found = np.frombuffer(answer.body[size:], "<f4").reshape(output["shape"])
        expected = server.post("/predict", images.tobytes(), RAW).json["predictions"]
        np.testing.assert_allclose(found, [prediction["probabilities"] for prediction in expected], rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "status", "named"),
    [
        ({"inputs": []}, 422, "one input"),
        ({"inputs": "x"}, 422, "inputs"),
        ({"input": {"name": "image"}}, 422, "img"),
        ({"input": {"datatype": "INT8"}}, 422, "INT8"),
        ({"input": {"shape": [1, 28, 28]}}, 422, "shape"),
        ({"input": {"shape": [0, 1, 28, 28]}}, 422, "shape"),
        ({"input": {"shape": [2, 1, 28, 28]}}, 422, "1568"),
        ({"input": {"shape": [-1, 1, 28, 28]}}, 422, "shape"),
        ({"input": {"shape": [51, 1, 28, 28]}}, 413, "50 images"),
        ({"input": {"data": [True] * 784}}, 422, "784"),
        ({"input": {"data": ["1"] * 784}}, 422, "numbers"),
        ({"input": {"data": [[1] * 28] * 27 + [[1]]}}, 422, "nested"),
        ({"input": {"data": None}}, 400, "bytes"),
        ({"outputs": [{"name": "labels"}]}, 422, "labels"),
    ],
)
def test_a_request_that_is_not_the_models_is_refused_in_the_protocols_form(server, change, status, named):
    answer = server.post_json(
        "/v2/models/bars/infer", asked(tensor(1)) | change if "input" not in change else asked(tensor(1), **change)
    )
    assert answer.status == status
    assert named in answer.json["error"]


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v2/models/none/infer", b"{}", {}, 404),
        ("/v2/models/bars/versions/0/infer", b"{}", {}, 404),
        ("/v2/models/bars/infer", b"{", {}, 400),
        ("/v2/models/bars/infer", b"{}", {LENGTH: "3"}, 400),
        ("/v2/models/bars/infer", b"{}", {LENGTH: "-1"}, 400),
        ("/v2/models/bars/infer", b"{}", {LENGTH: "x"}, 400),
        ("/v2/models/bars/infer", b"{}", {"Content-Encoding": "gzip"}, 415),
        ("/v2/models/bars/infer", b"{}", {}, 422),
    ],
)
def test_what_is_no_inference_request_is_refused(server, path, body, headers, status):
    answer = server.post(path, body, "application/json", **headers)
    assert answer.status == status
    assert isinstance(answer.json["error"], str)


def test_tritons_client_works_unchanged(server):
    client_of = pytest.importorskip("tritonclient.http", reason="needs tritonclient[http]")
    client = client_of.InferenceServerClient(f"127.0.0.1:{server.port}")
    try:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("bars")
        assert client.get_server_metadata()["name"] == "fluidline"
        assert client.get_model_metadata("bars")["inputs"][0]["name"] == "img"
        assert client.get_model_repository_index()[0]["name"] == "bars"
        images = np.stack([bar(2), bar(9)])[:, None].astype(np.float32) / 255 * 2 - 1
        for binary in (True, False):
            given = client_of.InferInput("img", list(images.shape), "FP32")
            given.set_data_from_numpy(images, binary_data=binary)
            for outputs in (None, [client_of.InferRequestedOutput("prediction", binary_data=binary)]):
                result = client.infer("bars", [given], outputs=outputs, request_id="7")
                assert result.as_numpy("prediction").argmax(axis=1).tolist() == [2, 9]
                assert result.get_response()["id"] == "7"
        with pytest.raises(Exception, match="none is not served here"):
            client.infer("none", [given])
    finally:
        client.close()
