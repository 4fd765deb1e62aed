from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from bodies import encoded, floats, form, png
from classifiers import bar
from PIL import Image, ImageDraw

from export.predict import predict_folder

RAW = "application/octet-stream"


@pytest.mark.parametrize("label", [0, 3, 9])
def test_every_form_of_an_image_gets_the_same_answer(server, label):
    pixels = bar(label)
    answers = [
        server.post("/predict", png(pixels), "image/png"),
        server.post("/predict", encoded(Image.fromarray(pixels), "BMP"), "image/bmp"),
        server.post("/predict", form(png(pixels)), "multipart/form-data; boundary=frontier"),
        server.post("/predict", floats(label), RAW),
        server.post_json("/predict", {"pixels": pixels.ravel().tolist()}),
        server.post_json("/predict", {"pixels": pixels.astype(float).tolist()}),
        server.post_json("/predict", {"tensor": (pixels / 255 * 2 - 1).tolist()}),
        server.post_json("/predict", {"tensor": [[(pixels / 255 * 2 - 1).tolist()]]}),
    ]
    assert [answer.status for answer in answers] == [200] * len(answers)
    assert [answer.labels for answer in answers] == [[str(label)]] * len(answers)
    probabilities = [answer.json["predictions"][0]["probabilities"] for answer in answers]
    np.testing.assert_allclose(probabilities, [probabilities[0]] * len(answers), rtol=1e-5)
    assert sum(probabilities[0]) == pytest.approx(1, abs=1e-5)


def test_an_answer_names_model_version_label_and_probability(server, bars):
    answer = server.post("/predict", floats(4), RAW).json
    assert (answer["model"], list(answer)) == ("bars", ["model", "version", "predictions"])
    assert answer["version"] == server.get("/models").json["models"][0]["version"]
    (prediction,) = answer["predictions"]
    assert prediction["probability"] == max(prediction["probabilities"])
    assert prediction["probabilities"].index(prediction["probability"]) == int(prediction["label"]) == 4


def test_many_images_in_a_request_are_answered_in_their_order(server):
    labels = [7, 1, 1, 0, 9]
    images = [bar(label).ravel().tolist() for label in labels]
    files = [png(bar(label)) for label in labels]
    for answer in (
        server.post("/predict", floats(*labels), RAW),
        server.post_json("/predict", {"pixels": images}),
        server.post_json("/predict", {"pixels": [bar(label)[None].tolist() for label in labels]}),
        server.post("/predict", form(*files), "multipart/form-data; boundary=frontier"),
    ):
        assert answer.labels == [str(label) for label in labels]


