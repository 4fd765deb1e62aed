"""`POST /predict`: images or rows of a table in any of the forms, labels and probabilities or values out."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import orjson

from export.kind import Floats, Images, Table
from export.serving.batching import Job, Timing
from export.serving.errors import RequestError, malformed, unprocessable
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
        takes = served.model.kind.takes
        if takes is None:
            raise _takes_tensors(served)
        if options.top or options.pixels:
            _check_options(options, served, takes)
        check_encoding(exchange.headers)
        kind, parameters = media_type(exchange.headers.get(b"content-type", b""))
        if kind == "application/json":
            self._predict(exchange, options, served, read_json(exchange.body, takes, self._settings.max_images))
        elif kind == "application/octet-stream":
            self._predict(
                exchange, options, served, read_floats(exchange.body, served.model, self._settings.max_images)
            )
        elif isinstance(takes, Table):
            raise _takes_numbers(kind, served)
        elif kind.startswith("image/"):
            self._decode(exchange, options, served, takes, [exchange.body])
        elif kind == "multipart/form-data":
            if "boundary" not in parameters:
                raise malformed("multipart/form-data without a boundary", "send it as curl -F file=@digit.png does")
            files = read_multipart(exchange.body, parameters["boundary"], self._settings.max_images)
            self._decode(exchange, options, served, takes, files)
        else:
            what = f"Content-Type {kind} is not taken" if kind else "no Content-Type"
            raise RequestError(415, "unsupported_media_type", what, _FORMS)

    def _decode(self, exchange: Exchange, options: Options, served: Served, takes: Images, files: list[bytes]) -> None:
        def done(pixels: bytes) -> None:
            self._predict(exchange, options, served, Numbers(pixels, True, len(files)))

        self._decoder.decode(files, options.preparation(takes.size), done, exchange.fail)

    def _predict(self, exchange: Exchange, options: Options, served: Served, numbers: Numbers) -> None:
        served.batcher.submit(_Prediction(exchange, options, served, numbers))


class _Prediction(Job):
    __slots__ = ("exchange", "options", "served")

    def __init__(self, exchange: Exchange, options: Options, served: Served, numbers: Numbers) -> None:
        super().__init__(*numbers)
        self.exchange = exchange
        self.options = options
        self.served = served

    def finish(self, answers: Floats, best: list[int], timing: Timing) -> None:
        served, options = self.served, self.options
        labels = served.model.labels
        predictions: list[dict[str, Any]] = (
            [
                {"label": labels[index], "probability": row[index], "probabilities": row}
                for row, index in zip(answers, best, strict=True)
            ]
            if labels
            else [{"value": row[0]} for row in answers]
        )
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
        images = self.served.model.images
        if self.are_pixels:
            return np.frombuffer(self.images, np.uint8).reshape(-1, images.count)
        return images.to_pixels(np.frombuffer(self.images, "<f4"))

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


def _takes_tensors(served: Served) -> RequestError:
    message = f"{served.name} cannot be asked this way: {served.model.kind.why}"
    return unprocessable(message, f"send its tensors to /v2/models/{served.name}/infer")


def _takes_numbers(kind: str, served: Served) -> RequestError:
    message = f"{served.name} takes rows of a table, and not {kind or 'a body without Content-Type'}"
    return RequestError(415, "unsupported_media_type", message, 'send application/json: {"features": [...]}')


def _check_options(options: Options, served: Served, takes: Images | Table) -> None:
    """Raise RequestError, 422, where something is asked for that the model's answers do not have."""
    if options.top and not served.model.labels:
        raise unprocessable(f"top is for labels, and {served.name} gives a value", "leave top out")
    if options.pixels and isinstance(takes, Table):
        raise unprocessable(f"pixels is for images, and {served.name} takes rows of a table", "leave pixels out")
