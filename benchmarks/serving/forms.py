"""The forms in which an image is asked about, and what an answer in each says."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

V2 = "v2 binary"
_LABELS = 10


@dataclass(frozen=True)
class Form:
    """Content-Type, other headers, and the body for an image."""

    kind: str
    body: Callable[[Pixels], bytes]
    headers: Mapping[str, str] = field(default_factory=dict)

    def request(self, path: str, image: Pixels) -> bytes:
        """Return a whole request, as it goes over the wire."""
        body = self.body(image)
        headers = {"Host": "localhost", "Content-Type": self.kind, **self.headers, "Content-Length": len(body)}
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body


def label_of(answer: bytes) -> int:
    """Return the label that an answer gives: JSON, in ours in a list, or ending in the probabilities as float32."""
    try:
        value = json.loads(answer)
    except ValueError:
        return int(np.frombuffer(answer[-4 * _LABELS :], "<f4").argmax())
    return int(value.get("predictions", [value])[0]["label"])


def _tensor(image: Pixels) -> npt.NDArray[np.float32]:
    return image.astype("<f4") / np.float32(127.5) - np.float32(1)


def _json(image: Pixels) -> bytes:
    numbers = [round(value, 6) for value in _tensor(image).ravel().tolist()]
    return json.dumps({"tensor": numbers}, separators=(",", ":")).encode()


def _raw(image: Pixels) -> bytes:
    return _tensor(image).tobytes()


def _png(image: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def _v2(image: Pixels) -> bytes:
    return _V2_HEAD + _raw(image)


_INPUT = {"name": "img", "shape": [1, 1, 28, 28], "datatype": "FP32", "parameters": {"binary_data_size": 4 * 28 * 28}}
_V2_HEAD = json.dumps({"inputs": [_INPUT], "parameters": {"binary_data_output": True}}).encode()

FORMS = {
    "JSON": Form("application/json", _json),
    "raw": Form("application/octet-stream", _raw),
    "PNG": Form("image/png", _png),
    V2: Form("application/octet-stream", _v2, {"Inference-Header-Content-Length": str(len(_V2_HEAD))}),
}
