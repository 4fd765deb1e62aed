"""Inference requests of the Open Inference Protocol: their JSON, and the tensors in it or behind it."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import orjson
from msgspec import Meta

from export.conversion.signature import TensorSpec
from export.model import Model
from export.serving.errors import malformed, too_large, unprocessable
from export.serving.exchange import Exchange
from export.serving.forms import check_encoding

HEADER_LENGTH = b"inference-header-content-length"
DATATYPES = {
    "bool": "BOOL",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
}
_DATATYPE = Literal[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64"
]
_NESTING = "send as many numbers as the shape says, flat or nested"
_SMALL = 1024  # bytes of JSON


class InputParameters(msgspec.Struct):
    """Parameters of an input tensor."""

    binary_data_size: Annotated[int, Meta(ge=0)] | None = None


class Input(msgspec.Struct):
    """An input tensor; its data are here, or after the JSON in as many bytes as binary_data_size says."""

    name: str
    shape: Annotated[
        list[Annotated[int, Meta(ge=0)]], Meta(description="[n, 1, 28, 28], say: see the model's metadata")
    ]
    datatype: _DATATYPE
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


def read_request(exchange: Exchange) -> tuple[InferRequest, bytes, bytes]:
    """Return a request, its JSON, and the binary tensors after that. Raises RequestError, 400, 415 or 422."""
    check_encoding(exchange.headers)
    header, binary = exchange.body, b""
    if (length := exchange.headers.get(HEADER_LENGTH)) is not None:
        if not length.isdigit() or int(length) > len(exchange.body):
            raise malformed(f"the header {HEADER_LENGTH.decode()} is not the length of the JSON", "send it in bytes")
        header, binary = exchange.body[: int(length)], exchange.body[int(length) :]
    return (_read_small_header if len(header) < _SMALL else _read_header)(header), header, binary


def read_rows(request: InferRequest, header: bytes, binary: bytes, model: Model, most: int) -> bytes:
    """Return the one tensor of a model whose requests share a run, float32. Raises RequestError, 400, 413 or 422."""
    if len(request.inputs) != 1 or request.inputs[0].name != model.input_name:
        raise unprocessable("one input is needed", f"name it {model.input_name}")
    check_outputs(request, model)
    tensor = request.inputs[0]
    if tensor.datatype != "FP32" or tuple(tensor.shape[1:]) != model.shape or not tensor.shape[0]:
        raise _other_shape(tensor, model.inputs[0])
    if tensor.shape[0] > most:
        raise too_large(f"more than {most} images or rows in a request", "send them in several")
    count = math.prod(tensor.shape)
    if tensor.data is not None:
        return _pack(tensor.data, count, header)
    if tensor.parameters.binary_data_size != len(binary) or len(binary) != 4 * count:
        raise _other_bytes(tensor, len(binary), 4 * count)
    return binary


def read_tensors(request: InferRequest, header: bytes, binary: bytes, model: Model) -> dict[str, npt.NDArray[Any]]:
    """Return the tensors of a request by name. Raises RequestError, 400 or 422, where they are not what the model takes."""
    check_outputs(request, model)
    specs = {spec.name: spec for spec in model.inputs}
    if sorted(tensor.name for tensor in request.inputs) != sorted(specs):
        raise unprocessable(f"{len(request.inputs)} inputs that are not the model's", f"name them {', '.join(specs)}")
    feed: dict[str, npt.NDArray[Any]] = {}
    start = 0
    for tensor in request.inputs:
        spec = specs[tensor.name]
        if tensor.datatype != DATATYPES[spec.dtype] or not _fits(tensor.shape, spec):
            raise _other_shape(tensor, spec)
        dtype, count = np.dtype(spec.dtype), math.prod(tensor.shape)
        if tensor.data is not None:
            values = _to_array(tensor.data, count, dtype, header)
        else:
            end = start + (tensor.parameters.binary_data_size or 0)
            if len(binary[start:end]) != count * dtype.itemsize:
                raise _other_bytes(tensor, len(binary[start:end]), count * dtype.itemsize)
            values, start = np.frombuffer(binary[start:end], dtype), end
        feed[tensor.name] = values.reshape(tensor.shape)
    if start != len(binary):
        raise malformed(f"{len(binary) - start} bytes after the last tensor", "announce all in binary_data_size")
    return feed


def check_outputs(request: InferRequest, model: Model) -> None:
    """Raise RequestError, 422, where an output is asked for that the model has not."""
    known = [spec.name for spec in model.outputs]
    for output in request.outputs or ():
        if output.name not in known:
            raise unprocessable(f"no output is named {output.name}", f"there is: {', '.join(known)}")
    if len(request.outputs or ()) > len(known):
        raise unprocessable(
            f"{len(request.outputs or ())} outputs are asked for", f"name each of {', '.join(known)} once"
        )


def protocol_shape(spec: TensorSpec) -> list[int]:
    """Return a shape as the protocol has it, -1 for a free dimension."""
    return [size if isinstance(size, int) else -1 for size in spec.shape]


def _fits(shape: Sequence[int], spec: TensorSpec) -> bool:
    sizes = zip(shape, spec.shape, strict=False)
    return len(shape) == len(spec.shape) and all(size and wanted in (size, str(wanted)) for size, wanted in sizes)


def _other_shape(tensor: Input, spec: TensorSpec) -> Exception:
    shape = ", ".join("n" if isinstance(size, str) else str(size) for size in spec.shape)
    message = f"{tensor.name} is {tensor.datatype}, its shape is {tensor.shape}"
    return unprocessable(message, f"send {DATATYPES[spec.dtype]}, [{shape}]")


def _other_bytes(tensor: Input, found: int, wanted: int) -> Exception:
    return malformed(
        f"{found} bytes of tensor, {tensor.parameters.binary_data_size} announced, {wanted} by shape",
        f"send data, or {tensor.datatype} after the JSON, its length in the header {HEADER_LENGTH.decode()}",
    )


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
    data = _flat(data, count, header)
    try:
        return struct.pack(f"<{count}f", *data)
    except (struct.error, OverflowError) as error:
        raise unprocessable(f"not all data are numbers: {error}", _NESTING) from error


def _to_array(data: list[Any], count: int, dtype: np.dtype[Any], header: bytes) -> npt.NDArray[Any]:
    flat = _flat(data, count, b"" if dtype.kind == "b" else header)
    values = np.array(flat)
    kinds = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}[dtype.kind]
    with np.errstate(all="ignore"):
        array = values.astype(dtype) if values.dtype.kind in kinds else None
    if array is None or (dtype.kind in "iu" and not np.array_equal(array, values)):
        raise unprocessable(f"not all data are {DATATYPES[dtype.name]}", _NESTING)
    return array


def _flat(data: list[Any], count: int, header: bytes) -> list[Any]:
    while data and isinstance(data[0], list):
        data = _unnest(data)
    says_bool = b"true" in header or b"false" in header  # which Python takes for numbers
    if len(data) != count or (says_bool and any(isinstance(value, bool) for value in data)):
        raise unprocessable(f"{len(data)} values, not the {count} numbers of the shape", _NESTING)
    return data


def _unnest(data: list[Any]) -> list[Any]:
    length = len(data[0])
    if not all(isinstance(item, list) and len(item) == length for item in data):
        raise unprocessable("the nested lists are not all as long", _NESTING)
    return list(chain.from_iterable(data))