def test_image_bodies_are_answered_as_make_predict_answers_the_files(server, bars, tmp_path):
    (tmp_path / "images").mkdir()
    drawing = Image.new("L", (300, 200), 250)
    ImageDraw.Draw(drawing).line([(60, 40), (70, 160)], 10, 14)
    images = {
        "plain.png": png(bar(2)),
        "dark.png": png(255 - bar(5)),
        "drawn.jpg": encoded(drawing, "JPEG"),
        "colour.webp": encoded(drawing.convert("RGB"), "WEBP"),
        "deep.png": encoded(Image.fromarray(bar(6).astype(np.uint16) * 257), "PNG"),
    }
    for name, data in images.items():
        (tmp_path / "images" / name).write_bytes(data)
    for fit in (False, True):
        predict_folder(tmp_path / "images", tmp_path / "out.csv", model=bars, fit=fit, top=10, workers=1)
        with open(tmp_path / "out.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(images)
        for row in rows:
            answer = server.post(f"/predict?fit={int(fit)}&top=10", images[row["file"]], "image/whatever")
            top = answer.json["predictions"][0]["top"]
            suffixes = ["", *(f"_{rank}" for rank in range(2, 11))]
            assert [entry["label"] for entry in top] == [row["label" + suffix] for suffix in suffixes]
            expected = [float(row["probability" + suffix]) for suffix in suffixes]
            np.testing.assert_allclose([entry["probability"] for entry in top], expected, atol=2e-6)


def test_options_add_what_they_say(server):
    body = png(bar(8))
    answer = server.post("/predict?top=3&pixels=1&timing=1", body, "image/png").json
    (prediction,) = answer["predictions"]
    assert prediction["top"][0]["label"] == "8"
    assert len(prediction["top"]) == 3
    assert prediction["pixels"] == bar(8).ravel().tolist()
    assert set(answer["timing"]) == {"read", "wait", "model", "total", "batch"}
    assert answer["timing"]["total"] >= answer["timing"]["model"] > 0
    given = server.post("/predict?pixels=true", floats(8), RAW).json["predictions"][0]["pixels"]
    assert given == bar(8).ravel().tolist()


def test_the_ink_is_told_or_said(server):
    dark = png(255 - bar(1))
    assert server.post("/predict", dark, "image/png").labels == ["1"]
    assert server.post("/predict?polarity=dark", dark, "image/png").labels == ["1"]
    as_it_is = server.post("/predict?raw=1&fit=1&pixels=1", dark, "image/png").json["predictions"][0]["pixels"]
    assert as_it_is == (255 - bar(1)).ravel().tolist()


@pytest.mark.parametrize(
    ("path", "kind", "body", "status", "named"),
    [
        ("/predict", "image/png", b"", 422, "empty"),
        ("/predict", "image/png", b"no image", 422, "not an image"),
        ("/predict", "image/png", png(bar(1))[:60], 422, "truncated"),
        ("/predict?raw=1", "image/png", png(np.zeros((30, 28), np.uint8)), 422, "28 x 30"),
        ("/predict?fit=1", "image/png", png(np.zeros((28, 28), np.uint8)), 422, "no ink"),
        ("/predict", RAW, b"", 422, "3136"),
        ("/predict", RAW, b"\0" * 3137, 422, "3136"),
        ("/predict", RAW, np.full(784, np.nan, "<f4").tobytes(), 422, "no number"),
        ("/predict", RAW, b"\0" * 3136 * 51, 413, "50 images"),
        ("/predict", RAW, b"\0" * (1 << 20) + b"\0", 413, "1048576 bytes"),
        ("/predict", "application/json", b'{"pixels": [', 400, "not JSON"),
        ("/predict", "application/json", b"\xff", 400, "not JSON"),
        ("/predict", "application/json", b"[]", 422, "object"),
        ("/predict", "application/json", b"{}", 422, "pixels or tensor"),
        ("/predict", "application/json", b'{"image": [1]}', 422, "image"),
        ("/predict", "application/json", b'{"pixels": [], "tensor": []}', 422, "pixels or tensor"),
        ("/predict", "application/json", b'{"pixels": "x"}', 422, "array"),
        ("/predict", "application/json", b'{"pixels": []}', 422, "0 items"),
        ("/predict", "application/json", json.dumps({"pixels": [1] * 783}).encode(), 422, "783"),
        ("/predict", "application/json", json.dumps({"pixels": [256] * 784}).encode(), 422, "0 to 255"),
        ("/predict", "application/json", json.dumps({"pixels": [-1] * 784}).encode(), 422, "0 to 255"),
        ("/predict", "application/json", json.dumps({"pixels": [True] * 784}).encode(), 422, "true"),
        ("/predict", "application/json", json.dumps({"pixels": ["1"] * 784}).encode(), 422, "numbers"),
        ("/predict", "application/json", json.dumps({"tensor": [None] * 784}).encode(), 422, "numbers"),
        ("/predict", "application/json", json.dumps({"tensor": [1e300] * 784}).encode(), 422, "number"),
        ("/predict", "application/json", json.dumps({"tensor": [[0] * 28] * 27 + [[0]]}).encode(), 422, "28"),
        ("/predict", "multipart/form-data", form(png(bar(1))), 400, "boundary"),
        ("/predict", "multipart/form-data; boundary=other", form(png(bar(1))), 400, "multipart"),
        ("/predict", "multipart/form-data; boundary=frontier", form(png(bar(1)))[:-30], 400, "multipart"),
        ("/predict", "multipart/form-data; boundary=frontier", form(b"x", field="image"), 422, "file"),
        ("/predict", "multipart/form-data; boundary=frontier", form(png(bar(1)), b"x"), 422, "image 2 of 2"),
        ("/predict", "multipart/form-data; boundary=frontier", form(*[png(bar(1))] * 51), 413, "50 images"),
        ("/predict", "text/plain", b"1", 415, "text/plain"),
        ("/predict", "", b"1", 415, "Content-Type"),
        ("/predict?top=x", RAW, floats(1), 422, "top"),
        ("/predict?top=-1", RAW, floats(1), 422, "top"),
        ("/predict?tip=1", RAW, floats(1), 422, "tip"),
        ("/predict?polarity=red", RAW, floats(1), 422, "polarity"),
        ("/predict?model=none", RAW, floats(1), 404, "none"),
        ("/predict?version=0", RAW, floats(1), 404, "version 0"),
        ("/nothing", RAW, floats(1), 404, "/nothing"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_the_reason_and_the_mend(server, path, kind, body, status, named):
    answer = server.post(path, body, kind)
    assert answer.status == status
    error = answer.json["error"]
    assert set(error) == {"code", "message", "hint"}
    assert named in error["message"]
    assert error["hint"]


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(server):
    answer = server.post("/predict", encoded(Image.new("1", (6000, 6000)), "PNG"), "image/png")
    assert (answer.status, answer.code) == (413, "too_large")
    assert "30000000 pixels" in answer.json["error"]["message"]
    bomb = encoded(Image.new("1", (15000, 15000)), "PNG")
    assert server.post("/predict", bomb, "image/png").status == 413


def test_a_method_that_a_path_does_not_have_is_answered_with_those_that_it_has(server):
    answer = server.get("/predict")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert server.request("DELETE", "/health").status == 405
    assert server.request("HEAD", "/health").body == b""
