"""`fluid.dygraph.static_runner`: an inference model on disk as a Layer, to call or to train on."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import paddle
from paddle.base.dygraph.base import switch_to_static_graph
from paddle.jit.dy2static.partial_program import PartialProgramLayer

from .. import core
from ..framework import ParamBase, Program
from ..lowering import lower
from .base import to_variable
from .checkpoint import read_tensors
from .layers import Layer

__all__ = ["StaticModelRunner"]


class StaticModelRunner(Layer):
    """The model that fluid.io.save_inference_model wrote, run eagerly with gradients.

    Args:
        model_dir: its folder.
        model_filename: of the program; `__model__` where None.
        params_filename: of all parameters in one; a file each where None.

    Raises:
        ValueError: there is no such folder.
    """

    def __init__(self, model_dir: str, model_filename: str | None = None, params_filename: str | None = None) -> None:
        super().__init__()
        if not os.path.isdir(model_dir):
            raise ValueError(f"there is no folder {model_dir} to load a model from")
        with open(os.path.join(model_dir, os.path.basename(model_filename or "__model__")), "rb") as file:
            program, inputs, outputs = _trainable(file.read())
        names = sorted(var.name for var in program.list_vars() if var.persistable)
        values = read_tensors(model_dir, names, params_filename)
        for var, value in zip((program.global_block().var(name) for name in names), values, strict=True):
            parameter = ParamBase(shape=var.shape, dtype=var.dtype, name=var.name)
            parameter.set_value(value.numpy())
            parameter.stop_gradient = False
            self.add_parameter(var.name, parameter)
        self._input_names = [var.name for var in inputs]
        self._run = PartialProgramLayer(
            program, inputs, outputs, paddle.base.unique_name.UniqueNameGenerator(), list(self._parameters.values())
        )
        self.training = True

    def train(self) -> None:
        """Let it behave as in training."""
        self.training = True

    def eval(self) -> None:
        """Let it behave as in inference."""
        self.training = False

    def forward(self, *args: Any) -> Any:
        """Run the model on arrays or Variables; return its output, a list where there are several.

        Raises:
            TypeError: an input is neither.
        """
        for value in args:
            if not isinstance(value, np.ndarray | core.VarBase):
                raise TypeError(f"an input is an array or a Variable, not {type(value)}")
        self._run.training = self.training
        inputs = [to_variable(value, name) for value, name in zip(args, self._input_names, strict=True)]
        return self._run(inputs)


@switch_to_static_graph
def _trainable(binary: bytes) -> tuple[Any, list[Any], list[Any]]:
    """Return the program without its feeds and fetches, in training mode; and its inputs and outputs."""
    program = Program.parse_from_string(binary)
    names = program.desc.get_feed_target_names(), program.desc.get_fetch_target_names()
    block = program.global_block()
    for index in reversed(range(len(block.ops))):
        op = block.ops[index]
        if op.type in ("feed", "fetch"):
            block._remove_op(index)
        elif op.has_attr("is_test"):
            op._set_attr("is_test", False)
    for holder in ("feed", "fetch"):
        block._remove_var(holder, sync=True)
    program = lower(program)
    return program, *([program.global_block().var(name) for name in group] for group in names)
