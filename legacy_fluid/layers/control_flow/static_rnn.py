"""Recurrences over sequences of one length."""

from __future__ import annotations

import math
from typing import Any

from paddle.static.nn.control_flow import BlockGuard

from ... import core, unique_name
from ...data_feeder import check_type
from ...framework import Variable, grad_var_name
from ...layer_helper import LayerHelper

__all__ = ["StaticRNN"]


class StaticRNNMemoryLink:
    """A memory: its first value, its value before a step, and its value after it."""

    def __init__(self, init: Any, pre_mem: Any, mem: Any = None) -> None:
        self.init = init
        self.pre_mem = pre_mem
        self.mem = mem


class BlockGuardWithCompletion(BlockGuard):
    """The step of a StaticRNN, as a `with`."""

    def __init__(self, rnn: StaticRNN) -> None:
        super().__init__(rnn.helper.main_program)
        self.rnn = rnn

    def __enter__(self) -> Any:
        self.rnn.status = StaticRNN.IN_RNN_BLOCK
        return super().__enter__()

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> Any:
        if exc_type is not None:
            return False
        self.rnn.status = StaticRNN.AFTER_RNN_BLOCK
        self.rnn._complete_op()
        return super().__exit__(exc_type, exc_val, exc_tb)


class StaticRNN:
    """A recurrence whose step is what is built within `with rnn.step():`, over inputs [T, N, ...]."""

    BEFORE_RNN_BLOCK = 0
    IN_RNN_BLOCK = 1
    AFTER_RNN_BLOCK = 2

    def __init__(self, name: str | None = None) -> None:
        check_type(name, "name", (str, type(None)), "StaticRNN")
        self.helper = LayerHelper("static_rnn", name=name)
        self.memories: dict[str, StaticRNNMemoryLink] = {}
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.status = StaticRNN.BEFORE_RNN_BLOCK
        self.seq_len: int | None = None

    def step(self) -> BlockGuardWithCompletion:
        """Begin the step."""
        return BlockGuardWithCompletion(self)

    def _assert_in_rnn_block_(self, method: str) -> None:
        if self.status != StaticRNN.IN_RNN_BLOCK:
            raise ValueError(f"StaticRNN: {method} is called within `with rnn.step():`")

    def memory(
        self,
        init: Any = None,
        shape: Any = None,
        batch_ref: Any = None,
        init_value: float = 0.0,
        init_batch_dim_idx: int = 0,
        ref_batch_dim_idx: int = 1,
    ) -> Any:
        """Return the value of a memory before the step.

        Args:
            init: its first value; or
            shape, init_value: of a constant first value, with as many rows as dimension `ref_batch_dim_idx` of
                `batch_ref` has, in its dimension `init_batch_dim_idx`.
        """
        self._assert_in_rnn_block_("memory")
        check_type(init, "init", (Variable, type(None)), "StaticRNN.memory")
        check_type(shape, "shape", (list, tuple, type(None)), "StaticRNN.memory")
        check_type(batch_ref, "batch_ref", (Variable, type(None)), "StaticRNN.memory")
        if init is None:
            if shape is None or batch_ref is None:
                raise ValueError("StaticRNN.memory: without an init, shape and batch_ref are needed")
            parent = self._parent_block()
            init = parent.create_var(
                name=unique_name.generate_with_ignorable_key(f"{self.helper.name}@memory_boot"),
                shape=shape,
                dtype=batch_ref.dtype,
                persistable=False,
            )
            parent.append_op(
                type="fill_constant_batch_size_like",
                inputs={"Input": [batch_ref]},
                outputs={"Out": [init]},
                attrs={
                    "value": init_value,
                    "shape": init.shape,
                    "dtype": init.dtype,
                    "input_dim_idx": ref_batch_dim_idx,
                    "output_dim_idx": init_batch_dim_idx,
                },
            )
        before = self.helper.create_variable(
            name=unique_name.generate_with_ignorable_key(f"{self.helper.name}@mem"), dtype=init.dtype, shape=init.shape
        )
        self.memories[before.name] = StaticRNNMemoryLink(init=init, pre_mem=before)
        return before

    def update_memory(self, mem: Any, var: Any) -> None:
        """Say what a memory is after the step."""
        check_type(mem, "mem", Variable, "StaticRNN.update_memory")
        check_type(var, "var", Variable, "StaticRNN.update_memory")
        self.memories[mem.name].mem = var

    def step_input(self, x: Any) -> Any:
        """Return the part of a sequence x [T, N, ...] that belongs to the step, [N, ...]."""
        self._assert_in_rnn_block_("step_input")
        check_type(x, "x", Variable, "StaticRNN.step_input")
        if self.seq_len is None:
            self.seq_len = x.shape[0]
        elif x.shape[0] != -1 and self.seq_len != x.shape[0]:
            raise ValueError(f"StaticRNN: inputs of {self.seq_len} and of {x.shape[0]} steps")
        part = self.helper.create_variable(name=x.name, dtype=x.dtype, shape=list(x.shape[1:]), type=x.type)
        self.inputs.append(part)
        return part

    def step_output(self, o: Any) -> None:
        """Give a result of the step; the recurrence returns those of all steps, [T, N, ...]."""
        self._assert_in_rnn_block_("step_output")
        check_type(o, "o", Variable, "StaticRNN.step_output")
        kept = self._kept(o)
        self.outputs.append(
            self._parent_block().create_var(name=kept.name, shape=[self.seq_len, *kept.shape], dtype=kept.dtype)
        )

    def output(self, *outputs: Any) -> None:
        """Give several results of the step."""
        for out in outputs:
            self.step_output(out)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the results of all steps; a list where they are several."""
        if self.status != StaticRNN.AFTER_RNN_BLOCK:
            raise ValueError("StaticRNN: its output is taken after the `with rnn.step():`")
        if not self.outputs:
            raise ValueError("StaticRNN: it has no output; call step_output in the step")
        return self.outputs[0] if len(self.outputs) == 1 else self.outputs

    def _parent_block(self) -> Any:
        program = self.helper.main_program
        return program.block(program.current_block().parent_idx)

    def _kept(self, var: Any) -> Any:
        """Copy a variable of the step, so that the recurrence may link the copy to the next step.

        The rnn_memory_helper of 1.8 is gone from the core. A clip without bounds stands in the program in its place,
        which `lowering` knows: a plain copy would lose its gradient, since none but the recurrence reads it.
        """
        copy = self.helper.create_variable_for_type_inference(dtype=var.dtype)
        self.helper.append_op(
            type="clip", inputs={"X": [var]}, outputs={"Out": [copy]}, attrs={"min": -math.inf, "max": math.inf}
        )
        return copy

    def _complete_op(self) -> None:
        step, parent = self.helper.main_program.current_block(), self._parent_block()
        own = {name for op in step.ops for slot in op.output_names for name in op.output(slot)}
        own |= {var.name for var in self.inputs} | set(self.memories)
        read = {name for op in step.ops for slot in op.input_names for name in op.input(slot)}
        updated = []
        for memory in self.memories.values():
            assert memory.mem is not None, f"StaticRNN: the memory that begins as {memory.init.name} is not updated"
            copy = self._kept(step.var(memory.mem.name))
            # Declared, the gradient counts as given: the recurrence brings it from the step after.
            step.create_var(name=grad_var_name(copy.name), shape=copy.shape, dtype=copy.dtype)
            updated.append(copy.name)
        parent.append_op(
            type="recurrent",
            inputs={
                "inputs": [parent.var(var.name) for var in self.inputs],
                "initial_states": [memory.init for memory in self.memories.values()],
                "parameters": [parent._var_recursive(name) for name in sorted(read - own)],
            },
            outputs={
                "outputs": self.outputs,
                "step_scopes": [parent.create_var(type=core.VarDesc.VarType.STEP_SCOPES)],
            },
            attrs={
                "has_states": bool(self.memories),
                "ex_states": [memory.pre_mem.name for memory in self.memories.values()],
                "states": updated,
                "sub_block": step,
            },
        )
