"""The Open Inference Protocol, version 2, over REST, with the binary tensor extension.

Source: https://github.com/kserve/open-inference-protocol and, for binary tensors, Triton's extension_binary_data.
"""

from __future__ import annotations

import math
import struct
from functools import lru_cache
from itertools import chain
from typing import Annotated, Any, Literal

import msgspec
import orjson
from msgspec import Meta

from export.model import SIDE, Floats
from export.serving.batching import FLOAT_BYTES, Job, Timing
from export.serving.errors import RequestError, malformed, too_large, unprocessable
from export.serving.exchange import Exchange
from export.serving.forms import check_encoding
from export.serving.models import Models, Served
from export.serving.settings import Settings
from fluidline import __version__

HEADER_LENGTH = b"inference-header-content-length"
OCTETS = b"application/octet-stream"
OUTPUT = "prediction"
DATATYPE = "FP32"
_NESTING = "send as many numbers as the shape says, flat or nested"
_SMALL = 1024  # bytes of JSON


class InputParameters(msgspec.Struct):
    """Parameters of an input tensor."""

    binary_data_size: Annotated[int, Meta(ge=0)] | None = None


class Input(msgspec.Struct):
    """An input tensor; its data are here, or after the JSON in as many bytes as binary_data_size says."""

    name: str
    shape: Annotated[list[Annotated[int, Meta(ge=0)]], Meta(description="[n, 1, 28, 28]")]
    datatype: Literal["FP32"]
    parameters: InputParameters = msgspec.field(default_factory=InputParameters)
    data: Annotated[list[Any] | None, Meta(description="numbers, flat or nested")] = None


class OutputParameters(msgspec.Struct):
    """Parameters of a requested output."""

    binary_data: bool | None = None


class RequestedOutput(msgspec.Struct):
    """An output that is asked for."""

    name: str
    parameters: OutputParameters = msgspec.field(default_factory=OutputParameters)


class RequestParameters(msgspec.Struct):
    """Parameters of the request."""

    binary_data_output: bool = False


class InferRequest(msgspec.Struct):
    """An inference request."""

    inputs: list[Input]
    id: str | None = None
    outputs: list[RequestedOutput] | None = None
    parameters: RequestParameters = msgspec.field(default_factory=RequestParameters)


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
            "inputs": [{"name": served.model.input_name, "datatype": DATATYPE, "shape": [-1, 1, SIDE, SIDE]}],
            "outputs": [{"name": OUTPUT, "datatype": DATATYPE, "shape": [-1, len(served.model.labels)]}],
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
        header, binary = _split(exchange)
        request = _read_small_header(header) if len(header) < _SMALL else _read_header(header)
        images = self._read_tensor(request, binary, served, header)
        served.batcher.submit(_Inference(exchange, request, served, images))

    def _read_tensor(self, request: InferRequest, binary: bytes, served: Served, header: bytes) -> bytes:
        if len(request.inputs) != 1 or request.inputs[0].name != served.model.input_name:
            raise unprocessable("one input is needed", f"name it {served.model.input_name}")
        for output in request.outputs or ():
            if output.name != OUTPUT:
                raise unprocessable(f"no output is named {output.name}", f"there is: {OUTPUT}")
        tensor = request.inputs[0]
        if tensor.shape[1:] != [1, SIDE, SIDE] or not tensor.shape[0]:
            raise unprocessable(f"the shape is {tensor.shape}", f"send [n, 1, {SIDE}, {SIDE}]")
        if tensor.shape[0] > self._settings.max_images:
            raise too_large(f"more than {self._settings.max_images} images in a request", "send them in several")
        count = math.prod(tensor.shape)
        if tensor.data is not None:
            return _pack(tensor.data, count, header)
        if tensor.parameters.binary_data_size != len(binary) or len(binary) != 4 * count:
            raise malformed(
                f"{len(binary)} bytes of tensor, {tensor.parameters.binary_data_size} announced, {4 * count} by shape",
                f"send data, or float32 after the JSON, its length in the header {HEADER_LENGTH.decode()}",
            )
        return binary


def _split(exchange: Exchange) -> tuple[bytes, bytes]:
    """Return the JSON and the binary tensors of a body."""
    check_encoding(exchange.headers)
    length = exchange.headers.get(HEADER_LENGTH)
    if length is None:
        return exchange.body, b""
    if not length.isdigit() or int(length) > len(exchange.body):
        raise malformed(f"the header {HEADER_LENGTH.decode()} is not the length of the JSON", "send it in bytes")
    return exchange.body[: int(length)], exchange.body[int(length) :]


def _read_header(header: bytes) -> InferRequest:
    hint = 'send {"inputs": [{"name", "shape", "datatype": "FP32", "data"}]}'
    try:
        return msgspec.convert(orjson.loads(header), InferRequest)
    except orjson.JSONDecodeError as error:
        raise malformed(f"the body is not JSON: {error}", hint) from error
    except msgspec.ValidationError as error:
        raise unprocessable(str(error), hint) from error


# With binary tensors the JSON is short, and the same from request to request of a client.
_read_small_header = lru_cache(maxsize=256)(_read_header)


def _pack(data: list[Any], count: int, header: bytes) -> bytes:
    while data and isinstance(data[0], list):
        data = _unnest(data)
    says_bool = b"true" in header or b"false" in header  # which Python takes for numbers
    if len(data) != count or (says_bool and any(isinstance(value, bool) for value in data)):
        raise unprocessable(f"{len(data)} values, not the {count} numbers of the shape", _NESTING)
    try:
        return struct.pack(f"<{count}f", *data)
    except (struct.error, OverflowError) as error:
        raise unprocessable(f"not all data are numbers: {error}", _NESTING) from error


def _unnest(data: list[Any]) -> list[Any]:
    length = len(data[0])
    if not all(isinstance(item, list) and len(item) == length for item in data):
        raise unprocessable("the nested lists are not all as long", _NESTING)
    return list(chain.from_iterable(data))


class _Inference(Job):
    __slots__ = ("exchange", "request", "served")

    def __init__(self, exchange: Exchange, request: InferRequest, served: Served, images: bytes) -> None:
        super().__init__(images, False, len(images) // FLOAT_BYTES)
        self.exchange = exchange
        self.request = request
        self.served = served

    def finish(self, probabilities: Floats, best: list[int], timing: Timing) -> None:
        request = self.request
        output: dict[str, Any] = {"name": OUTPUT, "datatype": DATATYPE, "shape": probabilities.shape}
        answer = {"model_name": self.served.name, "model_version": self.served.version, "outputs": [output]}
        if request.id is not None:
            answer["id"] = request.id
        if not _wants_binary(request):
            output["data"] = probabilities.ravel()
            self.exchange.answer(200, orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))
            return
        output["parameters"] = {"binary_data_size": probabilities.nbytes}
        header = orjson.dumps(answer)
        length = b"%b: %d\r\n" % (HEADER_LENGTH, len(header))
        self.exchange.answer(200, header + probabilities.tobytes(), OCTETS, length)

    def fail(self, error: RequestError) -> None:
        self.exchange.fail(error)


def _wants_binary(request: InferRequest) -> bool:
    asked = [output.parameters.binary_data for output in request.outputs or ()]
    return asked[0] if asked and asked[0] is not None else request.parameters.binary_data_output
