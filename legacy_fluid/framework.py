"""`fluid.framework`: Program, Block, Variable, Operator of the 2.6.2 core, under the rules of fluid 1.8.

Paddle 2.6 still has these classes. Where their rules changed since, the rules of 1.8 are put back here, once, for every
program that is built in a process that imports legacy_fluid:

- there are no 0-D tensors: what 2.6 infers as shape () has shape (1,); at run time `lowering` sees to it
- the output of an operator does not inherit stop_gradient from its inputs
- what is printed of them is what 1.8 printed; `descriptions` sees to it
"""

from __future__ import annotations

from typing import Any

from paddle import _C_ops
from paddle.base import framework as _framework
from paddle.base.framework import (
    Block,
    Operator,
    Parameter,  # noqa: F401  not in __all__, and used by fluid code
    Program,
    Variable,
    _dygraph_tracer,
    cpu_places,
    cuda_pinned_places,
    cuda_places,
    default_main_program,
    default_startup_program,
    device_guard,
    dygraph_only,
    get_flags,
    in_dygraph_mode,
    is_compiled_with_cuda,
    name_scope,
    program_guard,
    require_version,
    set_flags,
)

from . import call_stack, core, descriptions
from .coverage import refused

__all__ = [
    "ComplexVariable",
    "Program",
    "Variable",
    "cpu_places",
    "cuda_pinned_places",
    "cuda_places",
    "default_main_program",
    "default_startup_program",
    "device_guard",
    "get_flags",
    "in_dygraph_mode",
    "is_compiled_with_cuda",
    "load_op_library",
    "name_scope",
    "program_guard",
    "require_version",
    "set_flags",
]


ParamBase = _framework.EagerParamBase


def __getattr__(name: str) -> Any:
    return getattr(_framework, name)  # the rest is as it was


class ComplexVariable:
    """A complex value as fluid 1.8 had it in eager mode: a pair of real variables.

    Args:
        real, imag: Variables of one shape and dtype.
    """

    def __init__(self, real: Any, imag: Any) -> None:
        assert real.shape == imag.shape, f"the parts differ in shape: {real.shape} and {imag.shape}"
        assert real.dtype == imag.dtype, f"the parts differ in dtype: {real.dtype} and {imag.dtype}"
        self.real = real
        self.imag = imag

    @property
    def dtype(self) -> str:
        halves = (core.VarDesc.VarType.FP16, core.VarDesc.VarType.FP32)
        return "complex64" if self.real.dtype in halves else "complex128"

    @property
    def shape(self) -> Any:
        return self.real.shape

    @property
    def name(self) -> dict[str, str]:
        return {"real": self.real.name, "imag": self.imag.name}

    @name.setter
    def name(self, name: Any) -> None:
        names = (f"{name}.real", f"{name}.imag") if isinstance(name, str) else name
        if not isinstance(names, tuple | list) or len(names) != 2:
            raise ValueError(f"the name of a ComplexVariable is a string, or one for each part, not {name!r}")
        self.real.name, self.imag.name = names

    def numpy(self) -> Any:
        return self.real.numpy() + 1j * self.imag.numpy()

    def __str__(self) -> str:
        return f"REAL: {self.real}IMAG: {self.imag}"

    __repr__ = __str__


@refused("fluid.load_op_library")
def load_op_library(lib_filename: str) -> None:
    """Load operators that were compiled against 1.8."""


@core.raises_enforce_not_met
def _append_op(self: Block, *args: Any, **kwargs: Any) -> Operator:
    """What Block.append_op does in fluid 1.8."""
    if in_dygraph_mode():
        return _trace_op(self, **kwargs)
    op = Operator(
        block=self,
        desc=self.desc.append_op(),
        type=kwargs.get("type"),
        inputs=kwargs.get("inputs"),
        outputs=kwargs.get("outputs"),
        attrs=kwargs.get("attrs"),
    )
    self.ops.append(op)
    give_outputs_a_dimension(op.desc, self.desc)
    return op


def _trace_op(block: Block, **kwargs: Any) -> Operator:
    op_type, inputs, outputs = kwargs["type"], kwargs.get("inputs") or {}, kwargs.get("outputs") or {}
    attrs = {name: value for name, value in (kwargs.get("attrs") or {}).items() if value is not None}
    _dygraph_tracer().trace_op(op_type, inputs, outputs, attrs, kwargs.get("stop_gradient", False))
    for values in outputs.values():
        for value in values if isinstance(values, list | tuple) else [values]:
            if isinstance(value, core.eager.Tensor):
                if value.shape == [] and value._is_initialized():
                    value.reconstruct_from_(_C_ops.reshape(value, [1]), False)
                if not value.stop_gradient:
                    value.retain_grads()  # in 1.8 every Variable had its gradient, not the leaves alone
    return Operator(block=block, desc=None, type=op_type, attrs=attrs)


def give_outputs_a_dimension(op: Any, block: Any) -> list[str]:
    """Declare the 0-D outputs of an operator as shape (1,); return their names.

    A variable that was made without a shape has none either: what is computed from such a one is unknown, not 0-D.

    Args:
        op: core.OpDesc whose shapes were inferred.
        block: core.BlockDesc that holds it.
    """
    if any(_without_shape(block, name) for name in op.input_arg_names()):
        return []
    scalars = [name for name in op.output_arg_names() if _without_shape(block, name)]
    for name in scalars:
        block.find_var_recursive(name.encode()).set_shape([1])
    return scalars


def _without_shape(block: Any, name: str) -> bool:
    var = block.find_var_recursive(name.encode())
    return var is not None and var.type() in _TENSORS and not var.shape()


_TENSORS = (core.VarDesc.VarType.LOD_TENSOR, core.VarDesc.VarType.LOD_TENSOR_ARRAY)


@dygraph_only
def _backward(self: Variable, backward_strategy: Any = None) -> None:
    """Compute gradients in eager mode; in static mode `backward.append_backward` does."""


Block.append_op = _append_op
Variable.backward = _backward
descriptions.restore()
_framework.traceback = call_stack  # which every operator asks where it was made
