"""`POST /predict`: images in any of the forms, labels and probabilities out."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
import orjson

from export.model import Floats
from export.serving.batching import PIXELS, Job, Timing
from export.serving.errors import RequestError, malformed
from export.serving.exchange import Exchange
from export.serving.forms import Numbers, check_encoding, media_type, read_floats, read_json, read_multipart
from export.serving.images import Decoder
from export.serving.models import Models, Served
from export.serving.options import Options, read_options
from export.serving.settings import Settings

_FORMS = "send image/png or another image/*, multipart/form-data, application/octet-stream or application/json"


class Predict:
    """The handler of `POST /predict`."""

    def __init__(self, settings: Settings, models: Models, decoder: Decoder) -> None:
        self._settings = settings
        self._models = models
        self._decoder = decoder

    def __call__(self, exchange: Exchange) -> None:
        options = read_options(exchange.query)
        served = self._models.find(options.model, options.version)
        check_encoding(exchange.headers)
        kind, parameters = media_type(exchange.headers.get(b"content-type", b""))
        if kind == "application/json":
            self._classify(exchange, options, served, read_json(exchange.body, served.model, self._settings.max_images))
        elif kind == "application/octet-stream":
            self._classify(exchange, options, served, read_floats(exchange.body, self._settings.max_images))
        elif kind.startswith("image/"):
            self._decode(exchange, options, served, [exchange.body])
        elif kind == "multipart/form-data":
            if "boundary" not in parameters:
                raise malformed("multipart/form-data without a boundary", "send it as curl -F file=@digit.png does")
            files = read_multipart(exchange.body, parameters["boundary"], self._settings.max_images)
            self._decode(exchange, options, served, files)
        else:
            what = f"Content-Type {kind} is not taken" if kind else "no Content-Type"
            raise RequestError(415, "unsupported_media_type", what, _FORMS)

    def _decode(self, exchange: Exchange, options: Options, served: Served, files: list[bytes]) -> None:
        done = partial(self._classify_pixels, exchange, options, served)
        self._decoder.decode(files, options.preparation, done, exchange.fail)

    def _classify_pixels(self, exchange: Exchange, options: Options, served: Served, pixels: bytes) -> None:
        self._classify(exchange, options, served, Numbers(pixels, True, len(pixels) // PIXELS))

    def _classify(self, exchange: Exchange, options: Options, served: Served, images: Numbers) -> None:
        served.batcher.submit(_Prediction(exchange, options, served, images))


class _Prediction(Job):
    __slots__ = ("exchange", "options", "served")

    def __init__(self, exchange: Exchange, options: Options, served: Served, images: Numbers) -> None:
        super().__init__(images.data, images.are_pixels, images.length)
        self.exchange = exchange
        self.options = options
        self.served = served

    def finish(self, probabilities: Floats, best: list[int], timing: Timing) -> None:
        served, options = self.served, self.options
        labels = served.model.labels
        predictions: list[dict[str, Any]] = [
            {"label": labels[index], "probability": row[index], "probabilities": row}
            for row, index in zip(probabilities, best, strict=True)
        ]
        if options.top:
            _add_top(predictions, labels, options.top)
        if options.pixels:
            for prediction, pixels in zip(predictions, self._given(), strict=True):
                prediction["pixels"] = pixels
        answer: dict[str, Any] = {"model": served.name, "version": served.version, "predictions": predictions}
        if options.timing:
            answer["timing"] = self._timing(timing)
        self.exchange.answer(200, orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))

    def fail(self, error: RequestError) -> None:
        self.exchange.fail(error)

    def _given(self) -> Any:
        """Return the images as pixels, light ink on dark, whatever they came as."""
        if self.are_pixels:
            return np.frombuffer(self.images, np.uint8).reshape(-1, PIXELS)
        preprocessing = self.served.model.preprocessing
        values = np.frombuffer(self.images, "<f4").reshape(-1, PIXELS)
        pixels = np.rint((values - preprocessing.shift) / preprocessing.scale).clip(0, 255).astype(np.uint8)
        return np.invert(pixels) if preprocessing.ink == "dark" else pixels

    def _timing(self, timing: Timing) -> dict[str, float]:
        milliseconds = {
            "read": self.queued - self.exchange.started,
            "wait": timing.begun - self.queued,
            "model": timing.done - timing.begun,
            "total": time.perf_counter() - self.exchange.started,
        }
        return {name: round(1000 * value, 3) for name, value in milliseconds.items()} | {"batch": timing.batch}


def _add_top(predictions: list[dict[str, Any]], labels: tuple[str, ...], top: int) -> None:
    for prediction in predictions:
        row = prediction["probabilities"]
        order = np.argsort(-row, kind="stable")[:top].tolist()
        prediction["top"] = [{"label": labels[index], "probability": row[index]} for index in order]
