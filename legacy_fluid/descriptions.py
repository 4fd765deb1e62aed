"""How programs, variables, tensors and dtypes describe themselves where a program prints them: as in 1.8.

Programs and what is in them print their protobuf messages, without the fields that came later.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from paddle.base import framework as _framework
from paddle.base.framework import Block, Operator, Parameter, Program, Variable
from paddle.base.proto import framework_pb2

from . import core


def restore() -> None:
    """Give the core's classes their descriptions of 1.8."""
    _framework._debug_string_ = describe
    Variable.to_string = Parameter.to_string = _describe_variable
    for kind in (Block, Operator, Parameter, Program, Variable):
        kind.__str__ = kind.__repr__ = lambda self: self.to_string(True)
    core.LoDTensor.__str__ = _describe_lod_tensor
    core.VarDesc.VarType.__str__ = core.VarDesc.VarType.__repr__ = lambda self: f"VarType.{self.name}"


_LATER_FIELDS = ("is_parameter", "stop_gradient", "op_version_map")


def describe(proto: Any, throw_on_error: bool = True) -> str:
    """Return a protobuf message as text.

    Raises:
        ValueError: a field that has to be there is not.
    """
    missing: list[str] = []
    if not proto.IsInitialized(missing) and throw_on_error:
        raise ValueError(f"{', '.join(missing)} not set in:\n{proto}")
    copy = type(proto).FromString(proto.SerializePartialToString())
    _clear(copy)
    return str(copy)


def _clear(proto: Any) -> None:
    for field, value in proto.ListFields():
        if field.name in _LATER_FIELDS:
            proto.ClearField(field.name)
        elif field.name in ("blocks", "vars"):
            for part in value:
                _clear(part)


def _describe_variable(self: Any, throw_on_error: bool, with_details: bool = False) -> str:
    """Return the variable's protobuf message, and with details what it does not hold."""
    assert isinstance(throw_on_error, bool), f"throw_on_error is True or False, not {throw_on_error!r}"
    assert isinstance(with_details, bool), f"with_details is True or False, not {with_details!r}"
    text = describe(framework_pb2.VarDesc.FromString(self.desc.serialize_to_string()), throw_on_error)
    names = ["error_clip", "stop_gradient", *(_OF_PARAMETERS if isinstance(self, Parameter) else ())]
    return text + "".join(f"{name}: {getattr(self, name)}\n" for name in names if with_details)


_OF_PARAMETERS = ("trainable", "optimize_attr", "regularizer", "do_model_average")


def describe_tensor(array: np.ndarray, lengths: list[list[int]]) -> str:
    """Return the lengths, shape, dtype and values of a tensor."""
    lod = "".join("{" + ", ".join(map(str, level)) + "}" for level in lengths)
    kind = _KINDS.get(str(array.dtype), str(array.dtype))
    data = " ".join(f"{value:g}" if array.dtype.kind == "f" else str(int(value)) for value in array.ravel())
    shape = ", ".join(map(str, array.shape))
    return f"\tlod: {{{lod}}}\n\tdim: {shape}\n\tlayout: NCHW\n\tdtype: {kind}\n\tdata: [{data}]\n"


_KINDS = {
    "float32": "float",
    "float64": "double",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int",
    "int64": "int64_t",
    "uint8": "uint8_t",
}


def _describe_lod_tensor(self: Any) -> str:
    return describe_tensor(np.array(self), self.lod()) if self._is_initialized() else "(not initialized)"
