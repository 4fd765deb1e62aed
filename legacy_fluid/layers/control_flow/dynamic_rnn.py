"""Recurrences over sequences of different lengths, none of them padded: each step is on those still running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ... import core, unique_name
from ...framework import Variable
from ...layer_helper import LayerHelper
from ..tensor import fill_constant
from .arrays import array_read, array_to_lod_tensor, array_write, shrink_memory
from .compare import increment, less_than
from .loops import While

__all__ = ["DynamicRNN"]

_ARRAY = core.VarDesc.VarType.LOD_TENSOR_ARRAY


def _check_variable(value: Any, what: str) -> None:
    if not isinstance(value, Variable):
        raise TypeError(f"DynamicRNN: {what} is a Variable, not {value!r}")


class DynamicRNN:
    """A recurrence whose step is what is built within `with drnn.block():`, over sequences with lengths."""

    BEFORE_RNN = 0
    IN_RNN = 1
    AFTER_RNN = 2

    def __init__(self, name: str | None = None) -> None:
        self.helper = LayerHelper("dynamic_rnn", name=name)
        self.status = DynamicRNN.BEFORE_RNN
        self.lod_rank_table: Any = None
        self.max_seq_len: Any = None
        self.step_idx: Any = None
        self.zero_idx: Any = None
        self.mem_dict: dict[str, Any] = {}
        self.output_array: list[Any] = []
        self.outputs: list[Any] = []
        self.cond = self.helper.create_variable_for_type_inference(dtype="bool")
        self.cond.stop_gradient = False
        self.while_op = While(self.cond)
        self.input_array: list[tuple[Any, Any]] = []
        self.mem_link: list[tuple[Any, Any]] = []

    @contextmanager
    def block(self) -> Iterator[None]:
        """Begin the step."""
        if self.status != DynamicRNN.BEFORE_RNN:
            raise ValueError("DynamicRNN: block is called once")
        self.step_idx = fill_constant(shape=[1], dtype="int64", value=0, force_cpu=True)
        self.step_idx.stop_gradient = False
        self.status = DynamicRNN.IN_RNN
        with self.while_op.block():
            yield
            increment(x=self.step_idx, value=1.0, in_place=True)
            for new_memory, array in self.mem_link:
                array_write(x=new_memory, i=self.step_idx, array=array)
            less_than(x=self.step_idx, y=self.max_seq_len, force_cpu=True, cond=self.cond)
        self.status = DynamicRNN.AFTER_RNN
        self.outputs += [array_to_lod_tensor(x=array, table=self.lod_rank_table) for array in self.output_array]

    def step_input(self, x: Any, level: int = 0) -> Any:
        """Return the part of sequences x, with lengths at `level`, that belongs to the step."""
        self._assert_in_rnn_block_("step_input")
        _check_variable(x, "what step_input takes")
        parent = self._parent_block_()
        if self.lod_rank_table is None:
            self._rank(parent, x, level)
        array = parent.create_var(name=unique_name.generate("dynamic_rnn_input_array"), type=_ARRAY, dtype=x.dtype)
        self.input_array.append((array, x.dtype))
        parent.append_op(
            type="lod_tensor_to_array", inputs={"X": x, "RankTable": self.lod_rank_table}, outputs={"Out": array}
        )
        return array_read(array=array, i=self.step_idx)

    def _rank(self, parent: Any, x: Any, level: int) -> None:
        """Order the sequences by length, and loop as long as the longest has steps."""
        self.lod_rank_table = parent.create_var(
            name=unique_name.generate("lod_rank_table"), type=core.VarDesc.VarType.LOD_RANK_TABLE
        )
        self.lod_rank_table.stop_gradient = True
        parent.append_op(
            type="lod_rank_table", inputs={"X": x}, outputs={"Out": self.lod_rank_table}, attrs={"level": level}
        )
        self.max_seq_len = parent.create_var(name=unique_name.generate("dynamic_rnn_max_seq_len"), dtype="int64")
        self.max_seq_len.stop_gradient = False
        parent.append_op(
            type="max_sequence_len", inputs={"RankTable": self.lod_rank_table}, outputs={"Out": self.max_seq_len}
        )
        self.cond.stop_gradient = True
        parent.append_op(
            type="less_than",
            inputs={"X": self.step_idx, "Y": self.max_seq_len},
            outputs={"Out": self.cond},
            attrs={"force_cpu": True},
        )

    def static_input(self, x: Any) -> Any:
        """Return the rows, or sequences, of x that belong to those still running: the same in each step."""
        self._assert_in_rnn_block_("static_input")
        _check_variable(x, "what static_input takes")
        if self.lod_rank_table is None:
            raise RuntimeError("DynamicRNN: static_input comes after step_input")
        ordered = self._reordered(x, "dynamic_rnn_static_input_reordered")
        return shrink_memory(ordered, self.step_idx, self.lod_rank_table)

    def _reordered(self, x: Any, name: str) -> Any:
        parent = self._parent_block_()
        ordered = parent.create_var(
            name=unique_name.generate(name), type=core.VarDesc.VarType.LOD_TENSOR, dtype=x.dtype
        )
        parent.append_op(
            type="reorder_lod_tensor_by_rank",
            inputs={"X": [x], "RankTable": [self.lod_rank_table]},
            outputs={"Out": [ordered]},
        )
        return ordered

    def memory(
        self,
        init: Any = None,
        shape: Any = None,
        value: float = 0.0,
        need_reorder: bool = False,
        dtype: Any = "float32",
    ) -> Any:
        """Return the value of a memory before the step.

        Args:
            init: its first value, a row for each sequence; or
            shape, value, dtype: of one row of a constant first value.
            need_reorder: the rows of `init` are in the order of the input, not of its lengths.
        """
        self._assert_in_rnn_block_("memory")
        self._init_zero_idx_()
        parent = self._parent_block_()
        if init is None:
            init = self._constant_rows(parent, shape, value, dtype)
        elif need_reorder and self.lod_rank_table is None:
            raise ValueError("DynamicRNN: memory with need_reorder comes after step_input")
        else:
            _check_variable(init, "the init of a memory")
            init = self._reordered(init, "dynamic_rnn_mem_init_reordered") if need_reorder else init
        array = parent.create_var(name=unique_name.generate("dynamic_rnn_mem_array"), type=_ARRAY, dtype=init.dtype)
        parent.append_op(type="write_to_array", inputs={"X": init, "I": self.zero_idx}, outputs={"Out": array})
        before = array_read(array=array, i=self.step_idx)
        before = shrink_memory(x=before, i=self.step_idx, table=self.lod_rank_table)
        self.mem_dict[before.name] = array
        return before

    def _constant_rows(self, parent: Any, shape: Any, value: float, dtype: Any) -> Any:
        """Make a constant row for each sequence of the first input."""
        if not self.input_array:
            raise ValueError("DynamicRNN: memory(shape=..., value=...) comes after step_input")
        rows = parent.create_var(name=unique_name.generate("mem_init"), dtype=dtype)
        array, input_dtype = self.input_array[0]
        first = parent.create_var(name=unique_name.generate("in0"), dtype=input_dtype)
        parent.append_op(type="read_from_array", inputs={"X": [array], "I": [self.zero_idx]}, outputs={"Out": [first]})
        parent.append_op(
            type="fill_constant_batch_size_like",
            inputs={"Input": [first]},
            outputs={"Out": [rows]},
            attrs={"shape": [-1, *shape], "value": float(value), "dtype": rows.dtype},
        )
        return rows

    def update_memory(self, ex_mem: Any, new_mem: Any) -> None:
        """Say what a memory is after the step."""
        self._assert_in_rnn_block_("update_memory")
        _check_variable(ex_mem, "the ex_mem of update_memory")
        _check_variable(new_mem, "the new_mem of update_memory")
        if ex_mem.name not in self.mem_dict:
            raise ValueError(f"DynamicRNN: {ex_mem.name} is no memory; memory() returns one")
        self.mem_link.append((new_mem, self.mem_dict[ex_mem.name]))

    def output(self, *outputs: Any) -> None:
        """Give results of the step; the recurrence returns those of all steps as sequences."""
        self._assert_in_rnn_block_("output")
        parent = self._parent_block_()
        for out in outputs:
            _check_variable(out, "an output")
            array = parent.create_var(
                name=unique_name.generate_with_ignorable_key(f"{self.helper.name}_output_array_{out.name}"),
                type=_ARRAY,
                dtype=out.dtype,
            )
            array_write(x=out, i=self.step_idx, array=array)
            self.output_array.append(array)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the results of all steps; a list where they are several."""
        if self.status != DynamicRNN.AFTER_RNN:
            raise ValueError("DynamicRNN: its output is taken after the `with drnn.block():`")
        return self.outputs[0] if len(self.outputs) == 1 else self.outputs

    def _init_zero_idx_(self) -> None:
        if self.zero_idx is not None:
            return
        parent = self._parent_block_()
        self.zero_idx = parent.create_var(name=unique_name.generate("zero_idx"), dtype="int64")
        parent.append_op(
            type="fill_constant",
            inputs={},
            outputs={"Out": [self.zero_idx]},
            attrs={"shape": [1], "dtype": self.zero_idx.dtype, "value": float(0), "force_cpu": True},
        )

    def _parent_block_(self) -> Any:
        program = self.helper.main_program
        return program.block(program.current_block().parent_idx)

    def _assert_in_rnn_block_(self, method: str) -> None:
        if self.status != DynamicRNN.IN_RNN:
            raise ValueError(f"DynamicRNN: {method} is called within `with drnn.block():`")
