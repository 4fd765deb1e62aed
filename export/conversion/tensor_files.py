"""Parameters as Paddle writes them, one behind the other in a file. Paddle's own reader takes a torn file for whole.

A tensor is: uint32 version 0; uint64 number of LoD levels, each a uint64 length and its bytes; uint32 version 0 again;
int32 length of a TensorDesc message (dtype and shape) and that message; then the numbers, row by row, little-endian.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np

from fluidline.errors import DataError

_DTYPES = {  # of framework.proto's VarType
    0: np.dtype(np.bool_),
    1: np.dtype("<i2"),
    2: np.dtype("<i4"),
    3: np.dtype("<i8"),
    4: np.dtype("<f2"),
    5: np.dtype("<f4"),
    6: np.dtype("<f8"),
    20: np.dtype(np.uint8),
    21: np.dtype(np.int8),
}


def read_tensors(path: Path, count: int) -> list[np.ndarray]:
    """Return the `count` tensors of a file. Raises DataError where it is torn, longer or something else."""
    content = _Content(path)
    tensors = [content.tensor() for _ in range(count)]
    if left := content.left():
        raise DataError(
            f"{path} has {left} bytes more than {count} parameter{'s' * (count > 1)} (is it another model's?)"
        )
    return tensors


class _Content:
    """The bytes of a file, and how far they are read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bytes = path.read_bytes()
        self._at = 0

    def left(self) -> int:
        return len(self._bytes) - self._at

    def tensor(self) -> np.ndarray:
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        from paddle.base.proto import framework_pb2

        self._version()
        for _ in range(self._number("<Q")):
            self._take(self._number("<Q"))
        self._version()
        description = framework_pb2.VarType.TensorDesc()
        try:
            description.ParseFromString(self._take(self._number("<i")))
        except DecodeError as error:
            raise DataError(f"{self._path} is no file of parameters (no dtype and shape at byte {self._at})") from error
        if description.data_type not in _DTYPES:
            raise DataError(f"{self._path} holds numbers of a kind that NumPy has not (type {description.data_type})")
        dtype, shape = _DTYPES[description.data_type], tuple(description.dims)
        return np.frombuffer(self._take(math.prod(shape) * dtype.itemsize), dtype).reshape(shape)

    def _version(self) -> None:
        if version := self._number("<I"):
            raise DataError(f"{self._path} is no file of parameters (version {version} at byte {self._at - 4}, not 0)")

    def _number(self, form: str) -> int:
        return int(struct.unpack(form, self._take(struct.calcsize(form)))[0])

    def _take(self, size: int) -> bytes:
        if not 0 <= size <= self.left():
            end = f"it ends at byte {len(self._bytes)}, {size - self.left()} bytes too early"
            raise DataError(f"{self._path} is torn: {end if size > 0 else 'a length in it is negative'}")
        self._at += size
        return self._bytes[self._at - size : self._at]
