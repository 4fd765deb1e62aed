"""The Open Inference Protocol, version 2, over REST, with the binary tensor extension.

Source: https://github.com/kserve/open-inference-protocol and, for binary tensors, Triton's extension_binary_data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from export.conversion.signature import TensorSpec
from export.kind import Floats
from export.serving.batching import Job, LoneJob, Timing
from export.serving.errors import RequestError
from export.serving.exchange import Exchange
from export.serving.models import Models, Served
from export.serving.oip_request import (
    DATATYPES,
    HEADER_LENGTH,
    InferRequest,
    protocol_shape,
    read_request,
    read_rows,
    read_tensors,
)
from export.serving.settings import Settings
from fluidline import __version__

OCTETS = b"application/octet-stream"
_BY_DTYPE = {np.dtype(name): datatype for name, datatype in DATATYPES.items()}  # a dtype's name takes longer to tell


class InferenceProtocol:
    """The handlers of `/v2/...`; all but the infer ones are in the table of routes."""

    def __init__(self, settings: Settings, models: Models) -> None:
        self._settings = settings
        self._models = models

    def server(self, exchange: Exchange) -> None:
        """Answer `GET /v2`."""
        about = {"name": "fluidline", "version": __version__, "extensions": ["binary_tensor_data", "model_repository"]}
        exchange.answer(200, orjson.dumps(about))

    def model(self, exchange: Exchange, name: str, version: str | None = None) -> None:
        """Answer `GET /v2/models/NAME`."""
        served = self._models.find(name, version)
        metadata = {
            "name": served.name,
            "versions": [other.version for other in self._models.served if other.name == served.name],
            "platform": "onnxruntime_onnx",
            "inputs": list(map(_described, served.model.inputs)),
            "outputs": list(map(_described, served.model.outputs)),
        }
        exchange.answer(200, orjson.dumps(metadata))

    def model_ready(self, exchange: Exchange, name: str, version: str | None = None) -> None:
        """Answer `GET /v2/models/NAME/ready`."""
        served = self._models.find(name, version)
        exchange.answer(200, orjson.dumps({"name": served.name, "ready": True}))

    def repository(self, exchange: Exchange) -> None:
        """Answer `POST /v2/repository/index`."""
        index = [{"name": s.name, "version": s.version, "state": "READY", "reason": ""} for s in self._models.served]
        exchange.answer(200, orjson.dumps(index))

    def infer(self, exchange: Exchange, name: str, version: str | None = None) -> None:
        """Answer `POST /v2/models/NAME/infer`."""
        served = self._models.find(name, version)
        request, header, binary = read_request(exchange)
        if served.lone is None:
            rows = read_rows(request, header, binary, served.model, self._settings.max_images)
            served.batcher.submit(_Inference(exchange, request, served, rows))
        else:
            feed = read_tensors(request, header, binary, served.model)
            served.lone.submit(_LoneInference(exchange, request, served, feed))


class _Inference(Job):
    __slots__ = ("exchange", "request", "served")

    def __init__(self, exchange: Exchange, request: InferRequest, served: Served, rows: bytes) -> None:
        super().__init__(rows, False, len(rows) // (4 * math.prod(served.model.shape)))
        self.exchange = exchange
        self.request = request
        self.served = served

    def finish(self, answers: Floats, best: list[int], timing: Timing) -> None:
        _answer(self.exchange, self.request, self.served, [answers])

    def fail(self, error: RequestError) -> None:
        self.exchange.fail(error)


class _LoneInference(LoneJob):
    __slots__ = ("exchange", "request", "served")

    def __init__(
        self, exchange: Exchange, request: InferRequest, served: Served, feed: dict[str, npt.NDArray[Any]]
    ) -> None:
        super().__init__(feed, _asked_outputs(request, served))
        self.exchange = exchange
        self.request = request
        self.served = served

    def take(self, answers: list[npt.NDArray[Any]]) -> None:
        _answer(self.exchange, self.request, self.served, answers)

    def fail(self, error: RequestError) -> None:
        self.exchange.fail(error)


def _described(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": DATATYPES[spec.dtype], "shape": protocol_shape(spec)}


def _asked_outputs(request: InferRequest, served: Served) -> list[str]:
    return [output.name for output in request.outputs or served.model.outputs]


def _answer(exchange: Exchange, request: InferRequest, served: Served, answers: Sequence[npt.NDArray[Any]]) -> None:
    """Answer with the outputs that were asked for, each in JSON or, where that is asked for, behind it in binary."""
    outputs: list[dict[str, Any]] = []
    binary: list[bytes] = []
    for index, (name, values) in enumerate(zip(_asked_outputs(request, served), answers, strict=True)):
        output: dict[str, Any] = {"name": name, "datatype": _BY_DTYPE[values.dtype], "shape": values.shape}
        if _wants_binary(request, index):
            output["parameters"] = {"binary_data_size": values.nbytes}
            binary.append(values.tobytes())
        else:
            output["data"] = values.ravel()
        outputs.append(output)
    answer = {"model_name": served.name, "model_version": served.version, "outputs": outputs}
    if request.id is not None:
        answer["id"] = request.id
    header = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    if binary:
        length = b"%b: %d\r\n" % (HEADER_LENGTH, len(header))
        exchange.answer(200, b"".join([header, *binary]), OCTETS, length)
    else:
        exchange.answer(200, header)


def _wants_binary(request: InferRequest, index: int) -> bool:
    asked = request.outputs[index].parameters.binary_data if request.outputs else None
    return request.parameters.binary_data_output if asked is None else asked
